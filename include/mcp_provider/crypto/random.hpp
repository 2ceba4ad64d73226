// Random bytes fit for keys and tokens.
#pragma once

#include "mcp_provider/crypto/digest.hpp"

#include <openssl/rand.h>

#include <array>
#include <cassert>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>

namespace mcp_provider::crypto {

/// Fills `out` from OpenSSL's generator, which the kernel seeds. Ends the program where there is no randomness: a
/// predictable token is worse than none. *Thread safety*: safe.
inline void fill_random(std::span<std::uint8_t> out) noexcept {
    assert(out.size() <= INT_MAX);
    detail::require(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1, "no random bytes");
}

/// Returns `Size` random bytes. See `fill_random`.
template <std::size_t Size>
[[nodiscard]] std::array<std::uint8_t, Size> random_bytes() noexcept {
    std::array<std::uint8_t, Size> out;
    fill_random(out);
    return out;
}

} // namespace mcp_provider::crypto
