// Addresses with places in them: `test://template/{id}/data`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

using uri_variables = std::map<std::string, std::string, std::less<>>;

/// Replaces `%41` and the like by their bytes; what is no escape stays.
[[nodiscard]] inline std::string percent_decoded(std::string_view text) {
    auto const value = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string out;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && value(text[i + 1]) >= 0 &&
            value(text[i + 2]) >= 0) {
            out += static_cast<char>(value(text[i + 1]) * 16 + value(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// Matches an address against a template (RFC 6570, simple and reserved expansion of one variable each): `{x}` stands for
/// one or more characters other than `/`, as few as fit, `{+x}` for any. Returns what stands for each variable, decoded.
/// *Complexity*: linear in the address for each variable.
[[nodiscard]] inline std::optional<uri_variables> match_uri(std::string_view pattern,
                                                            std::string_view uri) {
    uri_variables out;
    for (;;) {
        auto const open = pattern.find('{');
        std::string_view const literal = pattern.substr(0, open);
        if (!uri.starts_with(literal)) return std::nullopt;
        uri.remove_prefix(literal.size());
        if (open == std::string_view::npos)
            return uri.empty() ? std::optional{std::move(out)} : std::nullopt;
        auto const close = pattern.find('}', open);
        if (close == std::string_view::npos) return std::nullopt;
        std::string_view name = pattern.substr(open + 1, close - open - 1);
        pattern.remove_prefix(close + 1);
        bool const reserved = name.starts_with('+');
        if (reserved) name.remove_prefix(1);
        std::string_view const next = pattern.substr(0, pattern.find('{'));
        std::size_t length = uri.size();
        if (!next.empty()) {
            // The last literal ends the address, so that `{+path}.txt` takes all that it can.
            bool const last = next.size() == pattern.size();
            length = last
                         ? (uri.ends_with(next) ? uri.size() - next.size() : std::string_view::npos)
                         : uri.find(next, 1);
            if (length == std::string_view::npos) return std::nullopt;
        } else if (!pattern.empty()) {
            length = std::min<std::size_t>(1, uri.size()); // two variables side by side
        }
        std::string_view const found = uri.substr(0, length);
        if (found.empty() || (!reserved && found.find('/') != std::string_view::npos))
            return std::nullopt;
        out.insert_or_assign(std::string{name}, percent_decoded(found));
        uri.remove_prefix(length);
    }
}

} // namespace mcp_provider::mcp::detail
