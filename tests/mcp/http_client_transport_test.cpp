#include "mcp/client_setting.hpp"
#include "mcp_provider/mcp/http_client_transport.hpp"
#include "net/scripted_upstream.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::said;
using testing::text_of;
namespace bj = boost::json;

namespace {

std::string reply(std::string_view body, std::string_view status = "200 OK",
                  std::string_view type = "application/json", std::string_view more = "") {
    return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: " + std::string{type} + "\r\n" +
           std::string{more} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}
std::string message(int id, std::string_view members) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + "," + std::string{members} + "}";
}
std::string json_answer(int id, std::string_view members, std::string_view status = "200 OK",
                        std::string_view more = "") {
    return reply(message(id, members), status, "application/json", more);
}
/// A stream that stays open until more is said, or the connection closed.
std::string stream(std::string_view events) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" +
           std::string{events};
}
std::string whole_stream(std::string_view events) {
    return reply(events, "200 OK", "text/event-stream; charset=utf-8");
}
std::string event(std::string_view data, std::string_view id = "") {
    return (id.empty() ? "" : "id: " + std::string{id} + "\n") + "data: " + std::string{data} +
           "\n\n";
}

/// A client in front of a server that gives each request, in order, the next of its answers; `close` closes.
class web {
public:
    explicit web(std::vector<std::string> answers, bool slowly = false)
        : answers_{std::move(answers)}, slowly_{slowly} {
        options.listens = false;
        transport.retry_time = 5ms;
    }

    void with(std::function<asio::awaitable<void>(mcp::client&)> what) {
        auto const all = [&]() -> asio::awaitable<void> {
            mcp::client one{std::make_unique<mcp::http_client_transport>(
                                *net::origin::parse(upstream_.url("/mcp")), std::move(transport)),
                            options};
            connected = co_await one.connect();
            if (connected && what) co_await what(one);
            strays = one.strays();
        };
        testing::run_on(context_, all());
    }
    std::string call() {
        std::string got;
        with([&](mcp::client& one) -> asio::awaitable<void> {
            mcp::call_options how;
            how.time = call_time;
            auto const answer = co_await one.call_tool("t", {}, how);
            got = answer ? answer->text() : answer.error().message();
        });
        return connected ? got : connected.error().message();
    }
    /// Lets the server see what the client does last. Returns whether it did.
    bool sees(std::function<bool()> const& what) { return testing::run_until(context_, what); }

    mcp::client_options options;
    mcp::http_transport_options transport;
    std::chrono::milliseconds call_time{2s};
    std::vector<std::string> requests;
    result<> connected;
    std::size_t strays = 0;
    int left = 0; ///< connections that the client closed while a stream was open

private:
    asio::awaitable<void> play(testing::upstream_side& side) {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            std::size_t const at = requests.size();
            requests.push_back(request);
            std::string const answer = at < answers_.size() ? answers_[at] : "close";
            if (answer == "close") co_return side.close();
            if (slowly_)
                co_await side.say_slowly(answer);
            else
                co_await side.say(answer);
            if (answer.find("Connection: close") == std::string::npos) continue;
            if (answer.ends_with("hold")) {
                co_await side.client_leaves();
                ++left;
            }
            co_return side.close();
        }
    }

    std::vector<std::string> answers_;
    bool slowly_;
    asio::io_context context_{1};
    testing::scripted_upstream upstream_{
        context_, [this](testing::upstream_side& side) { return play(side); }};
};

std::string const modern = json_answer(1, testing::modern_server);
std::string const unknown = json_answer(1, testing::unknown_method, "404 Not Found");
std::string const old =
    json_answer(2, testing::legacy_server, "200 OK", "Mcp-Session-Id: abc-1\r\n");
std::string const accepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

bool has(std::string const& request, std::string_view line) {
    return request.find("\r\n" + std::string{line} + "\r\n") != std::string::npos;
}

} // namespace

