#include "http/outcomes.hpp"
#include "mcp_provider/http/response_parser.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;
using namespace std::string_literals;

namespace {

struct reading {
    explicit reading(std::string text, bool to_head = false) : bytes{std::move(text)} {
        response_parser parser{limits{}};
        auto const state = parser.feed(bytes);
        REQUIRE_MESSAGE(state.has_value(), state.error().message());
        REQUIRE(*state == parse_state::done);
        parser.fill(head, bytes, to_head);
    }
    std::string bytes;
    response_head head;
};

std::string outcome(std::string const& bytes, limits const& limits = {}) {
    return outcomes::of_response(bytes, outcomes::whole(bytes), limits);
}
int status_of(std::string const& bytes, limits const& limits) {
    return std::atoi(outcome(bytes, limits).c_str());
}

std::string const ok = "HTTP/1.1 200 OK\r\n";

std::vector<std::string> const malformed = {
    "\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\n\r\n",
    "HTTP/1.1 200 OK\rX\r\n\r\n",
    "HTTP/1.1 200 O\0K\r\n\r\n"s,
    "HTTP/1.1  200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 abc OK\r\n\r\n",
    "HTTP/1.1 099 OK\r\n\r\n",
    "HTTP/1.1 600 OK\r\n\r\n",
    "HTTP/1.1\r\n\r\n",
    "HTTP/2.0 200 OK\r\n\r\n",
    "HTTP/1.2 200 OK\r\n\r\n",
    "HTTP/1.x 200 OK\r\n\r\n",
    "http/1.1 200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "<html>",
    "\x15\x03\x01",
    ok + "A : b\r\n\r\n",
    ok + " A: b\r\n\r\n",
    ok + "A: b\r\n c\r\n\r\n",
    ok + "A\r\n\r\n",
    ok + ": b\r\n\r\n",
    ok + "A: b\x01\r\n\r\n",
    ok + "A: b\n\r\n",
    ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    ok + "Content-Length: 5, 5\r\n\r\n",
    ok + "Content-Length: +5\r\n\r\n",
    ok + "Content-Length:\r\n\r\n",
    ok + "Content-Length: 18446744073709551616\r\n\r\n",
    ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
    ok + "Transfer-Encoding: identity\r\n\r\n",
    ok + "Transfer-Encoding:\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
};

} // namespace

TEST_CASE("response_parser reads a streamed answer of an upstream") {
    reading const read{
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
        "X-Request-Id:  abc \r\n\r\n5\r\nhello"};

    CHECK(read.head.status == 200);
    CHECK(read.head.reason == "OK");
    CHECK(read.head.minor_version == 1);
    CHECK(read.head.framing == response_framing::chunked);
    CHECK(read.head.keep_alive);
    CHECK(read.head.fields.size() == 3);
    CHECK(read.head.field("x-request-id") == "abc");
    CHECK(read.head.field("absent") == std::nullopt);
    CHECK(std::string_view{read.bytes}.substr(read.head.head_bytes) == "5\r\nhello");
}

