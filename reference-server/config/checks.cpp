#include "config/checks.hpp"

#include "config/local_users.hpp"
#include "config/token_strength.hpp"
#include "config/words.hpp"
#include "mcp_provider/net/command_line.hpp"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace mcp_provider::server::checks {

namespace {

bool letter_or_digit(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool all_of(std::string_view text, bool (*belongs)(char)) {
    return std::all_of(text.begin(), text.end(), belongs);
}

bool is_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), port);
    return failure == std::errc{} && end == text.data() + text.size() && port != 0;
}

bool is_address(int family, std::string_view text) {
    in6_addr room{};
    return inet_pton(family, std::string{text}.c_str(), &room) == 1;
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`, cut into host (without brackets) and port.
struct authority {
    std::string_view host;
    std::string_view port;
    complaint wrong;
};

authority read_authority(std::string_view text) {
    authority parts;
    if (text.starts_with('[')) {
        std::size_t const end = text.find(']');
        if (end == std::string_view::npos) return {{}, {}, "has a [ without its ]"};
        parts.host = text.substr(1, end - 1);
        std::string_view const rest = text.substr(end + 1);
        if (!is_address(AF_INET6, parts.host))
            return {{}, {}, "has no IPv6 address in its brackets"};
        if (rest.empty()) return parts;
        if (!rest.starts_with(':')) return {{}, {}, "has something other than a port after ]"};
        parts.port = rest.substr(1);
    } else if (is_address(AF_INET6, text)) {
        parts.host = text;
        return parts;
    } else {
        std::size_t const colon = text.find(':');
        parts.host = text.substr(0, colon);
        bool const fits = !parts.host.empty() && all_of(parts.host, [](char c) {
            return letter_or_digit(c) || c == '-' || c == '.' || c == '_';
        });
        if (parts.host.empty()) return {{}, {}, "names no host"};
        if (!fits) return {{}, {}, "has a character that no host name has"};
        if (colon == std::string_view::npos) return parts;
        parts.port = text.substr(colon + 1);
    }
    if (!is_port(parts.port)) return {{}, {}, "has a port that is no number from 1 to 65535"};
    return parts;
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" ||
           (host.starts_with("127.") && is_address(AF_INET, host));
}

struct url {
    std::string_view scheme;
    authority where;
    std::string_view path; ///< with its /, and all that follows
    complaint wrong;
};

url read_url(std::string_view text) {
    std::size_t const colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return {{}, {}, {}, "is no URL"};
    url parts;
    parts.scheme = text.substr(0, colon);
    std::string_view const rest = text.substr(colon + 3);
    if (!all_of(rest, [](char c) { return c > 0x20 && c < 0x7F; }))
        return {{}, {}, {}, "has a character that must be percent-encoded"};
    std::size_t const slash = rest.find_first_of("/?#");
    std::string_view const place = rest.substr(0, slash);
    if (place.find('@') != std::string_view::npos)
        return {{}, {}, {}, "carries a user name or password"};
    parts.where = read_authority(place);
    if (parts.where.wrong) return {{}, {}, {}, parts.where.wrong};
    parts.path = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
    return parts;
}

complaint http_url(url const& parts) {
    if (parts.wrong) return parts.wrong;
    if (parts.scheme != "http" && parts.scheme != "https")
        return "is neither an http:// nor an https:// URL";
    return std::nullopt;
}

} // namespace

complaint loopback_host(std::string_view text) {
    if (text == "127.0.0.1" || text == "::1" || text == "localhost") return std::nullopt;
    return "is not a loopback address; a wider bind needs TLS and authentication, and this version "
           "has no TLS yet";
}

complaint bridge_url(std::string_view text) {
    url const parts = read_url(text);
    if (parts.wrong) return parts.wrong;
    if (parts.scheme == "wss") return std::nullopt;
    if (parts.scheme != "ws") return "is neither a ws:// nor a wss:// URL";
    if (!is_loopback(parts.where.host))
        return "would send the bridge token unencrypted to another machine";
    return std::nullopt;
}

complaint upstream_url(std::string_view text) {
    url const parts = read_url(text);
    if (auto wrong = http_url(parts)) return wrong;
    if (parts.path.find_first_of("?#") != std::string_view::npos)
        return "has a query or a fragment";
    if (parts.path.empty() || parts.path == "/")
        return "has no path; nearly every server wants /v1 at the end";
    return std::nullopt;
}

complaint webhook_url(std::string_view text) { return http_url(read_url(text)); }

complaint absolute_path(std::string_view text) {
    if (!text.starts_with('/')) return "is not an absolute path";
    return std::nullopt;
}

complaint host_field(std::string_view text) {
    if (text.find('*') != std::string_view::npos) return "has a wildcard; the list is exact";
    authority const parts = read_authority(text);
    if (parts.wrong) return parts.wrong;
    if (parts.host == "0.0.0.0" || parts.host == "::")
        return "is the unspecified address, which no honest client names";
    return std::nullopt;
}

complaint origin(std::string_view text) {
    if (text == "*" || text.find('*') != std::string_view::npos)
        return "has a wildcard; the list is exact";
    if (text == "null") return "is the origin of sandboxed pages, which anybody can make";
    std::size_t const colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return "is no origin";
    std::string_view const scheme = text.substr(0, colon);
    std::string_view const place = text.substr(colon + 3);
    if (!all_of(scheme,
                [](char c) { return letter_or_digit(c) || c == '+' || c == '-' || c == '.'; }))
        return "is no origin";
    if (place.find('/') != std::string_view::npos)
        return "has a path; an origin ends with its host or port";
    authority const parts = read_authority(place);
    if (parts.wrong) return parts.wrong;
    if ((scheme == "http" && parts.port == "80") || (scheme == "https" && parts.port == "443"))
        return "names its scheme's default port, which browsers leave out";
    if (lower_case(text) != text) return "has capital letters; browsers send lower case";
    return std::nullopt;
}

complaint media_type(std::string_view text) {
    std::size_t const slash = text.find('/');
    auto const token = [](std::string_view part) {
        return !part.empty() && all_of(part, [](char c) {
            return letter_or_digit(c) ||
                   std::string_view{"!#$&-^_.+"}.find(c) != std::string_view::npos;
        });
    };
    if (slash == std::string_view::npos || !token(text.substr(0, slash)) ||
        !token(text.substr(slash + 1)))
        return "is no media type such as application/json";
    return std::nullopt;
}

complaint model_name(std::string_view text) {
    if (text.empty()) return "is empty";
    if (!all_of(text, [](char c) {
            return letter_or_digit(c) ||
                   std::string_view{"-_.:/@"}.find(c) != std::string_view::npos;
        }))
        return "has a character that no model name has";
    return std::nullopt;
}

complaint alias(std::string_view text) {
    std::size_t const equals = text.find('=');
    if (equals == std::string_view::npos) return "lacks the = between the name and the model";
    if (auto wrong = model_name(trimmed(text.substr(0, equals))))
        return "has a name that " + *wrong;
    if (auto wrong = model_name(trimmed(text.substr(equals + 1))))
        return "has a model that " + *wrong;
    return std::nullopt;
}

complaint command_line(std::string_view text) {
    auto const words = net::split_command_line(text);
    if (!words) return "has a quote that does not end";
    if (words->empty() || words->front().empty()) return "names no program";
    return std::nullopt;
}

complaint mcp_url(std::string_view text) {
    url const parts = read_url(text);
    if (auto wrong = http_url(parts)) return wrong;
    if (parts.path.find_first_of("?#") != std::string_view::npos)
        return "has a query or a fragment";
    return std::nullopt;
}

complaint tool_name(std::string_view text) {
    if (text.empty()) return "is empty";
    if (text.size() > 128) return "is longer than 128 characters";
    if (!all_of(text, [](char c) {
            return letter_or_digit(c) || std::string_view{"_-./"}.find(c) != std::string_view::npos;
        }))
        return "has a character that no name of a tool has";
    return std::nullopt;
}

complaint permission(std::string_view text) {
    if (text.empty()) return "is empty";
    if (!all_of(text, [](char c) {
            return letter_or_digit(c) ||
                   std::string_view{"-_.:/"}.find(c) != std::string_view::npos;
        }))
        return "has a character that no name of a tool has";
    return std::nullopt;
}

complaint variable_name(std::string_view text) {
    if (text.empty()) return "is empty";
    if ((text.front() >= '0' && text.front() <= '9') ||
        !all_of(text, [](char c) { return letter_or_digit(c) || c == '_'; }))
        return "is no name of a variable";
    return std::nullopt;
}

complaint pattern(std::string_view text) {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    re2::RE2 const compiled{re2::StringPiece{text.data(), text.size()}, quiet};
    if (!compiled.ok()) return "is no regular expression: " + compiled.error();
    return std::nullopt;
}

complaint strong_token(std::string_view text) {
    if (text.empty()) return "is empty";
    if (lower_case(text) == lower_case(placeholder_token))
        return "is the placeholder, which everybody knows";
    if (auto wrong = field_text(text)) return wrong;
    double const bits = estimated_bits(text);
    if (bits < least_token_bits)
        return "has about " + std::to_string(static_cast<int>(std::floor(bits))) +
               " bits of entropy";
    return std::nullopt;
}

complaint field_text(std::string_view text) {
    if (text.empty()) return "is empty";
    if (!all_of(text, [](char c) { return c > 0x20 && c < 0x7F; }))
        return "has a space or another character outside of printable ASCII";
    return std::nullopt;
}

complaint local_users(std::string_view text) {
    if (std::string wrong = read_local_users(text).complaint; !wrong.empty()) return wrong;
    return std::nullopt;
}

} // namespace mcp_provider::server::checks
