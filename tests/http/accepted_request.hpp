// What must hold of every request head that our parser accepts, checked a second time in the plainest way there is.
#pragma once

#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/request.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace accepted_request {

inline std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

inline bool only(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

inline constexpr std::string_view letters_and_digits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
inline std::string const token_characters = std::string{letters_and_digits} + "!#$%&'*+-.^_`|~";

inline std::vector<std::string_view> lines_of(std::string_view head) {
    std::vector<std::string_view> lines;
    for (std::size_t end = head.find("\r\n"); end != std::string_view::npos;
         end = head.find("\r\n")) {
        lines.push_back(head.substr(0, end));
        head.remove_prefix(end + 2);
    }
    return lines;
}

/// Returns what is wrong with `in`, which was read from the front of `buffer`; empty where nothing is.
inline std::string defect(mcp_provider::http::request const& in, std::string_view buffer,
                          mcp_provider::http::limits const& limits) {
    if (in.head_bytes() > buffer.size()) return "the head is longer than its buffer";
    if (in.head_bytes() > limits.max_header_bytes) return "the head is over its limit";
    std::string_view head = buffer.substr(0, in.head_bytes());
    while (head.starts_with("\r\n")) head.remove_prefix(2);
    if (!head.ends_with("\r\n\r\n")) return "the head does not end with an empty line";
    if (head.find("\r\n\r\n") != head.size() - 4) return "the head goes on after an empty line";
    for (char c : head)
        if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n') ||
            c == 0x7f)
            return "a control byte";
    auto lines = lines_of(head);
    for (std::string_view line : lines)
        if (line.find_first_of("\r\n") != std::string_view::npos) return "a bare CR or LF";
    lines.pop_back();

    std::string_view const line = lines.front();
    if (std::count(line.begin(), line.end(), ' ') != 2)
        return "the request line has not two spaces";
    std::string_view const method = line.substr(0, line.find(' '));
    std::string_view const version = line.substr(line.rfind(' ') + 1);
    std::string_view const target =
        line.substr(method.size() + 1, line.size() - method.size() - version.size() - 2);
    if (method != in.method_name() || method.empty() || method.size() > 32 ||
        !only(method, token_characters))
        return "the method";
    if (method == "CONNECT") return "CONNECT";
    if (version != "HTTP/1.1" && version != "HTTP/1.0") return "the version";
    if (version.back() - '0' != in.minor_version()) return "the minor version";
    if (target.empty() || target.size() > limits.max_target_bytes) return "the target's size";
    for (char c : target)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f ||
            c == '#')
            return "a byte of the target";
    if (!target.ends_with(in.target()) && in.target() != "/" && in.target() != "*")
        return "the target";
    if (in.target() != "*" && in.target()[0] != '/') return "the target's form";
    if (in.target() == "*" && method != "OPTIONS") return "the asterisk";
    if (in.path().find("//") != std::string_view::npos) return "a double slash in the path";

    lines.erase(lines.begin());
    if (lines.size() != in.fields().size() || lines.size() > limits.max_header_fields)
        return "the number of fields";
    std::size_t hosts = 0, lengths = 0, codings = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        std::size_t const colon = lines[i].find(':');
        if (colon == std::string_view::npos || colon == 0) return "a field without name or colon";
        std::string_view const name = lines[i].substr(0, colon);
        std::string_view value = lines[i].substr(colon + 1);
        if (!only(name, token_characters)) return "a field's name";
        value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
        value = value.substr(0, value.find_last_not_of(" \t") + 1);
        if (name != in.fields()[i].name || value != in.fields()[i].value) return "a field";
        std::string const known = lower(name);
        if (known == "host") {
            ++hosts;
            if (value.empty() || !only(value, std::string{letters_and_digits} + "-._~:[]"))
                return "the host";
        }
        if (known == "content-length") {
            ++lengths;
            if (value.empty() || !only(value, "0123456789")) return "the content length";
            if (std::to_string(in.framing().content_length) != value) return "the framing's length";
            if (in.framing().content_length > limits.max_body_bytes) return "a body over its limit";
        }
        if (known == "transfer-encoding") {
            ++codings;
            if (lower(value) != "chunked" || !in.framing().chunked) return "the transfer coding";
        }
        if (known == "expect" && lower(value) != "100-continue") return "an expectation";
        if (known == "connection" && lower(value) == "close" && in.keep_alive()) return "close";
    }
    if (hosts > 1 || (hosts == 0 && in.minor_version() == 1)) return "the number of hosts";
    if (lengths + codings > 1) return "the number of framing fields";
    if (codings != 0 && in.minor_version() == 0) return "a transfer coding in HTTP/1.0";
    if (lengths + codings == 0 && in.framing().has_body()) return "a body that nothing announces";
    return {};
}

} // namespace accepted_request
