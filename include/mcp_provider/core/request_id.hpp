// An identifier for one request: unique in a process, and not likely to be met in another.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcp_provider {

/// 26 characters: `req_` and 22 hexadecimal digits; made without a lock or an allocation.
/// Not a secret: it appears in logs and in the `x-request-id` response field.
class request_id {
public:
    /// Makes the next one. *Thread safety*: safe. *Complexity*: constant, no system call.
    [[nodiscard]] static request_id next() {
        thread_local std::uint64_t state = seed();
        std::uint64_t const word = mixed(state += step);
        return request_id{word, static_cast<std::uint32_t>(state >> 40U)};
    }

    request_id() noexcept : request_id{0, 0} {}

    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), text_.size()}; }

private:
    request_id(std::uint64_t high, std::uint32_t low) noexcept {
        constexpr std::string_view digits = "0123456789abcdef";
        text_[0] = 'r', text_[1] = 'e', text_[2] = 'q', text_[3] = '_';
        for (std::size_t i = 0; i < 16; ++i) text_[4 + i] = digits[(high >> (60 - 4 * i)) & 15U];
        for (std::size_t i = 0; i < 6; ++i) text_[20 + i] = digits[(low >> (20 - 4 * i)) & 15U];
    }

    // splitmix64 (Vigna): a full-period walk, so that one thread never repeats within 2^64.
    static constexpr std::uint64_t step = 0x9e3779b97f4a7c15ULL;
    static constexpr std::uint64_t mixed(std::uint64_t word) noexcept {
        word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9ULL;
        word = (word ^ (word >> 27U)) * 0x94d049bb133111ebULL;
        return word ^ (word >> 31U);
    }

    /// From the time, the thread, and where the system has put the program. Enough for what is no secret, and a tenth
    /// of a second less for every unit that includes this than <random>.
    static std::uint64_t seed() noexcept {
        static std::atomic<std::uint64_t> threads{0};
        auto const now = std::chrono::system_clock::now().time_since_epoch().count();
        auto const place = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&threads));
        return mixed(static_cast<std::uint64_t>(now)) ^
               mixed(place + step * threads.fetch_add(1, std::memory_order_relaxed));
    }

    std::array<char, 26> text_;
};

} // namespace mcp_provider
