#include "mcp_provider/net/websocket.hpp"
#include "mcp_provider/net/websocket_handshake.hpp"
#include "net/frames.hpp"
#include "net/served.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

/// Gives back every message, and does what some of them ask for.
class echoing final : public http::takeover {
public:
    explicit echoing(websocket_limits const& limits) : limits_{limits} {}

    asio::awaitable<end_cause> run(std::shared_ptr<http::duplex> on) override {
        websocket socket{std::move(on), websocket::side::server, limits_};
        socket_ = &socket;
        while (auto const message = co_await socket.read()) {
            if (message->data == "close") socket.close(close_code::going_away, "as you wish");
            if (message->data == "throw") throw std::runtime_error{"as you wish"};
            if (message->data == "flood") {
                std::string const much(64 * 1024, 'f');
                for (int i = 0; i < 200; ++i) socket.send_text(much);
                bool const went = co_await socket.drained();
                if (!went) break;
                continue;
            }
            if (message->is_text)
                socket.send_text(message->data);
            else
                socket.send_binary(message->data);
        }
        socket_ = nullptr;
        co_return socket.end().by_peer ? end_cause::completed : end_cause::client_gone;
    }
    void drain() noexcept override {
        if (socket_ != nullptr) socket_->close(close_code::going_away, "the server stops");
    }

private:
    websocket_limits limits_;
    websocket* socket_ = nullptr;
};

/// A server with an echo at /echo, and what became of its exchanges.
class echo_server {
public:
    explicit echo_server(websocket_limits const& limits = {}) {
        routes_.add(http::method::get, "/echo",
                    pipeline(noting{&endings_})
                        .handle([limits](http::request const& asked) -> result<http::response> {
                            auto const offer = websocket_offer::of(asked);
                            if (!offer) return offer.error();
                            return offer->accept(std::make_unique<echoing>(limits));
                        }));
        served_.emplace(routes_);
    }
    [[nodiscard]] tcp::endpoint where() const { return served_->where(); }
    [[nodiscard]] std::vector<endings::ending> ends(std::size_t count = 1) const {
        return endings_.wait_for(count);
    }
    void stop(std::chrono::milliseconds patience) { served_->stop(patience); }

private:
    endings endings_;
    router routes_;
    std::optional<served> served_;
};

std::string const upgrade = "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                            "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client that has got its 101.
class opened {
public:
    explicit opened(tcp::endpoint const& where) : raw{where} {
        raw.send(upgrade);
        head = raw.read_until("\r\n\r\n");
    }
    std::string ask(std::string_view bytes, std::size_t answer_bytes) {
        raw.send(bytes);
        return raw.read_bytes(answer_bytes);
    }
    raw_client raw;
    std::string head;
};

std::string from_server(std::string_view text, unsigned opcode = 1) {
    return frame(text, {.opcode = opcode, .masked = false});
}

} // namespace

TEST_CASE(
    "an upgrade is answered with the accept of RFC 6455 section 1.3, and messages come back") {
    echo_server const server;
    opened client{server.where()};

    CHECK(client.head.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK(client.head.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") !=
          std::string::npos);
    CHECK(client.head.find("Upgrade: websocket\r\n") != std::string::npos);
    CHECK(client.head.find("Connection: Upgrade\r\n") != std::string::npos);
    for (std::string const& bad : {"Content-Length"s, "Transfer-Encoding"s, "keep-alive"s})
        CHECK(client.head.find(bad) == std::string::npos);
    CHECK(client.ask(frame("hello"), 7) == from_server("hello"));
    CHECK(client.ask(frame("\x01\xff", {.opcode = 2}), 4) == from_server("\x01\xff", 2));
    std::string const big(70'000, 'b');
    CHECK(client.ask(frame(big), big.size() + 10) == from_server(big));
}

TEST_CASE("frames that come in one packet with the upgrade are not lost") {
    echo_server const server;
    raw_client client{server.where()};

    client.send(upgrade + frame("early") + frame("bird"));
    auto const got = client.read_until(from_server("bird"));

    CHECK(got.ends_with("\r\n\r\n" + from_server("early") + from_server("bird")));
}

TEST_CASE("the exchange of a WebSocket is over when it is, and counts its bytes both ways") {
    echo_server const server;
    opened client{server.where()};

    (void)client.ask(frame("hello"), 7);
    auto const goodbye = client.ask(close_frame(1000, "done"), 4);
    auto const after = client.raw.read_to_end();

    CHECK(goodbye == close_frame(1000, {}, false));
    CHECK(after.empty());
    CHECK(client.raw.is_closed());
    auto const ends = server.ends();
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].status == 101);
    CHECK(ends[0].cause == end_cause::completed);
    CHECK(ends[0].request_bytes ==
          upgrade.size() + frame("hello").size() + close_frame(1000, "done").size());
    CHECK(ends[0].response_bytes == client.head.size() + 7 + 4);
}

