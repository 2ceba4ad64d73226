// Parsing of JSON text within bounds: the only door through which JSON comes in.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"

#include <boost/json/error.hpp>
#include <boost/json/monotonic_resource.hpp> // for those who parse into memory of their own
#include <boost/json/parse_options.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::json {

/// Bounds of one parse, inclusive: exactly that much passes. A parsed document takes at most about 20 times the
/// bytes of its text (`[[],[],…]`), so `max_bytes` bounds memory too.
struct parse_limits {
    std::size_t max_depth = 32;               ///< nesting of arrays and objects
    std::size_t max_bytes = 10 * 1024 * 1024; ///< of text
};

namespace detail {

[[nodiscard]] inline std::string explain(boost::json::error why, std::string_view text,
                                         std::size_t offset, parse_limits const& limits) {
    switch (why) {
    case boost::json::error::incomplete:
        return text.empty() ? "the text is empty" : "the text ends too early";
    case boost::json::error::extra_data: return "something follows the end of the document";
    case boost::json::error::too_deep:
        return "arrays and objects are nested deeper than " + std::to_string(limits.max_depth);
    case boost::json::error::exponent_overflow: return "a number is out of range";
    case boost::json::error::illegal_leading_surrogate:
    case boost::json::error::illegal_trailing_surrogate:
    case boost::json::error::expected_utf16_escape:
        return "a \\u escape is half of a surrogate pair";
    case boost::json::error::expected_hex_digit:
        return "a \\u escape needs four hexadecimal digits";
    default: break;
    }
    auto const byte = offset < text.size() ? static_cast<unsigned char>(text[offset]) : 0U;
    if (byte >= 0x80U) return "the text is not valid UTF-8";
    if (byte < 0x20U && byte != '\t' && byte != '\n' && byte != '\r')
        return "a control character must be escaped";
    return std::string{"unexpected '"} + static_cast<char>(byte) + "'";
}

} // namespace detail

/// Parses one complete document of RFC 8259: no comments, no trailing commas, no NaN, no byte order mark, valid UTF-8.
/// Of two members with one name the last counts, as in Go, Python and JavaScript; who passes a document on must
/// serialise the value again and not forward the text, so that both sides see the same one.
/// *Errors*: `bad_request` with reason `invalid_json`, saying what is wrong and at which line, column and byte;
/// `too_large` beyond `max_bytes`. *Complexity*: linear. *Lifetime*: the value does not refer to `text`.
[[nodiscard]] inline result<boost::json::value> parse(std::string_view text,
                                                      parse_limits const& limits = {},
                                                      boost::json::storage_ptr storage = {}) {
    if (text.size() > limits.max_bytes)
        return rejection{rejection_code::too_large,
                         "the JSON text has " + std::to_string(text.size()) +
                             " bytes; allowed are " + std::to_string(limits.max_bytes)}
            .because("invalid_json");

    boost::json::parse_options options;
    options.max_depth = limits.max_depth;
    unsigned char
        scratch[4096]; // enough for a small document, so that the parser itself allocates nothing
    boost::json::parser parser{{}, options, scratch};
    parser.reset(std::move(storage));
    boost::json::error_code failure;
    std::size_t const offset = parser.write(text.data(), text.size(), failure);
    if (!failure) return parser.release();

    std::string_view const before = text.substr(0, offset);
    auto const line = 1 + std::count(before.begin(), before.end(), '\n');
    std::size_t const column = 1 + offset - (before.rfind('\n') + 1); // npos + 1 is 0
    return rejection{
        rejection_code::bad_request,
        "invalid JSON at line " + std::to_string(line) + ", column " + std::to_string(column) +
            " (byte " + std::to_string(offset) + "): " +
            detail::explain(static_cast<boost::json::error>(failure.value()), text, offset, limits)}
        .because("invalid_json");
}

} // namespace mcp_provider::json
