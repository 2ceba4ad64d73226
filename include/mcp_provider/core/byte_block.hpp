// Sixteen bytes of a text at a time, for what looks through whole prompts.
#pragma once

#include <cstdint>
#include <cstring>

namespace mcp_provider {

/// Bytes that are added, compared and masked all at once: a vector of the compiler's, so `a + b`, `a | b` and `a == b` work
/// on each byte, and so does a comparison with one `std::uint8_t`. On every processor; in registers where it has wide ones.
using byte_block = std::uint8_t __attribute__((vector_size(16)));

/// How many bytes a block holds.
inline constexpr std::size_t byte_block_size = sizeof(byte_block);

/// The sixteen bytes at `from`, wherever it points to.
[[nodiscard]] inline byte_block load_block(char const* from) noexcept {
    byte_block out;
    std::memcpy(&out, from, sizeof out);
    return out;
}

/// Whether any bit is set.
[[nodiscard]] inline bool any(byte_block const& of) noexcept {
    std::uint64_t halves[2];
    std::memcpy(halves, &of, sizeof halves);
    return (halves[0] | halves[1]) != 0;
}

/// The sum of the sixteen bytes.
[[nodiscard]] inline unsigned sum(byte_block const& of) noexcept {
    constexpr std::uint64_t every_other = 0x00ff00ff00ff00ffU;
    std::uint64_t halves[2];
    std::memcpy(halves, &of, sizeof halves);
    std::uint64_t pairs = 0; // four sums of four bytes, each within sixteen bits
    for (std::uint64_t const half : halves)
        pairs += (half & every_other) + (half >> 8U & every_other);
    return static_cast<unsigned>((pairs * 0x0001000100010001U) >> 48U);
}

} // namespace mcp_provider