TEST_CASE("a modern request carries what the specification wants in its header fields") {
    web with{{modern, json_answer(2, said("hi"))}};
    with.transport.token = secret{"tok-1"};
    CHECK(with.call() == "hi");
    REQUIRE(with.requests.size() == 2);
    for (std::string const& one : with.requests) {
        CHECK(one.starts_with("POST /mcp HTTP/1.1\r\n"));
        CHECK(has(one, "Content-Type: application/json"));
        CHECK(has(one, "Accept: application/json, text/event-stream"));
        CHECK(has(one, "MCP-Protocol-Version: 2026-07-28"));
        CHECK(has(one, "Authorization: Bearer tok-1"));
    }
    CHECK(has(with.requests[0], "Mcp-Method: server/discover"));
    CHECK(has(with.requests[1], "Mcp-Method: tools/call"));
    CHECK(has(with.requests[1], "Mcp-Name: t"));
}

TEST_CASE("a legacy session is kept, and closed at the end") {
    web with{{unknown, old, accepted, json_answer(3, said("hi")), accepted}};
    std::string got;
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const answer = co_await one.call_tool("t");
        got = answer->text();
        co_await one.close();
    });
    CHECK(got == "hi");
    REQUIRE(with.requests.size() == 5);
    CHECK(with.requests[1].find("MCP-Protocol-Version") == std::string::npos);
    CHECK(with.requests[1].find("Mcp-Session-Id") == std::string::npos);
    for (std::size_t i = 2; i != 5; ++i) {
        CHECK(has(with.requests[i], "MCP-Protocol-Version: 2025-11-25"));
        CHECK(has(with.requests[i], "Mcp-Session-Id: abc-1"));
        CHECK(with.requests[i].find("Mcp-Method") == std::string::npos);
    }
    CHECK(with.requests[4].starts_with("DELETE /mcp HTTP/1.1\r\n"));
}

TEST_CASE("a session that the server has lost is begun anew without its id") {
    web with{{unknown, old, accepted,
              json_answer(3, R"("error":{"code":-32001,"message":"Session not found"})",
                          "404 Not Found"),
              json_answer(4, testing::legacy_server, "200 OK", "Mcp-Session-Id: abc-2\r\n"),
              accepted, json_answer(5, said("hi"))}};
    CHECK(with.call() == "hi");
    CHECK(with.requests[4].find("Mcp-Session-Id") == std::string::npos);
    CHECK(has(with.requests[6], "Mcp-Session-Id: abc-2"));
}

TEST_CASE("an answer in an event stream is found among all that comes before it, wherever the "
          "bytes are cut") {
    std::string const events =
        "\xef\xbb\xbf: hello\n\nid: 0\ndata:\n\n" +
        event(
            R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}})") +
        event("no json") + event(message(99, "\"result\":{}")) + "event: other\ndata: {}\n\n" +
        "event: message\r\ndata: " + message(2, said("hi")) + "\r\n\r\n";
    for (bool const slowly : {false, true})
        for (std::string const& answer : {stream(events), whole_stream(events)}) {
            web with{{modern, answer}, slowly};
            std::vector<std::string> notified;
            with.options.notified = [&](std::string_view method, bj::object const&) {
                notified.emplace_back(method);
            };
            CHECK(with.call() == "hi");
            CHECK(notified == std::vector<std::string>{"notifications/message"});
            CHECK(with.strays == 2);
        }
}

TEST_CASE("answers that are none are refused, and say why") {
    auto const told = [](std::string answer) {
        web with{{modern, std::move(answer)}};
        return with.call();
    };
    CHECK(told(reply("not json")) == "the server's answer is not JSON-RPC");
    CHECK(told(json_answer(9, said("another's"))) == "the server's answer is not JSON-RPC");
    CHECK(told(reply(message(2, said("x")), "200 OK", "text/html")) ==
          "the server's answer is not JSON-RPC");
    CHECK(told(accepted) == "the server took the request and gave no answer");
    CHECK(told(whole_stream(event("{}"))) == "the server's stream ended before the answer");
    CHECK(told(reply("", "500 Internal Server Error")) == "the MCP server answered with HTTP 500");
    CHECK(told(reply("", "302 Found")) == "the MCP server answered with HTTP 302");
    CHECK(told(reply("x", "400 Bad Request", "text/plain")) ==
          "the MCP server refused the request with HTTP 400");
    CHECK(told("close").starts_with("the upstream closed the connection"));
}

TEST_CASE("a server that refuses our token is told from one that does not know the modern era") {
    for (std::string const status : {"401 Unauthorized", "403 Forbidden"}) {
        web with{{reply("{}", status), old}};
        CHECK(with.call().starts_with("the MCP server refuses us with HTTP 40"));
        CHECK(with.connected.error().reason() == "unauthorized");
        CHECK(with.requests.size() == 1);
    }
    web broken{{reply("{}", "503 Service Unavailable"), old}};
    CHECK(broken.call() == "the MCP server answered with HTTP 503");
    CHECK(broken.requests.size() == 1);
}

