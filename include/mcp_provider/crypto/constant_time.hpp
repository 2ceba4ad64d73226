// Comparison whose time does not tell where two secrets differ.
#pragma once

#include <openssl/crypto.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcp_provider::crypto {

/// Whether two texts are equal, in a time that depends on their length only. Texts of different length are unequal at
/// once: where the length is secret too, compare digests.
[[nodiscard]] inline bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// Whether two arrays are equal, in constant time: digests, tags, keys.
template <std::size_t Size>
[[nodiscard]] bool constant_time_equal(std::array<std::uint8_t, Size> const& a,
                                       std::array<std::uint8_t, Size> const& b) noexcept {
    return CRYPTO_memcmp(a.data(), b.data(), Size) == 0;
}

} // namespace mcp_provider::crypto
