#include "mcp_provider/net/websocket_handshake.hpp"
#include "mcp_provider/testing/run.hpp"
#include "net/frames.hpp"
#include "net/scripted_upstream.hpp"
#include "net/served.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::scripted_upstream;
using testing::upstream_side;

namespace {

/// Says one word and ends.
class greeting final : public http::takeover {
public:
    asio::awaitable<end_cause> run(std::shared_ptr<http::duplex> on) override {
        websocket socket{std::move(on), websocket::side::server};
        socket.send_text("welcome");
        while (auto const message = co_await socket.read()) socket.send_text(message->data);
        co_return end_cause::completed;
    }
};

std::string const ours = "mlp.test";

/// A server that takes WebSockets at /ws, with the subprotocol where the client has it.
class greeter {
public:
    greeter() {
        auto const accept = [](http::request const& asked) -> result<http::response> {
            auto const offer = websocket_offer::of(asked);
            if (!offer) return offer.error();
            return offer->accept(std::make_unique<greeting>(),
                                 offer->has_protocol(ours) ? ours : std::string{});
        };
        routes_.add(http::method::get, "/ws", pipeline(noting{&endings_}).handle(accept));
        routes_.add(http::method::post, "/ws", pipeline(noting{&endings_}).handle(accept));
        routes_.malformed(pipeline(noting{&endings_})
                              .handle([](http::request const& asked) -> result<http::response> {
                                  return *asked.malformation();
                              }));
        served_.emplace(routes_);
    }
    [[nodiscard]] std::string answer_to(std::string const& request) const {
        raw_client client{served_->where()};
        client.send(request);
        return client.read_until("\r\n\r\n");
    }
    [[nodiscard]] std::string url(std::string_view path = "") const {
        return "ws://127.0.0.1:" + std::to_string(served_->where().port()) + std::string{path};
    }

private:
    endings endings_;
    router routes_;
    std::optional<served> served_;
};

using field_list = std::vector<std::pair<std::string, std::string>>;

field_list good_fields() {
    return {{"Host", "x"},
            {"Upgrade", "websocket"},
            {"Connection", "Upgrade"},
            {"Sec-WebSocket-Version", "13"},
            {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
}
std::string head(field_list const& fields, std::string const& line = "GET /ws HTTP/1.1") {
    std::string out = line + "\r\n";
    for (auto const& [name, value] : fields) out += name + ": " + value + "\r\n";
    return out + "\r\n";
}
field_list with(std::string const& name, std::string const& value) {
    field_list fields = good_fields();
    for (auto& [known, its] : fields)
        if (known == name) its = value;
    return fields;
}
field_list and_also(std::string const& name, std::string const& value) {
    field_list fields = good_fields();
    fields.emplace_back(name, value);
    return fields;
}

/// What a client gets that opens a WebSocket and reads the first message.
struct got {
    std::optional<rejection> why;
    std::string first;
    std::string second;
    websocket_end end;
};

asio::awaitable<void> open_and_read(std::string url, got& out, std::string_view protocol = {},
                                    std::chrono::milliseconds patience = 2s) {
    auto const target = websocket_target::parse(url);
    secret const fields{"Authorization: Bearer sesame\r\n"};
    auto line = co_await open_websocket(*target, nullptr, "/ws", fields, protocol,
                                        std::chrono::steady_clock::now() + patience);
    if (!line) {
        out.why = line.error();
        co_return;
    }
    websocket socket{*line, websocket::side::client};
    if (auto const message = co_await socket.read()) out.first = message->data;
    socket.send_text("\xe2\x82\xac and more");
    if (auto const message = co_await socket.read()) out.second = message->data;
    socket.close(close_code::normal, "done");
    while (co_await socket.read()) {
    }
    out.end = socket.end();
}

/// Opens a WebSocket to a server that gives this answer, with the accept put in for `@`.
got open_to(std::string answer, std::string_view protocol = {}, bool slowly = false) {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        std::string const asked = co_await side.request();
        auto const at = asked.find("Sec-WebSocket-Key: ");
        std::string said = answer;
        if (auto const hole = said.find('@'); hole != std::string::npos)
            said.replace(hole, 1, net::detail::accept_of(asked.substr(at + 19, 24)));
        if (slowly)
            co_await side.say_slowly(said);
        else
            co_await side.say(said);
        co_await side.client_leaves();
    };
    scripted_upstream upstream{context, play};
    got out;
    testing::run_on(context, open_and_read("ws" + upstream.url().substr(4), out, protocol, 300ms));
    return out;
}

std::string const good_answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n";

} // namespace

TEST_CASE(
    "a request for no WebSocket, or for another version, gets 426 and is told what is spoken") {
    greeter const server;
    for (auto const& request :
         {head({{"Host", "x"}}), head(with("Upgrade", "h2c")), head(with("Connection", "close")),
          head(with("Sec-WebSocket-Version", "8")), head(with("Sec-WebSocket-Version", "")),
          head(and_also("Sec-WebSocket-Version", "13"))}) {
        CAPTURE(request);
        auto const answer = server.answer_to(request);
        CHECK(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
        CHECK(answer.find("Upgrade: websocket\r\n") != std::string::npos);
        CHECK(answer.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos);
    }
}

TEST_CASE("an upgrade with a wrong key, of HTTP/1.0, by POST or with a body is refused") {
    greeter const server;
    for (auto const& request :
         {head(with("Sec-WebSocket-Key", "")), head(with("Sec-WebSocket-Key", "c2hvcnQ=")),
          head(with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR==")), // bits left over
          head(with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=")),
          head(with("Sec-WebSocket-Key", "dGhl!HNhbXBsZSBub25jZQ==")),
          head(and_also("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")),
          head(good_fields(), "GET /ws HTTP/1.0"), head(good_fields(), "POST /ws HTTP/1.1"),
          head(and_also("Content-Length", "3")) + "abc"}) {
        CAPTURE(request);
        CHECK(server.answer_to(request).starts_with("HTTP/1.1 400 "));
    }
}

TEST_CASE(
    "fields are found in any case, in lists and in several lines; extensions are not agreed to") {
    greeter const server;
    field_list const fields{{"host", "x"},
                            {"upgrade", "WebSocket"},
                            {"connection", "keep-alive, UPGRADE"},
                            {"sec-websocket-version", "13"},
                            {"sec-websocket-protocol", "other"},
                            {"sec-websocket-protocol", "another, " + ours},
                            {"sec-websocket-extensions", "permessage-deflate"},
                            {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="}};

    auto const answer = server.answer_to(head(fields));

    CHECK(answer.starts_with("HTTP/1.1 101 "));
    CHECK(answer.find("Sec-WebSocket-Protocol: " + ours + "\r\n") != std::string::npos);
    CHECK(answer.find("Extensions") == std::string::npos);
    CHECK(server.answer_to(head(and_also("Sec-WebSocket-Protocol", "MLP.TEST")))
              .find("Sec-WebSocket-Protocol") == std::string::npos);
}

TEST_CASE("a client opens a WebSocket, reads, writes and says goodbye") {
    greeter const server;
    got out;

    testing::run(open_and_read(server.url(), out, ours));

    CHECK_FALSE(out.why);
    CHECK(out.first == "welcome");
    CHECK(out.second == "\xe2\x82\xac and more");
    CHECK(out.end.code == close_code::normal);
    CHECK_FALSE(out.end.by_peer);
}

TEST_CASE("a client tells refusals apart") {
    for (auto const& [status, code] :
         {std::pair{"401 Unauthorized"s, rejection_code::unauthenticated},
          std::pair{"403 Forbidden"s, rejection_code::forbidden},
          std::pair{"404 Not Found"s, rejection_code::not_found},
          std::pair{"426 Upgrade Required"s, rejection_code::upgrade_required},
          std::pair{"503 Service Unavailable"s, rejection_code::overloaded},
          std::pair{"200 OK"s, rejection_code::upstream_failed},
          std::pair{"302 Found"s, rejection_code::upstream_failed}}) {
        auto const out = open_to("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n");
        CAPTURE(status);
        REQUIRE(out.why);
        CHECK(out.why->code() == code);
        CHECK(out.why->message().find(status) != std::string::npos);
        CHECK(out.why->message().find("sesame") == std::string::npos);
    }
}

TEST_CASE("a client refuses what is no proper answer to its own key") {
    std::string const no_accept = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (auto const& answer :
         {no_accept + "\r\n",
          no_accept + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: @\r\n\r\n"s,
          "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: @\r\n\r\n"s,
          no_accept + "Sec-WebSocket-Accept: @\r\nSec-WebSocket-Extensions: x\r\n\r\n",
          no_accept + "Sec-WebSocket-Accept: @\r\nSec-WebSocket-Protocol: x\r\n\r\n",
          "nonsense\r\n\r\n"s}) {
        CAPTURE(answer);
        auto const out = open_to(answer);
        REQUIRE(out.why);
        CHECK(out.why->code() == rejection_code::upstream_failed);
    }
    REQUIRE(open_to(good_answer, ours).why); // the protocol was not agreed to
}

TEST_CASE("a client understands an answer that comes byte by byte, or with the first frames") {
    std::string const frames = frame("one", {.masked = false}) + frame("two", {.masked = false});
    for (bool const slowly : {false, true}) {
        auto const out = open_to(good_answer + frames, {}, slowly);
        CHECK_FALSE(out.why);
        CHECK(out.first == "one");
        CHECK(out.second == "two");
    }
}

TEST_CASE("a client refuses masked frames of a server") {
    auto const out = open_to(good_answer + frame("masked"));

    CHECK(out.first.empty());
    CHECK(out.end.code == close_code::protocol_error);
    CHECK_FALSE(out.end.by_peer);
}

TEST_CASE("a server that does not answer, and one that is not there, are told in time") {
    auto const silent = open_to("HTTP/1.1 101 ");
    REQUIRE(silent.why);
    CHECK(silent.why->code() == rejection_code::timed_out);

    asio::io_context context;
    tcp::acceptor gone{context, {asio::ip::address_v4::loopback(), 0}};
    auto const port = gone.local_endpoint().port();
    gone.close();
    got out;
    testing::run(open_and_read("ws://127.0.0.1:" + std::to_string(port), out));
    REQUIRE(out.why);
    CHECK(out.why->code() == rejection_code::upstream_failed);
}

TEST_CASE("a target is ws or wss, and its path goes before ours") {
    CHECK(websocket_target::parse("ws://127.0.0.1:8787")->to().port() == 8787);
    CHECK_FALSE(websocket_target::parse("ws://127.0.0.1:8787")->to().is_secure());
    CHECK(websocket_target::parse("wss://bridge.example/deep/")->to().is_secure());
    CHECK(websocket_target::parse("wss://bridge.example/deep/")->to().path() == "/deep");
    for (char const* const wrong : {"http://x", "ws:x", "w", "", "ws://u:p@x", "wsss://x"})
        CHECK_FALSE(websocket_target::parse(wrong));
}
