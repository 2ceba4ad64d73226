// Writes responses: the head, and the framing of a body that is sent in pieces.
#pragma once

#include "mcp_provider/http/detail/field_section.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <array>
#include <cassert>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcp_provider::http {

/// Names a status (RFC 9110 §15, RFC 6585); empty for one that this server never sends.
[[nodiscard]] constexpr std::string_view reason_phrase(std::uint16_t status) noexcept {
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    case 529: return "Overloaded";
    default: return {};
    }
}

/// How the body of a response goes over the wire.
enum class body_transfer : std::uint8_t {
    none,        ///< no body follows: HEAD, or a status that has none
    length,      ///< Content-Length, then the text
    chunked,     ///< chunks, then the last chunk
    until_close, ///< a stream for HTTP/1.0: the end of the connection is the end of the body
};

/// What was decided about one response. Made by `plan_response`, told by `append_head`, obeyed by
/// the connection.
struct response_plan {
    body_transfer transfer = body_transfer::none;
    bool keep_alive = false;
};

/// Decides how `out` answers `in`. `may_keep_alive` is the connection's word: false when it drains
/// or has served enough.
[[nodiscard]] inline response_plan plan_response(response const& out, request const& in,
                                                 bool may_keep_alive) noexcept {
    response_plan plan{.transfer = body_transfer::length,
                       .keep_alive = may_keep_alive && in.keep_alive() && !out.closes()};
    bool const bodiless = out.status() < 200 || out.status() == 204 || out.status() == 304;
    if (bodiless || in.verb() == method::head)
        plan.transfer = body_transfer::none;
    else if (out.stream() != nullptr && in.minor_version() != 0)
        plan.transfer = body_transfer::chunked;
    else if (out.stream() != nullptr)
        plan = {.transfer = body_transfer::until_close, .keep_alive = false};
    return plan;
}

/// Writes a time as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
[[nodiscard]] inline std::array<char, 29> imf_fixdate(std::chrono::sys_seconds time) noexcept {
    constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    auto const day = std::chrono::floor<std::chrono::days>(time);
    std::chrono::year_month_day const date{day};
    std::chrono::hh_mm_ss const clock{time - day};
    std::array<char, 29> text{'W', 'k', 'd', ',', ' ', '0', '1', ' ', 'M', 'o',
                              'n', ' ', '1', '9', '7', '0', ' ', '0', '0', ':',
                              '0', '0', ':', '0', '0', ' ', 'G', 'M', 'T'};
    auto const put = [&text](std::size_t at, auto number) {
        auto const value = static_cast<unsigned>(number);
        text[at] = static_cast<char>('0' + value / 10 % 10);
        text[at + 1] = static_cast<char>('0' + value % 10);
    };
    weekdays.copy(text.data(), 3, std::chrono::weekday{day}.c_encoding() * 3);
    months.copy(text.data() + 8, 3, (static_cast<unsigned>(date.month()) - 1) * 3);
    put(5, static_cast<unsigned>(date.day()));
    put(12, static_cast<int>(date.year()) / 100);
    put(14, static_cast<int>(date.year()) % 100);
    put(17, clock.hours().count());
    put(20, clock.minutes().count());
    put(23, clock.seconds().count());
    return text;
}

