// Text that must not be seen: it does not print, does not copy, and is zeroed when it goes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Overwrites `size` bytes in a way that the optimiser keeps.
inline void wipe(void* bytes, std::size_t size) noexcept {
    auto volatile* at = static_cast<unsigned char volatile*>(bytes);
    while (size-- != 0) *at++ = 0;
}

/// Owns a secret. There is no stream operator, no implicit conversion and no copy; `reveal()` is what review looks for.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class secret {
public:
    secret() = default;
    explicit secret(std::string text) : text_{std::move(text)} {}
    secret(secret const&) = delete;
    secret& operator=(secret const&) = delete;
    secret(secret&& other) noexcept : text_{std::move(other.text_)} { other.clear(); }
    secret& operator=(secret&& other) noexcept {
        if (this != &other) {
            clear();
            text_ = std::move(other.text_);
            other.clear();
        }
        return *this;
    }
    ~secret() { clear(); }

    /// The text itself. *Lifetime*: until the secret changes or goes.
    [[nodiscard]] std::string_view reveal() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

    void clear() noexcept {
        wipe(text_.data(), text_.capacity());
        text_.clear();
    }

private:
    std::string text_;
};

} // namespace mcp_provider