TEST_CASE("an answer is read up to its limit and no further") {
    std::string const text(2000, 'x');
    std::size_t const size = message(2, said(text)).size();
    for (auto const& [limit, fits] : {std::pair{size, true}, std::pair{size - 1, false}})
        for (std::string const& answer :
             {json_answer(2, said(text)), stream("data:" + message(2, said(text)) + "\n\n")}) {
            web with{{modern, answer}};
            // The word `data:` of an event counts as well.
            with.transport.limits.max_bytes =
                answer.find("event-stream") != std::string::npos ? limit + 5 : limit;
            CHECK((with.call() == text) == fits);
        }
}

TEST_CASE("an answer is nested up to its limit and no further") {
    for (auto const& [depth, fits] :
         {std::pair{62, true}, std::pair{63, false}}) { // in an object in an object
        auto const n = static_cast<std::size_t>(depth);
        web with{{modern, json_answer(2, R"("result":{"content":[],"x":)" + std::string(n, '[') +
                                             std::string(n, ']') + "}")}};
        CHECK((with.call().empty()) == fits);
    }
}

TEST_CASE(
    "a legacy stream that breaks is taken up behind its last event, after the time that it names") {
    web with{{unknown, old, accepted,
              stream("id: e1\nretry: 60\ndata:\n\n" +
                     event(R"({"jsonrpc":"2.0","method":"notifications/x"})", "e2") + "id: e3\n"),
              stream(event(R"({"jsonrpc":"2.0","method":"notifications/x"})", "e4")),
              stream(event(message(3, said("hi")), "e5"))}};
    std::size_t notified = 0;
    with.options.notified = [&](std::string_view, bj::object const&) { ++notified; };
    auto const begun = std::chrono::steady_clock::now();
    CHECK(with.call() == "hi");
    CHECK(std::chrono::steady_clock::now() - begun >= 120ms);
    CHECK(notified == 2);
    REQUIRE(with.requests.size() == 6);
    CHECK(with.requests[4].starts_with("GET /mcp HTTP/1.1\r\n"));
    CHECK(has(with.requests[4], "Accept: text/event-stream"));
    CHECK(has(with.requests[4], "Last-Event-ID: e2")); // e3 had not ended
    CHECK(has(with.requests[5], "Last-Event-ID: e4"));
    CHECK(has(with.requests[5], "Mcp-Session-Id: abc-1"));
}

TEST_CASE(
    "a legacy stream is not taken up for ever, nor without an id, nor where the server will not") {
    std::string const primed = stream("id: e1\ndata:\n\n");
    std::string const empty = stream("");
    web endless{{unknown, old, accepted, primed, empty, empty, empty, empty}};
    endless.transport.max_resumptions = 2;
    CHECK(endless.call() == "the server's stream ended before the answer");
    CHECK(endless.requests.size() == 6);

    web nameless{{unknown, old, accepted, stream("data:\n\n")}};
    CHECK(nameless.call() == "the server's stream ended before the answer");

    web unwilling{{unknown, old, accepted, primed, reply("", "405 Method Not Allowed")}};
    CHECK(unwilling.call() == "the server does not go on with its stream: HTTP 405");

    web absent{
        {unknown, old, accepted, primed, "close", "close", stream(event(message(3, said("hi"))))}};
    absent.transport.max_resumptions = 3;
    CHECK(absent.call() == "hi");
}

TEST_CASE("a modern stream that breaks is not taken up: the era has no such thing") {
    web with{{modern, stream("id: e1\ndata:\n\n")}};
    CHECK(with.call() == "the server's stream ended before the answer");
    CHECK(with.requests.size() == 2);
}

