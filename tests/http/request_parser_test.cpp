#include "http/outcomes.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <cstddef>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider::http;

namespace {

/// A parser, and the request that it read from `bytes`, which must be right.
struct reading {
    explicit reading(std::string text, limits const& limits = {})
        : bytes{std::move(text)}, parser{limits} {
        auto const state = parser.feed(bytes);
        REQUIRE_MESSAGE(state.has_value(), state.error().message());
        REQUIRE(*state == parse_state::done);
        parser.fill(in, bytes);
    }
    std::string bytes;
    request_parser parser;
    request in;
};

int status_of(std::string const& bytes, limits const& limits = {}) {
    std::string const outcome = outcomes::of_request(bytes, outcomes::whole(bytes), limits);
    return std::atoi(outcome.c_str());
}

std::string const void_chat = "POST /v1/chat/completions HTTP/1.1\r\n"
                              "host: 127.0.0.1:11434\r\n"
                              "accept: application/json\r\n"
                              "content-type: application/json\r\n"
                              "user-agent: OpenAI/JS 4.96.0\r\n"
                              "x-stainless-lang: js\r\n"
                              "authorization: Bearer noop\r\n"
                              "accept-encoding: gzip,deflate\r\n"
                              "connection: keep-alive\r\n"
                              "content-length: 27\r\n"
                              "\r\n";

} // namespace

TEST_CASE("request_parser reads a chat request of an editor") {
    reading const read{void_chat + "{\"model\":\"echo\",\"stream\":1}"};

    CHECK(read.in.verb() == method::post);
    CHECK(read.in.target() == "/v1/chat/completions");
    CHECK(read.in.minor_version() == 1);
    CHECK(read.in.keep_alive());
    CHECK(read.in.framing().content_length == 27);
    CHECK_FALSE(read.in.framing().chunked);
    CHECK(read.in.fields().size() == 9);
    CHECK(read.in.field("Host") == "127.0.0.1:11434");
    CHECK(read.in.field("authorization") == "Bearer noop");
    CHECK(read.parser.head_bytes() == void_chat.size());
    CHECK(read.in.head_bytes() == void_chat.size());
}

TEST_CASE("request_parser leaves the bytes behind the head alone") {
    std::string const first = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::string const second = "GET /b HTTP/1.1\r\nHost: localhost\r\n\r\n";
    std::string const both = first + second;
    request_parser parser{limits{}};
    request in;

    REQUIRE(*parser.feed(both) == parse_state::done);
    parser.fill(in, both);
    CHECK(in.target() == "/a");
    std::string_view const rest = std::string_view{both}.substr(parser.head_bytes());
    parser.reset();
    REQUIRE(*parser.feed(rest) == parse_state::done);
    parser.fill(in, rest);
    CHECK(in.target() == "/b");
    CHECK(in.fields().size() == 1);
}

TEST_CASE("request_parser gives right requests the same answer wherever they are cut") {
    for (std::string const& bytes :
         {void_chat,
          std::string{"\r\n\r\nGET //a//b?c=%20d HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"},
          std::string{"OPTIONS * HTTP/1.1\r\nHost: [::1]:11434\r\nConnection: a, close\r\n\r\n"},
          std::string{"POST http://LOCALHOST/a?b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                      "Chunked\r\n"
                      "Expect: 100-Continue\r\nEmpty:\r\nTab:\t a\tb \t\r\nObs: "
                      "\x80\xff\r\n\r\n0\r\n\r\n"}}) {
        CAPTURE(bytes);
        CHECK(outcomes::first_difference(bytes, [](auto input, auto const& lengths) {
                  return outcomes::of_request(input, lengths);
              }) == "");
    }
}

TEST_CASE("request_parser follows a buffer that moves while it grows") {
    // Each prefix lies in memory of its own; see outcomes::feed_prefixes.
    std::string const outcome = outcomes::of_request(void_chat, outcomes::bytewise(void_chat));
    CHECK(outcome.find("authorization=Bearer noop") != std::string::npos);
}