TEST_CASE("a client that leaves without a Close ends the exchange, too") {
    echo_server const server;
    {
        opened client{server.where()};
        (void)client.ask(frame("hello"), 7);
    }

    auto const ends = server.ends();
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].cause == end_cause::client_gone);
}

TEST_CASE("a ping is answered with its own content, between the fragments of a message, too") {
    echo_server const server;
    opened client{server.where()};

    CHECK(client.ask(frame("are you there", {.opcode = 9}), 15) ==
          from_server("are you there", 10));
    CHECK(client.ask(frame("Hel", {.opcode = 1, .fin = false}) + frame("", {.opcode = 9}) +
                         frame("lo", {.opcode = 0}),
                     9) == from_server("", 10) + from_server("Hello"));
    CHECK(client.ask(frame("unasked", {.opcode = 10}) + frame("x"), 3) == from_server("x"));
}

TEST_CASE("a fault is told with its code, and ends the conversation at once") {
    struct {
        std::string bytes;
        std::uint16_t code;
    } const faults[] = {
        {frame("a", {.masked = false}), 1002},
        {frame("a", {.reserved = 0x40}), 1002},
        {frame("a", {.opcode = 3}), 1002},
        {frame("\xff"), 1007},
        {frame(std::string(4097, 'a')), 1009},
        {frame("\x03", {.opcode = 8}), 1002},
        {close_frame(999), 1002},
        {close_frame(1004), 1002},
        {close_frame(1005), 1002},
        {close_frame(1006), 1002},
        {close_frame(1015), 1002},
        {close_frame(2999), 1002},
        {close_frame(5000), 1002},
        {close_frame(1000, "\xff"), 1007},
    };
    for (auto const& one : faults) {
        CAPTURE(one.bytes);
        websocket_limits limits;
        limits.max_message_bytes = 4096;
        echo_server const server{limits};
        opened client{server.where()};
        client.raw.send(one.bytes + frame("never answered"));
        auto const got = client.raw.read_to_end();

        REQUIRE(got.size() >= 4);
        CHECK(static_cast<unsigned char>(got[0]) == 0x88);
        CHECK(((static_cast<unsigned char>(got[2]) << 8) | static_cast<unsigned char>(got[3])) ==
              one.code);
        CHECK(got.size() == 2U + static_cast<unsigned char>(got[1]));
        client.raw.close();
        CHECK(server.ends().at(0).cause == end_cause::client_gone);
    }
}

TEST_CASE(
    "codes that a peer may send are answered with the same code, and an empty Close with none") {
    for (unsigned const code : {1000U, 1001U, 1003U, 1007U, 1011U, 1014U, 3000U, 4999U}) {
        echo_server const server;
        opened client{server.where()};
        CHECK(client.ask(close_frame(code, "why"), 4) == close_frame(code, {}, false));
    }
    echo_server const server;
    opened client{server.where()};
    CHECK(client.ask(frame("", {.opcode = 8}), 2) == from_server("", 8));
}

