// What a parser made of an input, as text that two runs can be compared by: whole, cut in two, byte by byte.
#pragma once

#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/request_parser.hpp"
#include "mcp_provider/http/response_parser.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace outcomes {

namespace http = mcp_provider::http;

inline std::string refused(mcp_provider::rejection const& why) {
    return std::to_string(why.status()) + (why.closes_connection() ? " close " : " ") +
           why.message();
}

inline std::string described(http::request const& in) {
    std::string out =
        std::string{in.method_name()} + ' ' + std::string{in.target()} +
        " path=" + std::string{in.path()} + " query=" + std::string{in.query()} +
        " minor=" + std::to_string(in.minor_version()) + (in.keep_alive() ? " keep" : " close") +
        (in.expects_continue() ? " expects" : "") + (in.framing().chunked ? " chunked" : "") +
        " length=" + std::to_string(in.framing().content_length) +
        " head=" + std::to_string(in.head_bytes());
    for (http::field_view const& one : in.fields())
        out += "\n" + std::string{one.name} + "=" + std::string{one.value};
    return out;
}

inline std::string described(http::response_head const& in) {
    std::string out =
        std::to_string(in.status) + " " + std::string{in.reason} +
        " minor=" + std::to_string(in.minor_version) + (in.keep_alive ? " keep" : " close") +
        " framing=" + std::to_string(static_cast<int>(in.framing)) +
        " length=" + std::to_string(in.content_length) + " head=" + std::to_string(in.head_bytes);
    for (http::field_view const& one : in.fields)
        out += "\n" + std::string{one.name} + "=" + std::string{one.value};
    return out;
}

/// Feeds prefixes of `input`, each in memory of its own that is exactly as long, so that AddressSanitizer sees a view
/// that was kept and a read past the end.
template <class Feed>
bool feed_prefixes(std::string_view input, std::vector<std::size_t> const& lengths, Feed&& feed) {
    for (std::size_t length : lengths) {
        std::vector<char> const copy(input.begin(),
                                     input.begin() + static_cast<std::ptrdiff_t>(length));
        if (feed(std::string_view{copy.data(), copy.size()})) return true;
    }
    return false;
}

inline std::string of_request(std::string_view input, std::vector<std::size_t> const& lengths,
                              http::limits const& limits = {}) {
    http::request_parser parser{limits};
    std::string out = "need more";
    feed_prefixes(input, lengths, [&](std::string_view prefix) {
        auto const state = parser.feed(prefix);
        if (state && *state == http::parse_state::need_more) return false;
        http::request in;
        parser.fill(in, prefix);
        out = state ? described(in) : refused(state.error());
        return true;
    });
    return out;
}

inline std::string of_response(std::string_view input, std::vector<std::size_t> const& lengths,
                               http::limits const& limits = {}) {
    http::response_parser parser{limits};
    std::string out = "need more";
    feed_prefixes(input, lengths, [&](std::string_view prefix) {
        auto const state = parser.feed(prefix);
        if (state && *state == http::parse_state::need_more) return false;
        http::response_head in;
        if (state) parser.fill(in, prefix, false);
        out = state ? described(in) : refused(state.error());
        return true;
    });
    return out;
}

/// `lengths` are those of the prefixes; the decoder gets the pieces between them.
inline std::string of_chunked(std::string_view input, std::vector<std::size_t> const& lengths,
                              http::limits const& limits = {},
                              http::sender from = http::sender::client) {
    http::chunked_decoder decoder{limits, from};
    std::string body;
    std::size_t consumed = 0;
    std::size_t fed = 0;
    for (std::size_t length : lengths) {
        std::vector<char> const piece(input.begin() + static_cast<std::ptrdiff_t>(fed),
                                      input.begin() + static_cast<std::ptrdiff_t>(length));
        fed = length;
        auto const progress = decoder.feed({piece.data(), piece.size()}, body);
        if (!progress) return refused(progress.error());
        consumed += progress->consumed;
        if (progress->done) return "done at " + std::to_string(consumed) + ": " + body;
    }
    return "need more after " + std::to_string(consumed) + ": " + body;
}

/// The lengths of the prefixes for: all at once; two pieces, cut at each place; byte by byte.
inline std::vector<std::size_t> whole(std::string_view input) { return {input.size()}; }
inline std::vector<std::size_t> cut_at(std::string_view input, std::size_t at) {
    return {at, input.size()};
}
inline std::vector<std::size_t> bytewise(std::string_view input) {
    std::vector<std::size_t> lengths;
    for (std::size_t i = 1; i <= input.size(); ++i) lengths.push_back(i);
    return lengths;
}

/// Returns the first way of cutting whose outcome differs from that of the whole input; empty where there is none.
template <class Outcome>
std::string first_difference(std::string_view input, Outcome&& outcome) {
    std::string const expected = outcome(input, whole(input));
    if (std::string const other = outcome(input, bytewise(input)); other != expected)
        return "byte by byte: " + other + "\nwhole: " + expected;
    for (std::size_t at = 1; at < input.size(); ++at)
        if (std::string const other = outcome(input, cut_at(input, at)); other != expected)
            return "cut at " + std::to_string(at) + ": " + other + "\nwhole: " + expected;
    return {};
}

} // namespace outcomes
