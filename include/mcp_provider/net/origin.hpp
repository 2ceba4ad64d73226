// Where an upstream is: the base URL of an HTTP server, taken apart.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/fields.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// Scheme, host, port and base path of an upstream. Immutable.
class origin {
public:
    /// Reads `http://host[:port][/path]` or `https://…`. *Errors*: `bad_request` for another scheme, a URL with user name,
    /// query or fragment, a bad port, or characters that a URL does not have. *See* RFC 9110 §4.2.
    [[nodiscard]] static result<origin> parse(std::string_view url) {
        origin made;
        std::string_view rest = url;
        if (takes_prefix(rest, "http://"))
            made.is_secure_ = false;
        else if (takes_prefix(rest, "https://"))
            made.is_secure_ = true;
        else
            return wrong("must start with http:// or https://");
        for (char const c : rest)
            if (c <= ' ' || c >= 0x7f || c == '\\' || c == '"')
                return wrong("holds a character that a URL does not have");
        if (rest.find_first_of("?#") != std::string_view::npos)
            return wrong("must have no query and no fragment");

        std::string_view authority = rest.substr(0, rest.find('/'));
        std::string_view path = rest.substr(authority.size());
        while (path.ends_with('/')) path.remove_suffix(1);
        if (authority.find('@') != std::string_view::npos)
            return wrong("must hold no user name and no password");

        bool const is_literal = authority.starts_with('[');
        std::size_t const host_end = is_literal ? authority.find(']') : authority.find(':');
        if (is_literal && host_end == std::string_view::npos)
            return wrong("has no ] after its IPv6 address");
        made.host_ = authority.substr(is_literal ? 1 : 0, is_literal ? host_end - 1 : host_end);
        std::string_view port =
            host_end == std::string_view::npos ? std::string_view{} : authority.substr(host_end);
        if (is_literal) port.remove_prefix(1);
        if (made.host_.empty()) return wrong("has no host");

        made.port_ = made.is_secure_ ? 443 : 80;
        made.authority_ = is_literal ? '[' + made.host_ + ']' : made.host_;
        if (!port.empty()) {
            char const* const end = port.data() + port.size();
            auto const [stopped, failure] = std::from_chars(port.data() + 1, end, made.port_);
            if (port.front() != ':' || stopped != end || failure != std::errc{} || made.port_ == 0)
                return wrong("has a port that is not between 1 and 65535");
            made.authority_ += port;
        }
        made.path_ = path;
        return made;
    }

    [[nodiscard]] bool is_secure() const noexcept { return is_secure_; }
    /// Name or address, an IPv6 address without brackets.
    [[nodiscard]] std::string const& host() const noexcept { return host_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// The value of a Host field.
    [[nodiscard]] std::string const& authority() const noexcept { return authority_; }
    /// The base path without a slash at its end; empty for the root.
    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    /// `host:port`, for messages.
    [[nodiscard]] std::string where() const {
        bool const is_literal = host_.find(':') != std::string::npos;
        return (is_literal ? '[' + host_ + ']' : host_) + ':' + std::to_string(port_);
    }

private:
    origin() = default;

    static bool takes_prefix(std::string_view& text, std::string_view prefix) noexcept {
        if (!http::equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
        text.remove_prefix(prefix.size());
        return true;
    }
    // The URL itself is not repeated: a wrong one may hold a password.
    static rejection wrong(std::string_view why) {
        return rejection{rejection_code::bad_request, "the upstream's URL " + std::string{why}};
    }

    bool is_secure_ = false;
    std::uint16_t port_ = 0;
    std::string host_;
    std::string authority_;
    std::string path_;
};

} // namespace mcp_provider::net
