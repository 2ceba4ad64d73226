// The syntax of request lines and of the Host field (RFC 3986 §2.1, §3.2; RFC 9112 §3.2).
#pragma once

#include "mcp_provider/http/detail/field_section.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace mcp_provider::http::detail {

/// The bytes of `http://` or `https://` at the front; 0 where there is neither.
[[nodiscard]] constexpr std::size_t scheme_bytes(std::string_view target) noexcept {
    for (std::string_view const scheme : {"http://", "https://"})
        if (equals_ignoring_case(target.substr(0, scheme.size()), scheme)) return scheme.size();
    return 0;
}

/// Says what is wrong with the percent-encoding of a path and query; empty where nothing is. In the
/// path, %00 and bytes that no UTF-8 text has are wrong too: they are there to be decoded into
/// something else by the next program.
[[nodiscard]] inline std::string percent_encoding_defect(std::string_view target) {
    std::size_t const path_bytes = target.substr(0, target.find('?')).size();
    for (std::size_t i = target.find('%'); i != std::string_view::npos;
         i = target.find('%', i + 3)) {
        std::string_view const digits = target.substr(i + 1, 2);
        if (digits.size() != 2 || !all_of(digits, hex_class))
            return "a '%' in the request target is not followed by two hexadecimal digits";
        unsigned const byte = hex_value(digits[0]) * 16 + hex_value(digits[1]);
        if (i < path_bytes && (byte == 0 || byte == 0xc0 || byte == 0xc1 || byte >= 0xf5))
            return "the path holds %" + std::string{digits} + ", which no UTF-8 text has";
    }
    return {};
}

/// The bytes of the name or address at the front of a Host; 0 where there is none.
[[nodiscard]] constexpr std::size_t host_name_bytes(std::string_view host) noexcept {
    if (!host.starts_with('['))
        return static_cast<std::size_t>(skip(host.data(), host.data() + host.size(), host_class) -
                                        host.data());
    std::size_t const end = host.find(']');
    if (end == std::string_view::npos || end < 3) return 0;
    for (char c : host.substr(1, end - 1))
        if (!is_of(c, hex_class) && c != ':' && c != '.') return 0;
    return end + 1;
}

/// Whether a Host is a name or an address, and optionally a port. Stricter than RFC 3986: a name
/// has no percent-encoding and none of !$&'()*+,;= and a port is not empty. No client sends these
/// but to confuse.
[[nodiscard]] constexpr bool is_host(std::string_view host) noexcept {
    std::size_t const name_bytes = host_name_bytes(host);
    if (name_bytes == 0) return false;
    if (name_bytes == host.size()) return true;
    auto const port = parse_length(host.substr(name_bytes + 1));
    return host[name_bytes] == ':' && port && *port >= 1 && *port <= 65535;
}

/// Says why a method ends with `c`, where a space should be.
[[nodiscard]] inline std::string method_defect(char c, bool at_start) {
    if (c == 0x16 && at_start)
        return "a TLS handshake came to a port that speaks plain HTTP; use http:// in the URL";
    if (c == '\n' && at_start) return "a bare LF stands before the request line";
    return "the method holds " + name_of(c) +
           "; a request line is: method SP target SP HTTP/1.1 CR LF";
}

/// Says why a target ends with `c`, where a space should be.
[[nodiscard]] inline std::string target_defect(char c) {
    if (c == ' ') return "more than one space stands between the method and the request target";
    if (c == '\r' || c == '\n') return "the request line names no HTTP version";
    if (c == '#') return "the request target has a fragment ('#'), which belongs to the client";
    return "the request target holds " + name_of(c) + "; percent-encode it";
}

/// Says why `c` cannot be where the version or the end of the request line should be.
[[nodiscard]] inline std::string version_defect(char c) {
    if (c == '\n') return "the request line ends with a bare LF; a line ends with CR LF";
    return "the request line must end with SP HTTP/1.1 CR LF, but holds " + name_of(c);
}

} // namespace mcp_provider::http::detail
