// The parts of a request's target that its sender has percent-encoded (RFC 3986 §2.1).
#pragma once

#include "mcp_provider/http/fields.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::http {

/// Decodes `%xx`; nothing where an escape is malformed. Never use it on a path before a decision is taken by that path.
[[nodiscard]] inline std::optional<std::string> percent_decoded(std::string_view text) {
    auto const value_of = [](char c) -> unsigned {
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        c = to_lower(c);
        return c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10U : 16U;
    };
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        unsigned const high = value_of(text[i + 1]);
        unsigned const low = value_of(text[i + 2]);
        if (high > 15U || low > 15U) return std::nullopt;
        out += static_cast<char>(high << 4U | low);
        i += 2;
    }
    return out;
}

/// The decoded value of the first parameter of that name in `a=1&b=2`; nothing where there is none, or it is malformed.
/// A `+` stays one. *Complexity*: linear.
[[nodiscard]] inline std::optional<std::string> query_value(std::string_view query,
                                                            std::string_view name) {
    while (!query.empty()) {
        std::string_view const one = query.substr(0, query.find('&'));
        query.remove_prefix(one.size() == query.size() ? one.size() : one.size() + 1);
        std::size_t const mark = one.find('=');
        if (one.substr(0, mark) != name) continue;
        return percent_decoded(mark == std::string_view::npos ? std::string_view{}
                                                              : one.substr(mark + 1));
    }
    return std::nullopt;
}

} // namespace mcp_provider::http
