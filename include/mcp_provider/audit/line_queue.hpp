// The lock-free hand-off of formatted records from many workers to the one writer.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace mcp_provider::audit {

/// A bounded queue of texts in one ring of bytes. Full means refused: it never waits, grows or forgets. Texts come out
/// in the order in which their room was taken. The ring's pages are touched as they are first used.
/// *Thread safety*: `try_push` and `backlog` from any thread, `drain` from one at a time.
class line_queue {
public:
    /// Precondition: `capacity_bytes` is a power of two of at least 64.
    explicit line_queue(std::size_t capacity_bytes)
        : words_{static_cast<std::uint64_t*>(std::calloc(capacity_bytes / word, word))},
          capacity_{capacity_bytes} {
        assert(std::has_single_bit(capacity_bytes) && capacity_bytes >= 64);
        if (words_ == nullptr) throw std::bad_alloc{};
    }
    line_queue(line_queue const&) = delete;
    line_queue& operator=(line_queue const&) = delete;

    /// Copies `text` in; false where there is no room. *Complexity*: linear in the text, no lock, no allocation.
    [[nodiscard]] bool try_push(std::string_view text) noexcept {
        std::uint64_t const need = word + round_up(text.size());
        std::uint64_t begin = 0;
        std::uint64_t padding = 0;
        do {
            // In this order: what is reserved is then never behind what is released.
            std::uint64_t const released = released_.load(std::memory_order_acquire);
            begin = reserved_.load(std::memory_order_relaxed);
            // A frame lies in one piece: what is left before the end of the ring is skipped where it is too short.
            std::uint64_t const until_end = capacity_ - (begin & (capacity_ - 1));
            padding = need <= until_end ? 0 : until_end;
            if (begin + padding + need - released > capacity_) return false;
            // Sequentially consistent, so that a producer that then looks whether the writer sleeps cannot miss it.
        } while (!reserved_.compare_exchange_weak(
            begin, begin + padding + need, std::memory_order_seq_cst, std::memory_order_relaxed));

        if (padding != 0) header(begin).store(padding << 1U | skipped, std::memory_order_release);
        std::uint64_t const at = begin + padding;
        std::memcpy(bytes(at) + word, text.data(), text.size());
        header(at).store((text.size() + 1) << 1U, std::memory_order_release);
        return true;
    }

    /// Calls `visit(text)` for waiting texts, oldest first, until it returns false or there are none. A text has left
    /// the queue when `visit` has returned. *Lifetime*: of the view, until then.
    template <class Visit>
    void drain(Visit&& visit) {
        for (;;) {
            std::uint64_t const at = released_.load(std::memory_order_relaxed);
            std::uint64_t const state = header(at).load(std::memory_order_acquire);
            if (state == 0) return;
            bool more = true;
            std::uint64_t length = state >> 1U;
            if ((state & skipped) == 0) {
                std::size_t const size = length - 1;
                more = visit(std::string_view{bytes(at) + word, size});
                length = word + round_up(size);
            }
            // A later header may come to lie on any of these words, and must read as "not yet written".
            std::memset(bytes(at), 0, length);
            released_.store(at + length, std::memory_order_release);
            if (!more) return;
        }
    }

    /// How many bytes are taken now, frames being written included.
    [[nodiscard]] std::size_t backlog() const noexcept {
        std::uint64_t const released = left();
        return static_cast<std::size_t>(entered() - released);
    }
    /// How many bytes have ever been taken; a text that was pushed before has left when `left()` has reached this.
    [[nodiscard]] std::uint64_t entered() const noexcept {
        return reserved_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] std::uint64_t left() const noexcept {
        return released_.load(std::memory_order_seq_cst);
    }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

private:
    static constexpr std::size_t word = sizeof(std::uint64_t);
    static constexpr std::uint64_t skipped =
        1; // flag of a header: nothing but room up to the end of the ring

    struct release {
        void operator()(std::uint64_t* words) const noexcept { std::free(words); }
    };

    [[nodiscard]] static constexpr std::uint64_t round_up(std::uint64_t size) noexcept {
        return (size + word - 1) & ~(word - 1);
    }
    [[nodiscard]] std::atomic_ref<std::uint64_t> header(std::uint64_t at) const noexcept {
        return std::atomic_ref{words_[(at & (capacity_ - 1)) / word]};
    }
    [[nodiscard]] char* bytes(std::uint64_t at) const noexcept {
        return reinterpret_cast<char*>(words_.get()) + (at & (capacity_ - 1));
    }

    std::unique_ptr<std::uint64_t[], release> words_;
    std::uint64_t capacity_;
    alignas(64) std::atomic<std::uint64_t> reserved_{0};
    alignas(64) std::atomic<std::uint64_t> released_{0};
};

} // namespace mcp_provider::audit
