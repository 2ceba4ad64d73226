// An independent opinion: whatever our parsers accept, Boost.Beast accepts too and reads in the same way. The reverse
// does not hold, and need not: we are stricter.
#include "http/outcomes.hpp"
#include "http/valid_requests.hpp"
#include "mcp_provider/http/request_parser.hpp"
#include "mcp_provider/http/response_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/optional/optional.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;
namespace beast_http = boost::beast::http;

namespace {

std::string_view plain(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// Returns how Beast differs from what our parser read; empty where they agree.
template <class Fields>
std::string fields_difference(Fields const& theirs, std::span<field_view const> ours) {
    // Beast moves fields of one name together; their order within the name is what counts.
    std::vector<std::pair<std::string, std::string>> a, b;
    for (auto const& field : theirs)
        a.emplace_back(plain(field.name_string()), plain(field.value()));
    for (field_view const& field : ours) b.emplace_back(field.name, field.value);
    auto const by_name = [](auto const& one, auto const& other) { return one.first < other.first; };
    std::stable_sort(a.begin(), a.end(), by_name);
    std::stable_sort(b.begin(), b.end(), by_name);
    return a == b ? std::string{} : "fields";
}

std::string request_difference(request const& ours, std::string_view bytes) {
    beast_http::request_parser<beast_http::empty_body> beast;
    beast.header_limit(1 << 20);
    beast.body_limit(boost::none);
    // Beast reads no empty line before a request (RFC 9112 §2.2 says that a server should).
    std::size_t skipped = 0;
    while (bytes.substr(skipped).starts_with("\r\n")) skipped += 2;
    boost::beast::error_code error;
    std::size_t const read =
        beast.put(boost::asio::buffer(bytes.data() + skipped, bytes.size() - skipped), error);
    // An empty_body takes no body; the head is read by then.
    if (error && error != beast_http::error::unexpected_body &&
        error != beast_http::error::need_more)
        return "Beast refuses: " + error.message();
    if (!beast.is_header_done()) return "Beast waits for more";
    auto const& theirs = beast.get();
    if (read + skipped > ours.head_bytes() && !ours.framing().chunked)
        return "Beast's head is longer";
    if (plain(theirs.method_string()) != ours.method_name()) return "method";
    if (theirs.version() != 10U + ours.minor_version()) return "version";
    // Of a URL we give the part from the path on.
    bool const url =
        !theirs.target().empty() && theirs.target()[0] != '/' && theirs.target() != "*";
    if (!url && plain(theirs.target()) != ours.target()) return "target";
    if (url && !plain(theirs.target()).ends_with(ours.target()) && ours.target() != "/" &&
        ours.target() != "*")
        return "target of a URL";
    if (beast.chunked() != ours.framing().chunked) return "chunked";
    if (beast.content_length().value_or(0) != ours.framing().content_length)
        return "content length";
    // Beast looks for `keep-alive` and `close` alike, and lets `keep-alive` win in HTTP/1.0; we let `close` win.
    if (ours.keep_alive() && !beast.keep_alive()) return "keep-alive";
    if (!ours.keep_alive() && beast.keep_alive() && ours.minor_version() == 1) return "close";
    return fields_difference(theirs, ours.fields());
}

std::string response_difference(response_head const& ours, std::string_view bytes) {
    beast_http::response_parser<beast_http::empty_body> beast;
    beast.header_limit(1 << 20);
    beast.body_limit(boost::none);
    boost::beast::error_code error;
    beast.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    // We take what upstreams send: a status line that ends at the status, a Connection that is no list of names.
    if (error == beast_http::error::bad_status && ours.reason.empty()) return {};
    if (error == beast_http::error::bad_value && ours.field("connection")) return {};
    if (error && error != beast_http::error::unexpected_body &&
        error != beast_http::error::need_more)
        return "Beast refuses: " + error.message();
    if (!beast.is_header_done()) return "Beast waits for more";
    auto const& theirs = beast.get();
    if (theirs.result_int() != ours.status) return "status";
    if (plain(theirs.reason()) != ours.reason) return "reason";
    if (theirs.version() != 10U + ours.minor_version) return "version";
    if (beast.chunked() != (ours.framing == response_framing::chunked)) return "chunked";
    if (ours.framing == response_framing::length && beast.content_length() != ours.content_length)
        return "length";
    return fields_difference(theirs, ours.fields);
}

/// What Beast says of `bytes`, if our parser accepts them.
std::optional<std::string> verdict_on_request(request_parser& parser, request& in,
                                              std::string_view bytes) {
    parser.reset();
    auto const state = parser.feed(bytes);
    if (!state || *state == parse_state::need_more) return std::nullopt;
    parser.fill(in, bytes);
    return request_difference(in, bytes);
}

} // namespace

TEST_CASE("Beast reads right requests as request_parser does") {
    request_parser parser{limits{}};
    request in;
    for (std::string_view bytes : valid_requests::requests) {
        CAPTURE(bytes);
        CHECK(verdict_on_request(parser, in, bytes) == "");
    }
}

TEST_CASE("Beast accepts and reads alike every mutated request that request_parser accepts") {
    request_parser parser{limits{}};
    request in;
    valid_requests::mutator mutator{4};
    std::size_t accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string const bytes = mutator.next();
        CAPTURE(bytes);
        auto const verdict = verdict_on_request(parser, in, bytes);
        if (!verdict) continue;
        ++accepted;
        CHECK(*verdict == "");
    }
    CHECK(accepted > 2'000);
}

TEST_CASE("Beast accepts and reads alike every mutated response that response_parser accepts") {
    constexpr std::string_view right[] = {
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nServer: caf\xc3\xa9\tau lait\r\nX-Empty:\r\n\r\n",
    };
    constexpr std::string_view pieces[] = {
        "\r\n", "\n", "\r", " ", ":", "1", "HTTP/", "\r\nContent-Length: 5", "\x7f"};
    std::mt19937 random{5};
    response_parser parser{limits{}};
    response_head head;
    std::size_t accepted = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes{right[random() % std::size(right)]};
        for (std::size_t edits = 1 + random() % 3; edits != 0; --edits) {
            std::size_t const at = random() % bytes.size();
            if (random() % 2 == 0)
                bytes[at] = static_cast<char>(random() % 256);
            else
                bytes.insert(at, pieces[random() % std::size(pieces)]);
        }
        CAPTURE(bytes);
        parser.reset();
        auto const state = parser.feed(bytes);
        if (!state || *state == parse_state::need_more) continue;
        ++accepted;
        parser.fill(head, bytes, false);
        CHECK(response_difference(head, bytes) == "");
    }
    CHECK(accepted > 2'000);
}
