#include "http/outcomes.hpp"
#include "mcp_provider/http/response_writer.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::http;
using namespace std::chrono_literals;

namespace {

class empty_stream : public body_stream {
public:
    asio::awaitable<result<stream_step>, asio::any_io_executor> next(std::string&) override {
        co_return stream_step::end;
    }
};

request asking(std::string_view method, std::uint8_t minor_version = 1, bool keep_alive = true) {
    request in;
    in.set_line(method, "/", minor_version);
    in.set_keep_alive(keep_alive);
    return in;
}

/// The head without the fields that every response has.
std::string head(response const& out, request const& in = asking("GET"),
                 bool may_keep_alive = true) {
    std::string text;
    append_head(text, out, in, plan_response(out, in, may_keep_alive),
                std::chrono::sys_seconds{784111777s});
    std::string const date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
    auto const at = text.find(date);
    REQUIRE(at != std::string::npos);
    text.erase(at, date.size());
    std::string const id = "x-request-id: " + std::string{in.id().text()} + "\r\n\r\n";
    REQUIRE(text.ends_with(id));
    return text.substr(0, text.size() - id.size());
}

response streamed(std::uint16_t status = 200) {
    return response{status, "text/event-stream", std::make_unique<empty_stream>()};
}

} // namespace

TEST_CASE("append_head writes a text with its length") {
    CHECK(head(response{200, "application/json", "{}"}) ==
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n");
    CHECK(head(response{200}) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    CHECK(head(response{299, "text/plain", "a"}).starts_with("HTTP/1.1 299 \r\n"));
}

TEST_CASE("append_head writes a stream in chunks to HTTP/1.1, and until the close to HTTP/1.0") {
    CHECK(head(streamed()) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n");
    CHECK(head(streamed(), asking("GET", 0, true)) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n");
}

TEST_CASE("plan_response decides about the body and the connection") {
    auto const plan = [](response const& out, request const& in, bool may = true) {
        return plan_response(out, in, may);
    };
    CHECK(plan(response{200}, asking("GET")).transfer == body_transfer::length);
    CHECK(plan(response{200}, asking("GET")).keep_alive);
    CHECK(plan(streamed(), asking("GET")).transfer == body_transfer::chunked);
    CHECK(plan(streamed(), asking("GET")).keep_alive);
    CHECK(plan(streamed(), asking("GET", 0)).transfer == body_transfer::until_close);
    CHECK_FALSE(plan(streamed(), asking("GET", 0)).keep_alive);
    CHECK(plan(streamed(), asking("HEAD", 0)).transfer == body_transfer::none);
    CHECK(plan(response{204}, asking("GET")).transfer == body_transfer::none);
    CHECK(plan(response{304}, asking("GET")).transfer == body_transfer::none);
    CHECK(plan(response{101}, asking("GET")).transfer == body_transfer::none);
    CHECK_FALSE(plan(response{200}, asking("GET"), false).keep_alive);
    CHECK_FALSE(plan(response{200}, asking("GET", 1, false)).keep_alive);
    response closing{200};
    closing.close();
    CHECK_FALSE(plan(closing, asking("GET")).keep_alive);
}

TEST_CASE("append_head gives HEAD the head that GET gets") {
    CHECK(head(response{200, "text/plain", "hello"}, asking("HEAD")) ==
          head(response{200, "text/plain", "hello"}, asking("GET")));
    CHECK(head(streamed(), asking("HEAD")) == head(streamed(), asking("GET")));
}

TEST_CASE("append_head writes no length and no type where a status has no body") {
    CHECK(head(response{204, "text/plain", "x"}) == "HTTP/1.1 204 No Content\r\n");
    CHECK(head(response{304, "text/plain", "x"}) == "HTTP/1.1 304 Not Modified\r\n");
    CHECK(head(streamed(204)) == "HTTP/1.1 204 No Content\r\n");
}

TEST_CASE("append_head says whether the connection stays, where the version does not") {
    std::string const rest = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    CHECK(head(response{200}, asking("GET", 1, false)) == rest + "Connection: close\r\n");
    CHECK(head(response{200}, asking("GET", 0, false)) == rest + "Connection: close\r\n");
    CHECK(head(response{200}, asking("GET", 0, true)) == rest + "Connection: keep-alive\r\n");
    CHECK(head(response{200}, asking("GET"), false) == rest + "Connection: close\r\n");
}

TEST_CASE("append_head writes the other fields in their order, and none that is its own") {
    response out{200, "text/plain", "x"};
    out.fields().add("Vary", "Origin");
    out.fields().add("content-length", "99");
    out.fields().add("Transfer-Encoding", "chunked");
    out.fields().add("Connection", "Upgrade");
    out.fields().add("Keep-Alive", "timeout=5");
    out.fields().add("DATE", "never");
    out.fields().add("Content-Type", "text/html");
    out.fields().add("X-Request-Id", "mine");
    out.fields().add("Set-Cookie", "a");
    out.fields().add("Set-Cookie", "b");

    CHECK(head(out) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nVary: Origin\r\n"
          "Set-Cookie: a\r\nSet-Cookie: b\r\n");
}

TEST_CASE("append_head takes the content type from the fields where the response has none") {
    response out{200, "", "x"};
    out.fields().set("Content-Type", "text/html");
    CHECK(head(out) == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Type: text/html\r\n");
}

TEST_CASE("append_head lets an upgrade name its protocol") {
    response out{101};
    out.fields().set("Connection", "Upgrade");
    out.fields().set("Upgrade", "websocket");
    CHECK(head(out) ==
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
}

TEST_CASE("append_head lets no value split the response") {
    response out{200, "text/plain\r\nX-Injected: 1", "x"};
    out.fields().set("Location", "/a\r\nX-Injected: 2\r\n\r\nbody");
    out.fields().set("X-Control", std::string_view{"a\0b\x01\x7f\tc", 7});
    out.fields().set("X-Bad\r\nX-Injected", "3");
    out.fields().set("X Bad", "4");
    out.fields().set("", "5");

    CHECK(head(out) ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain  X-Injected: 1\r\nContent-Length: 1\r\n"
          "Location: /a  X-Injected: 2    body\r\nX-Control: a b  \tc\r\n");
}

TEST_CASE("imf_fixdate writes dates as RFC 9110 wants them") {
    auto const date = [](std::chrono::sys_seconds time) {
        auto const text = imf_fixdate(time);
        return std::string{text.data(), text.size()};
    };
    CHECK(date(std::chrono::sys_seconds{0s}) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(date(std::chrono::sys_seconds{784111777s}) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date(std::chrono::sys_seconds{1709251199s}) == "Thu, 29 Feb 2024 23:59:59 GMT");
    CHECK(date(std::chrono::sys_seconds{4107542400s}) == "Mon, 01 Mar 2100 00:00:00 GMT");
}

TEST_CASE("append_head follows the clock from second to second") {
    std::string text;
    for (auto const time : {784111777s, 784111778s, 784111777s})
        append_head(text, response{200}, asking("GET"), {}, std::chrono::sys_seconds{time} + 500ms);
    auto const first = text.find("08:49:37");
    auto const second = text.find("08:49:38");
    CHECK(first < second);
    CHECK(text.find("08:49:37", second) != std::string::npos);
}

TEST_CASE("reason_phrase names every status that a rejection has") {
    for (int code = 0; code <= static_cast<int>(rejection_code::version_unsupported); ++code) {
        auto const status = status_of(static_cast<rejection_code>(code));
        CAPTURE(status);
        CHECK(reason_phrase(status) != "");
    }
    CHECK(reason_phrase(499) == "Client Closed Request");
    CHECK(reason_phrase(298) == "");
}

TEST_CASE("begin_chunk and end_chunk frame what is written between them") {
    std::string out = "before";
    std::size_t const mark = begin_chunk(out);
    out += "hello world";
    end_chunk(out, mark);
    CHECK(out == "before0000000b\r\nhello world\r\n");
}

TEST_CASE("end_chunk leaves nothing of an empty chunk, which would end the body") {
    std::string out = "before";
    end_chunk(out, begin_chunk(out));
    append_chunk(out, "");
    CHECK(out == "before");
}

TEST_CASE("what append_chunk writes is what chunked_decoder reads") {
    std::string out;
    std::string const large(70'000, 'x');
    append_chunk(out, "a");
    append_chunk(out, large);
    out += last_chunk;
    CHECK(outcomes::of_chunked(out, outcomes::whole(out)) ==
          "done at " + std::to_string(out.size()) + ": a" + large);
}

TEST_CASE("what append_head writes is what response_parser reads") {
    std::string text;
    append_head(text, streamed(), asking("GET"), plan_response(streamed(), asking("GET"), true));
    std::string const read = outcomes::of_response(text, outcomes::whole(text));
    CHECK(read.starts_with("200 OK minor=1 keep framing=2"));
}