TEST_CASE("after our Close nothing is answered, and the client's Close ends it") {
    echo_server const server;
    opened client{server.where()};

    auto const goodbye = client.ask(frame("close"), 15);
    CHECK(goodbye == close_frame(1001, "as you wish", false));
    client.raw.send(frame("too late") + close_frame(1001));
    CHECK(client.raw.read_to_end().empty());
    CHECK(client.raw.is_closed());
}

TEST_CASE("a client that never answers our Close is left after a while") {
    websocket_limits limits;
    limits.close_time = 100ms;
    echo_server const server{limits};
    opened client{server.where()};

    (void)client.ask(frame("close"), 15);
    auto const began = std::chrono::steady_clock::now();
    (void)client.raw.read_to_end();

    CHECK(client.raw.is_closed());
    CHECK(std::chrono::steady_clock::now() - began < 1500ms);
}

TEST_CASE("a silent peer is pinged, and left if it does not answer; one that answers stays") {
    websocket_limits limits;
    limits.ping_after = 100ms;
    limits.pong_within = 100ms;
    echo_server const server{limits};
    opened silent{server.where()};
    opened lively{server.where()};

    for (int i = 0; i < 5; ++i) {
        CHECK(lively.raw.read_until(from_server("", 9)) == from_server("", 9));
        lively.raw.send(frame("", {.opcode = 10}));
    }
    CHECK(silent.raw.read_to_end() == from_server("", 9));

    CHECK(silent.raw.is_closed());
    CHECK_FALSE(lively.raw.is_closed());
    CHECK(lively.ask(frame("still here"), 12).find("still here") != std::string::npos);
}

TEST_CASE("a peer that takes nothing any more is left, and what waited for it is dropped") {
    websocket_limits limits;
    limits.write_time = 100ms;
    echo_server const server{limits};
    opened client{server.where()};

    client.raw.send(frame("flood"));

    auto const ends = server.ends();
    REQUIRE(ends.size() == 1);
    CHECK(ends[0].cause == end_cause::client_gone);
}

TEST_CASE("a peer that reads slowly gets everything, in order") {
    echo_server const server;
    opened client{server.where()};

    client.raw.send(frame("flood"));
    std::size_t const all = 200 * (64 * 1024 + 10);
    std::size_t got = 0;
    while (got < all) {
        auto const more = client.raw.read_bytes(1).size();
        if (more == 0) break;
        got += more;
    }

    CHECK(got == all);
    CHECK(client.ask(frame("next"), 6) == from_server("next"));
}

TEST_CASE("a handler that throws ends the conversation, and no other") {
    echo_server const server;
    opened other{server.where()};
    opened client{server.where()};

    client.raw.send(frame("throw"));
    (void)client.raw.read_to_end();

    CHECK(client.raw.is_closed());
    CHECK(server.ends().at(0).cause == end_cause::failed);
    CHECK(other.ask(frame("hello"), 7) == from_server("hello"));
}

TEST_CASE("a server that drains says goodbye to its WebSockets, and ends in time") {
    auto server = std::make_unique<echo_server>();
    opened client{server->where()};
    std::atomic<bool> done = false;

    std::thread reader{[&] {
        auto const got = client.raw.read_until(close_frame(1001, "the server stops", false));
        client.raw.send(close_frame(1001));
        done = got == close_frame(1001, "the server stops", false);
    }};
    auto const began = std::chrono::steady_clock::now();
    server->stop(5s);
    reader.join();

    CHECK(done);
    CHECK(std::chrono::steady_clock::now() - began < 2s);
    CHECK(server->ends().at(0).status == 101);
}

TEST_CASE("a server that must stop cuts a WebSocket whose client does not answer") {
    websocket_limits limits;
    limits.close_time = 60s;
    auto server = std::make_unique<echo_server>(limits);
    opened const client{server->where()};

    auto const began = std::chrono::steady_clock::now();
    server->stop(200ms);

    CHECK(std::chrono::steady_clock::now() - began < 2s);
    CHECK(server->ends().at(0).cause == end_cause::drained);
}