TEST_CASE("response_parser frames the body as RFC 9112 section 6.3 says") {
    auto const framing = [](std::string const& bytes, bool to_head = false) {
        return reading{bytes, to_head}.head.framing;
    };
    CHECK(framing(ok + "Content-Length: 5\r\n\r\n") == response_framing::length);
    CHECK(framing(ok + "Content-Length: 0\r\n\r\n") == response_framing::length);
    CHECK(framing(ok + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n") ==
          response_framing::length);
    CHECK(framing(ok + "Transfer-Encoding: Chunked\r\n\r\n") == response_framing::chunked);
    CHECK(framing(ok + "\r\n") == response_framing::until_close);
    CHECK(framing("HTTP/1.0 200 OK\r\n\r\n") == response_framing::until_close);
    CHECK(framing("HTTP/1.1 100 Continue\r\n\r\n") == response_framing::none);
    CHECK(framing("HTTP/1.1 101 Switching Protocols\r\n\r\n") == response_framing::none);
    CHECK(framing("HTTP/1.1 204 No Content\r\n\r\n") == response_framing::none);
    CHECK(framing("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") ==
          response_framing::none);
    CHECK(framing(ok + "Content-Length: 5\r\n\r\n", true) == response_framing::none);
    CHECK(framing(ok + "Transfer-Encoding: chunked\r\n\r\n", true) == response_framing::none);
    CHECK(reading{ok + "Content-Length: 5\r\n\r\n"}.head.content_length == 5);
}

TEST_CASE("response_parser knows when a connection serves another request") {
    auto const keeps = [](std::string const& bytes, bool to_head = false) {
        return reading{bytes, to_head}.head.keep_alive;
    };
    CHECK(keeps(ok + "Content-Length: 5\r\n\r\n"));
    CHECK_FALSE(keeps(ok + "Content-Length: 5\r\nConnection: Close\r\n\r\n"));
    CHECK_FALSE(keeps(ok + "\r\n")); // its end is the end of the connection
    CHECK(keeps(ok + "\r\n", true));
    CHECK_FALSE(keeps("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"));
    CHECK(keeps("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"));
    CHECK(keeps("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
    CHECK_FALSE(keeps("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"));
    CHECK_FALSE(keeps("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"));
    CHECK(keeps("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"));
}

TEST_CASE("response_parser takes any text for a reason, and none") {
    CHECK(reading{"HTTP/1.1 404 Nicht gefunden: caf\xc3\xa9\t!\r\n\r\n"}.head.reason ==
          "Nicht gefunden: caf\xc3\xa9\t!");
    CHECK(reading{"HTTP/1.1 200 \r\n\r\n"}.head.reason == "");
    CHECK(reading{"HTTP/1.1 200\r\n\r\n"}.head.reason == "");
    CHECK(reading{"HTTP/1.1 599 x\r\n\r\n"}.head.status == 599);
}

TEST_CASE("response_parser reads the final head behind an interim one") {
    std::string const bytes =
        "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx";
    response_parser parser{limits{}};
    response_head head;
    REQUIRE(*parser.feed(bytes) == parse_state::done);
    parser.fill(head, bytes, false);
    CHECK(head.status == 103);

    std::string_view const rest = std::string_view{bytes}.substr(head.head_bytes);
    parser.reset();
    REQUIRE(*parser.feed(rest) == parse_state::done);
    parser.fill(head, rest, false);

    CHECK(head.status == 200);
    CHECK(head.fields.size() == 1);
    CHECK(rest.substr(head.head_bytes) == "x");
}

TEST_CASE("response_parser refuses every malformed head of the table with 502, and closes") {
    for (std::string const& bytes : malformed) {
        CAPTURE(bytes);
        CHECK(outcome(bytes).substr(0, 10) == "502 close ");
    }
}

TEST_CASE("response_parser gives the same answer wherever its input is cut") {
    auto heads = malformed;
    heads.push_back(
        "HTTP/1.0 200\r\nA: b\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
    heads.push_back("HTTP/1.1 429 Too Many Requests\r\nRetry-After: \t1 \r\nTransfer-Encoding: "
                    "chunked\r\n\r\n0\r\n");
    for (std::string const& bytes : heads) {
        CAPTURE(bytes);
        CHECK(outcomes::first_difference(bytes, [](auto input, auto const& lengths) {
                  return outcomes::of_response(input, lengths);
              }) == "");
    }
}

TEST_CASE("response_parser keeps each limit exactly") {
    limits small;
    small.max_header_bytes = 40;
    small.max_header_fields = 2;
    auto const head_of = [](std::size_t bytes) {
        return ok + "A: " + std::string(bytes - ok.size() - 7, 'b') + "\r\n\r\n";
    };

    CHECK(status_of(head_of(40), small) == 200);
    CHECK(status_of(head_of(41), small) == 502);
    CHECK(status_of(ok + "A:\r\nB:\r\n\r\n", small) == 200);
    CHECK(status_of(ok + "A:\r\nB:\r\nC:\r\n\r\n", small) == 502);
}