namespace detail {

inline void append_number(std::string& out, std::uint64_t number) {
    std::array<char, 20>
        digits; // NOLINT(cppcoreguidelines-pro-type-member-init): to_chars fills it
    auto const [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    out.append(digits.data(), end);
}

/// Appends a field's value; a byte that could end the line becomes a space.
inline void append_value(std::string& out, std::string_view value) {
    std::size_t const from = out.size();
    out.append(value);
    for (char const* p = out.data() + from;
         (p = skip_value(p, out.data() + out.size())) != out.data() + out.size();)
        out[static_cast<std::size_t>(p - out.data())] = ' ';
}

inline void append_date(std::string& out, std::chrono::system_clock::time_point now) {
    struct cached {
        std::chrono::sys_seconds second = std::chrono::sys_seconds::min();
        std::array<char, 29> text{};
    };
    thread_local cached last;
    auto const second = std::chrono::floor<std::chrono::seconds>(now);
    if (second != last.second) last = {second, imf_fixdate(second)};
    out.append(last.text.data(), last.text.size());
}

/// Whether the writer itself decides about the field. A 101 keeps its Connection, which names the
/// upgrade.
[[nodiscard]] inline bool is_written_by_us(std::string_view name,
                                           response const& response) noexcept {
    switch (name.size()) {
    case 4: return equals_ignoring_case(name, "date");
    case 10:
        return response.status() != 101 && (equals_ignoring_case(name, "connection") ||
                                            equals_ignoring_case(name, "keep-alive"));
    case 12:
        return equals_ignoring_case(name, "x-request-id") ||
               (!response.content_type().empty() && equals_ignoring_case(name, "content-type"));
    case 14: return equals_ignoring_case(name, "content-length");
    case 17: return equals_ignoring_case(name, "transfer-encoding");
    default: return false;
    }
}

} // namespace detail

/// Appends the head of `response`, with its empty line. HEAD gets the head that GET would get. A
/// field that the writer decides about (Content-Length and so on) is dropped, as is one whose name
/// is no token. The response's content type, where it has one, wins over a field of that name.
inline void
append_head(std::string& out, response const& response, request const& in, response_plan plan,
            std::chrono::system_clock::time_point now = std::chrono::system_clock::now()) {
    std::uint16_t const status = response.status();
    assert(status >= 100 && status <= 999);
    out.append("HTTP/1.1 ");
    detail::append_number(out, status);
    out.push_back(' ');
    out.append(reason_phrase(status));
    out.append("\r\nDate: ");
    detail::append_date(out, now);
    bool const bodiless = status < 200 || status == 204 || status == 304;
    if (!bodiless && !response.content_type().empty()) {
        out.append("\r\nContent-Type: ");
        detail::append_value(out, response.content_type());
    }
    if (!bodiless && response.stream() == nullptr) {
        out.append("\r\nContent-Length: ");
        detail::append_number(out, response.text().size());
    } else if (!bodiless && in.minor_version() != 0) {
        out.append("\r\nTransfer-Encoding: chunked");
    }
    if (status != 101 && !plan.keep_alive)
        out.append("\r\nConnection: close");
    else if (status != 101 && in.minor_version() == 0)
        out.append("\r\nConnection: keep-alive");
    for (fields::field const one : response.fields()) {
        if (detail::is_written_by_us(one.name, response) || one.name.empty()) continue;
        if (!detail::all_of(one.name, detail::token_class)) continue;
        out.append("\r\n");
        out.append(one.name);
        out.append(": ");
        detail::append_value(out, one.value);
    }
    out.append("\r\nx-request-id: ");
    out.append(in.id().text());
    out.append("\r\n\r\n");
}

/// What a client that sent `Expect: 100-continue` waits for.
inline constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

/// The end of a chunked body, without trailers.
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// Appends room for a chunk's head; what is appended next is the chunk's content, written in place.
/// Returns the mark for `end_chunk`.
[[nodiscard]] inline std::size_t begin_chunk(std::string& out) {
    out.append("00000000\r\n");
    return out.size();
}

/// Ends the chunk that `begin_chunk` returned `mark` for. An empty chunk leaves nothing, since it
/// would end the body. Precondition: the content is shorter than 4 GiB.
inline void end_chunk(std::string& out, std::size_t mark) {
    constexpr std::string_view digits = "0123456789abcdef";
    constexpr std::size_t head_bytes = 10;
    std::size_t left = out.size() - mark;
    assert(left <= UINT32_MAX);
    if (left == 0) {
        out.resize(mark - head_bytes);
        return;
    }
    for (std::size_t i = 3; left != 0; ++i, left >>= 4U) out[mark - i] = digits[left & 15U];
    out.append("\r\n");
}

/// Appends the head of a chunk whose content, and the line end behind it, are written from
/// elsewhere. Precondition: `size != 0`.
inline void append_chunk_size(std::string& out, std::size_t size) {
    constexpr std::string_view digits = "0123456789abcdef";
    int shift = 0;
    while ((size >> shift) > 15U) shift += 4;
    for (; shift >= 0; shift -= 4) out.push_back(digits[(size >> shift) & 15U]);
    out.append("\r\n");
}

/// Appends `content` as one chunk; nothing for empty content.
inline void append_chunk(std::string& out, std::string_view content) {
    std::size_t const mark = begin_chunk(out);
    out.append(content);
    end_chunk(out, mark);
}

} // namespace mcp_provider::http