TEST_CASE("request_parser skips up to four empty lines before a request") {
    reading const read{"\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    CHECK(read.in.method_name() == "GET");
    CHECK(read.in.head_bytes() == read.bytes.size());
}

TEST_CASE("request_parser trims values, and allows in them tabs and obs-text") {
    reading const read{
        "GET / HTTP/1.1\r\nHost:localhost\r\nA: \t b\tc \t \r\nB:\r\nC: caf\xc3\xa9\r\n\r\n"};
    CHECK(read.in.field("host") == "localhost");
    CHECK(read.in.field("a") == "b\tc");
    CHECK(read.in.field("b") == "");
    CHECK(read.in.field("c") == "caf\xc3\xa9");
}

TEST_CASE("request_parser accepts every character of a token in methods and names") {
    reading const read{
        "!#$%&'*+-.^_`|~azAZ09 / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~azAZ09: b\r\n\r\n"};
    CHECK(read.in.verb() == method::other);
    CHECK(read.in.field("!#$%&'*+-.^_`|~azAZ09") == "b");
}

TEST_CASE("request_parser splits the target, and makes one slash of several") {
    reading const read{"GET //v1///models?a=//b HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    CHECK(read.in.target() == "//v1///models?a=//b");
    CHECK(read.in.path() == "/v1/models");
    CHECK(read.in.query() == "a=//b");
}

TEST_CASE("request_parser takes a URL as target when its authority is that of Host") {
    CHECK(reading{"GET http://localhost:1/a?b HTTP/1.1\r\nHost: LocalHost:1\r\n\r\n"}.in.target() ==
          "/a?b");
    CHECK(reading{"GET HTTPS://localhost/a HTTP/1.1\r\nHost: localhost\r\n\r\n"}.in.path() == "/a");
    CHECK(reading{"GET http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n"}.in.target() == "/");
    CHECK(reading{"OPTIONS http://localhost HTTP/1.1\r\nHost: localhost\r\n\r\n"}.in.target() ==
          "*");
    CHECK(reading{"GET http://localhost/a HTTP/1.0\r\nHost: localhost\r\n\r\n"}.in.path() == "/a");
}

TEST_CASE("request_parser takes an asterisk for OPTIONS") {
    CHECK(reading{"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n"}.in.path() == "*");
}

TEST_CASE("request_parser takes percent-encoding as it is, and any byte of it in a query") {
    reading const read{"GET /caf%C3%A9/%2e%2E?q=%00%ff HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    CHECK(read.in.path() == "/caf%C3%A9/%2e%2E");
    CHECK(read.in.query() == "q=%00%ff");
}

TEST_CASE("request_parser takes the hosts that clients send") {
    for (std::string const host :
         {"localhost", "LOCALHOST:1", "127.0.0.1:65535", "[::1]", "[::1]:11434",
          "[::ffff:127.0.0.1]:80", "host.docker.internal:11434", "my_host", "a"}) {
        CAPTURE(host);
        CHECK(reading{"GET / HTTP/1.1\r\nHost: " + host + " \r\n\r\n"}.in.field("host") == host);
    }
}

TEST_CASE("request_parser asks HTTP/1.0 for no Host") {
    CHECK(reading{"GET / HTTP/1.0\r\n\r\n"}.in.minor_version() == 0);
}

TEST_CASE("request_parser knows when a connection stays") {
    auto const keeps = [](std::string const& version, std::string const& field) {
        return reading{"GET / " + version + "\r\nHost: localhost\r\n" + field + "\r\n"}
            .in.keep_alive();
    };
    CHECK(keeps("HTTP/1.1", ""));
    CHECK(keeps("HTTP/1.1", "Connection: keep-alive\r\n"));
    CHECK(keeps("HTTP/1.1", "Connection: Upgrade, closed\r\n"));
    CHECK_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
    CHECK_FALSE(keeps("HTTP/1.1", "Connection: TE,\tClOsE\r\n"));
    CHECK_FALSE(keeps("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    CHECK_FALSE(keeps("HTTP/1.0", ""));
    CHECK(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
    CHECK_FALSE(keeps("HTTP/1.0", "Connection: keep-alive, close\r\n"));
}

TEST_CASE("request_parser reads the framing of the body") {
    std::string const head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
    CHECK_FALSE(reading{head + "\r\n"}.in.framing().has_body());
    CHECK_FALSE(reading{head + "Content-Length: 0\r\n\r\n"}.in.framing().has_body());
    CHECK(reading{head + "CONTENT-LENGTH:\t5 \r\n\r\n"}.in.framing().content_length == 5);
    CHECK(reading{head + "Transfer-Encoding: cHuNkEd \t\r\n\r\n"}.in.framing().chunked);
}

TEST_CASE("request_parser reports an expectation only where something waits for it") {
    auto const expects = [](std::string const& version, std::string const& fields) {
        return reading{"POST / " + version + "\r\nHost: localhost\r\nExpect: 100-continue\r\n" +
                       fields + "\r\n"}
            .in.expects_continue();
    };
    CHECK(expects("HTTP/1.1", "Content-Length: 1\r\n"));
    CHECK(expects("HTTP/1.1", "Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(expects("HTTP/1.1", ""));
    CHECK_FALSE(expects("HTTP/1.0", "Content-Length: 1\r\n"));
}

TEST_CASE("request_parser keeps each limit exactly") {
    std::string const host = "Host: localhost\r\n";
    auto const head_of = [&](std::size_t bytes) {
        std::string const rest = "GET / HTTP/1.1\r\n" + host + "A: \r\n\r\n";
        return "GET / HTTP/1.1\r\n" + host + "A: " + std::string(bytes - rest.size(), 'a') +
               "\r\n\r\n";
    };
    limits small;
    small.max_target_bytes = 10;
    small.max_header_bytes = 200;
    small.max_header_fields = 3;
    small.max_body_bytes = 1000;

    CHECK(status_of("GET /123456789 HTTP/1.1\r\n" + host + "\r\n", small) == 0);
    CHECK(status_of("GET /1234567890 HTTP/1.1\r\n" + host + "\r\n", small) == 414);
    CHECK(status_of(std::string(32, 'M') + " / HTTP/1.1\r\n" + host + "\r\n", small) == 0);
    CHECK(status_of(std::string(33, 'M') + " / HTTP/1.1\r\n" + host + "\r\n", small) == 501);
    CHECK(status_of(head_of(200), small) == 0);
    CHECK(status_of(head_of(201), small) == 431);
    CHECK(status_of(head_of(200) + "a body behind the head", small) == 0);
    CHECK(status_of("GET / HTTP/1.1\r\n" + host + "A:\r\nB:\r\n\r\n", small) == 0);
    CHECK(status_of("GET / HTTP/1.1\r\n" + host + "A:\r\nB:\r\nC:\r\n\r\n", small) == 431);
    CHECK(status_of("POST / HTTP/1.1\r\n" + host + "Content-Length: 1000\r\n\r\n", small) == 0);
    CHECK(status_of("POST / HTTP/1.1\r\n" + host + "Content-Length: 1001\r\n\r\n", small) == 413);
    CHECK(outcomes::first_difference(head_of(201), [&](auto input, auto const& lengths) {
              return outcomes::of_request(input, lengths, small);
          }) == "");
}

TEST_CASE("request_parser knows the path of a request that it refuses later") {
    std::string const bytes = "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nA: b\r\nC\x01";
    request_parser parser{limits{}};
    request in;

    CHECK_FALSE(parser.has_line());
    REQUIRE_FALSE(parser.feed(bytes).has_value());

    CHECK(parser.has_line());
    parser.fill(in, bytes);
    CHECK(in.path() == "/api/chat");
    CHECK(in.fields().size() == 2);
}

TEST_CASE("request_parser knows no path of a request line that it refuses") {
    std::string const bytes = "GET /api/chat HTTP/3.0\r\n";
    request_parser parser{limits{}};
    request in;

    REQUIRE_FALSE(parser.feed(bytes).has_value());

    CHECK_FALSE(parser.has_line());
    parser.fill(in, bytes);
    CHECK(in.path() == "");
}

TEST_CASE("request_parser reads again after a refusal, once reset") {
    request_parser parser{limits{}};
    REQUIRE_FALSE(
        parser.feed("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n").has_value());

    parser.reset();

    CHECK(*parser.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n") == parse_state::done);
}