TEST_CASE("giving up a modern call closes its stream, and a legacy one sends a notification") {
    web with{{modern, stream(": hold")}};
    with.call_time = 30ms;
    CHECK(with.call() == "the upstream sent nothing for too long");
    CHECK(with.sees([&] { return with.left == 1; }));
    CHECK(with.requests.size() == 2);

    web legacy{{unknown, old, accepted, stream(": hold"), accepted}};
    legacy.with([&](mcp::client& one) -> asio::awaitable<void> {
        mcp::call_options how;
        how.time = 30ms;
        auto const answer = co_await one.call_tool("t", {}, how);
        CHECK(answer.error().code() == rejection_code::timed_out);
        for (int i = 0; i != 100 && legacy.requests.size() < 5; ++i) co_await testing::rest(5ms);
    });
    REQUIRE(legacy.requests.size() == 5);
    CHECK(
        legacy.requests[4].find(R"("method":"notifications/cancelled","params":{"requestId":3,)") !=
        std::string::npos);
}

TEST_CASE("a legacy server's requests on a stream are answered while the call goes on") {
    web with{{unknown, old, accepted,
              stream(event(R"({"jsonrpc":"2.0","id":"s1","method":"roots/list"})", "e1")), accepted,
              stream(event(message(3, said("hi"))))}};
    with.transport.retry_time = 100ms; // so that the answer goes out before the stream is taken up
    with.options.roots = [] { return bj::array{}; };
    CHECK(with.call() == "hi");
    CHECK(with.requests[4].ends_with(R"({"jsonrpc":"2.0","id":"s1","result":{"roots":[]}})"));
    CHECK(has(with.requests[4], "Mcp-Session-Id: abc-1"));
}

TEST_CASE("a legacy server is listened to on a stream of its own, again after it ends, and not "
          "where it has none") {
    std::string const note = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
    web with{{unknown, old, accepted, stream("retry: 5\n" + event(note, "g1")),
              stream(event(note, "g2")), reply("", "405 Method Not Allowed"), "close"}};
    with.options.listens = true;
    std::size_t notified = 0;
    with.options.notified = [&](std::string_view, bj::object const&) { ++notified; };
    with.with([&](mcp::client&) -> asio::awaitable<void> {
        for (int i = 0; i != 200 && with.requests.size() < 6; ++i) co_await testing::rest(5ms);
        co_await testing::rest(30ms);
    });
    CHECK(notified == 2);
    REQUIRE(with.requests.size() == 6); // after 405 it is left alone
    CHECK(with.requests[3].starts_with("GET /mcp HTTP/1.1\r\n"));
    CHECK(with.requests[3].find("Last-Event-ID") == std::string::npos);
    CHECK(has(with.requests[4], "Last-Event-ID: g1"));
    CHECK(has(with.requests[5], "Last-Event-ID: g2"));
}

TEST_CASE("a session id that no header field can hold is refused") {
    for (auto const& [id, fits] :
         {std::pair{std::string(1024, 'x'), true}, std::pair{std::string(1025, 'x'), false},
          std::pair{std::string{"a b"}, false}, std::pair{std::string{"a\xc3\xa9"}, false}}) {
        web with{
            {unknown,
             json_answer(2, testing::legacy_server, "200 OK", "Mcp-Session-Id: " + id + "\r\n"),
             accepted}};
        with.with({});
        CHECK(with.connected.has_value() == fits);
    }
}

TEST_CASE("an event id that is too long to be sent back is not") {
    web with{{unknown, old, accepted, stream("id: " + std::string(1025, 'x') + "\ndata:\n\n")}};
    CHECK(with.call() == "the server's stream ended before the answer");
    CHECK(with.requests.size() == 4);
}

TEST_CASE("a token that no header field can hold is refused at once") {
    mcp::http_transport_options options;
    options.token = secret{"a\r\nb"};
    CHECK_THROWS_WITH_AS(
        mcp::http_client_transport(*net::origin::parse("http://127.0.0.1:1"), std::move(options)),
        "the token of the MCP server holds a character that no token has", std::runtime_error);
}

TEST_CASE("a server at the root of its host is asked for /") {
    asio::io_context context{1};
    std::string request;
    testing::scripted_upstream upstream{context,
                                        [&](testing::upstream_side& side) -> asio::awaitable<void> {
                                            request = co_await side.request();
                                            co_await side.say(modern);
                                        }};
    mcp::client one{
        std::make_unique<mcp::http_client_transport>(*net::origin::parse(upstream.url("/")))};
    auto const all = [&]() -> asio::awaitable<void> {
        auto const connected = co_await one.connect();
        CHECK(connected.has_value());
    };
    testing::run_on(context, all());
    CHECK(request.starts_with("POST / HTTP/1.1\r\n"));
}
