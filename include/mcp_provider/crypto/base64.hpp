// Bytes as text and back: base64, base64url and hexadecimal.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::crypto {

namespace detail {

inline constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
inline constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
inline constexpr std::string_view hex_digits = "0123456789abcdef";
inline constexpr std::uint8_t no_digit = 0xFF;

[[nodiscard]] constexpr std::array<std::uint8_t, 256> values_of(std::string_view digits) noexcept {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    for (std::size_t i = 0; i != digits.size(); ++i)
        values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    return values;
}

[[nodiscard]] inline std::string to_sextets(std::string_view bytes, std::string_view digits,
                                            bool padded) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (char const c : bytes) {
        pending = (pending << 8U) | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 6; bits -= 6) out += digits[(pending >> (bits - 6)) & 63U];
    }
    if (bits != 0) out += digits[(pending << (6 - bits)) & 63U];
    while (padded && out.size() % 4 != 0) out += '=';
    return out;
}

/// Each text has one value and each value one text: bits that are left over must be zero (RFC 4648 §3.5).
[[nodiscard]] inline std::optional<std::string>
from_sextets(std::string_view text, std::array<std::uint8_t, 256> const& values) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (char const c : text) {
        std::uint8_t const value = values[static_cast<unsigned char>(c)];
        if (value == no_digit) return std::nullopt;
        pending = (pending << 6U) | value;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        out += static_cast<char>(static_cast<std::uint8_t>(pending >> bits));
    }
    if ((pending & ((1U << bits) - 1U)) != 0) return std::nullopt;
    return out;
}

} // namespace detail

/// Base64 with padding (RFC 4648 §4).
[[nodiscard]] inline std::string base64_encode(std::string_view bytes) {
    return detail::to_sextets(bytes, detail::base64_digits, true);
}

/// The bytes of padded base64, or nothing where `text` is not exactly that: no white space, no missing padding.
[[nodiscard]] inline std::optional<std::string> base64_decode(std::string_view text) {
    static constexpr auto values = detail::values_of(detail::base64_digits);
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.ends_with("=="))
        text.remove_suffix(2);
    else if (text.ends_with('='))
        text.remove_suffix(1);
    return detail::from_sextets(text, values);
}

/// Base64 for URLs and headers, without padding (RFC 4648 §5).
[[nodiscard]] inline std::string base64url_encode(std::string_view bytes) {
    return detail::to_sextets(bytes, detail::base64url_digits, false);
}

/// The bytes of unpadded base64url, or nothing where `text` is not exactly that.
[[nodiscard]] inline std::optional<std::string> base64url_decode(std::string_view text) {
    static constexpr auto values = detail::values_of(detail::base64url_digits);
    return detail::from_sextets(text, values);
}

/// Appends two lower-case hexadecimal digits a byte.
inline void append_hex(std::string& out, std::string_view bytes) {
    std::size_t const before = out.size();
    out.resize(before + 2 * bytes.size());
    char* at =
        out.data() + before; // a local pointer: through `out` each digit would be a load more
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        *at++ = detail::hex_digits[byte >> 4U];
        *at++ = detail::hex_digits[byte & 15U];
    }
}

/// Lower-case hexadecimal digits (RFC 4648 §8).
[[nodiscard]] inline std::string hex_encode(std::string_view bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
}

/// Fills `bytes` from exactly twice as many lower-case hexadecimal digits; false where `text` is not that.
template <std::size_t Size>
[[nodiscard]] bool hex_decode_into(std::array<std::uint8_t, Size>& bytes,
                                   std::string_view text) noexcept {
    static constexpr auto values = detail::values_of(detail::hex_digits);
    if (text.size() != 2 * Size) return false;
    for (std::size_t i = 0; i != Size; ++i) {
        std::uint8_t const high = values[static_cast<unsigned char>(text[2 * i])];
        std::uint8_t const low = values[static_cast<unsigned char>(text[2 * i + 1])];
        if (high == detail::no_digit || low == detail::no_digit) return false;
        bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return true;
}

/// The bytes of lower-case hexadecimal digits, or nothing where `text` is not that.
[[nodiscard]] inline std::optional<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (; !text.empty(); text.remove_prefix(2)) {
        std::array<std::uint8_t, 1> byte;
        if (!hex_decode_into(byte, text.substr(0, 2))) return std::nullopt;
        out += static_cast<char>(byte[0]);
    }
    return out;
}

} // namespace mcp_provider::crypto
