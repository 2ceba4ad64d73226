// Values of the header fields that repeat parts of a message: as they are where that is safe, else in base64.
#pragma once

#include "mcp_provider/crypto/base64.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::mcp {

namespace detail {

inline constexpr std::string_view encoded_head = "=?base64?";
inline constexpr std::string_view encoded_tail = "?=";

[[nodiscard]] inline bool looks_encoded(std::string_view value) noexcept {
    return value.size() >= encoded_head.size() + encoded_tail.size() &&
           value.starts_with(encoded_head) && value.ends_with(encoded_tail);
}

} // namespace detail

/// Writes a text as the value of `Mcp-Name` or `Mcp-Param-…`: `=?base64?…?=` where it holds anything but printable ASCII
/// and inner spaces, or could be taken for such a value. Never holds a line end.
/// *See* 2026-07-28, Streamable HTTP, Value Encoding.
[[nodiscard]] inline std::string encode_header_value(std::string_view text) {
    bool const is_plain =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; }) &&
        !text.starts_with(' ') && !text.ends_with(' ') && !detail::looks_encoded(text);
    if (is_plain) return std::string{text};
    std::string out{detail::encoded_head};
    out += crypto::base64_encode(text);
    out += detail::encoded_tail;
    return out;
}

/// The text that a value stands for; nothing where it claims to be base64 and is not.
[[nodiscard]] inline std::optional<std::string> decode_header_value(std::string_view value) {
    if (!detail::looks_encoded(value)) return std::string{value};
    value.remove_prefix(detail::encoded_head.size());
    value.remove_suffix(detail::encoded_tail.size());
    return crypto::base64_decode(value);
}

} // namespace mcp_provider::mcp
