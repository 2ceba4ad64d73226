// Fast appenders for those who write JSON as text: deltas of a stream, audit lines.
#pragma once

#include "mcp_provider/core/byte_block.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace mcp_provider::json {

/// Returns the length (1 to 4) of the UTF-8 sequence at the start of `text`, or 0 where there is no valid one: no
/// overlong form, no surrogate, nothing beyond U+10FFFF (RFC 3629 §4). Precondition: `!text.empty()`.
[[nodiscard]] constexpr std::size_t utf8_sequence_length(std::string_view text) noexcept {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto const follows = [&](std::size_t i, unsigned least = 0x80U, unsigned most = 0xBFU) {
        return i < text.size() && byte(i) >= least && byte(i) <= most;
    };
    unsigned const lead = byte(0);
    if (lead < 0x80U) return 1;
    if (lead < 0xC2U) return 0;
    if (lead < 0xE0U) return follows(1) ? 2 : 0;
    if (lead < 0xF0U)
        return follows(1, lead == 0xE0U ? 0xA0U : 0x80U, lead == 0xEDU ? 0x9FU : 0xBFU) &&
                       follows(2)
                   ? 3
                   : 0;
    if (lead < 0xF5U)
        return follows(1, lead == 0xF0U ? 0x90U : 0x80U, lead == 0xF4U ? 0x8FU : 0xBFU) &&
                       follows(2) && follows(3)
                   ? 4
                   : 0;
    return 0;
}

namespace detail {

/// What must be escaped or looked at among sixteen bytes: below 0x20, '"', '\\', or 0x80 and above.
[[nodiscard]] inline byte_block needs_care(byte_block const& bytes) noexcept {
    // What is below 0x20 wraps round to the top.
    return reinterpret_cast<byte_block>(bytes - std::uint8_t{0x20} >= std::uint8_t{0x60}) |
           reinterpret_cast<byte_block>(bytes == std::uint8_t{'"'}) |
           reinterpret_cast<byte_block>(bytes == std::uint8_t{'\\'});
}

/// The two-character escape of `c`, or 0 where it has none (RFC 8259 §7).
[[nodiscard]] constexpr char short_escape(char c) noexcept {
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

/// Which bytes stand for themselves in a string.
inline constexpr std::array<bool, 256> is_plain = [] {
    std::array<bool, 256> plain{};
    for (std::size_t byte = 0x20; byte != 0x80; ++byte) plain[byte] = byte != '"' && byte != '\\';
    return plain;
}();

} // namespace detail

/// Appends `text` as the inside of a JSON string, without the quotes. Each byte that is part of no valid UTF-8 sequence
/// becomes U+FFFD, so that the output is valid whatever the input.
/// *Complexity*: linear; sixteen bytes at a time where nothing is to be escaped. Allocates only to grow `out`.
inline void append_escaped(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::size_t copied = 0;
    std::size_t at = 0;
    auto const flush = [&] { out.append(text.data() + copied, at - copied); };
    while (at < text.size()) {
        if (text.size() - at >= byte_block_size &&
            !any(detail::needs_care(load_block(text.data() + at)))) {
            at += byte_block_size;
            continue;
        }
        char const c = text[at];
        auto const byte = static_cast<unsigned char>(c);
        if (detail::is_plain[byte]) {
            ++at;
            continue;
        }
        if (byte >= 0x80U) {
            std::size_t const length = utf8_sequence_length(text.substr(at));
            if (length != 0) {
                at += length;
                continue;
            }
            flush();
            out += "\xEF\xBF\xBD";
        } else if (char const escape = detail::short_escape(c); escape != 0) {
            flush();
            out += '\\';
            out += escape;
        } else {
            flush();
            out += "\\u00";
            out += hex[byte >> 4U];
            out += hex[byte & 15U];
        }
        copied = ++at;
    }
    flush();
}

/// Appends `text` as a JSON string, quotes included. See `append_escaped`.
inline void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

/// Appends an integer in decimal digits.
template <std::integral Integer>
    requires(!std::same_as<Integer, bool> && !std::same_as<Integer, char>)
void append_number(std::string& out, Integer number) {
    std::array<char, 24> digits;
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// Appends the shortest text that reads back as the same number; `null` where JSON has no such number (NaN, infinity).
inline void append_number(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    std::array<char, 32> digits;
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// Appends `true` or `false`.
inline void append_boolean(std::string& out, bool value) { out += value ? "true" : "false"; }

} // namespace mcp_provider::json
