// Adapter and bridge of the built program, run apart: what users see when one of them is killed, silent or stopped.
#include "mcp_provider/net/websocket.hpp"
#include "server/program.hpp"
#include "server/watcher.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

constexpr char const* bridge_token = "mlpb_3v9Yq2Zt7Kx1Lr8Wd4Nf6Bh0Pc5Sg2Mj";

environment settings_of(scratch const& folder, std::uint16_t bridge_port, bool own_token = true) {
    environment with{
        {"STATE_DIR", folder.path().string()}, {"LOCAL_USERS", "self"},
        {"ENABLE_RATE_LIMITING", "false"},     {"MAX_REQUESTS_PER_SESSION", "1000000"},
        {"MAX_CONCURRENT_REQUESTS", "1000"},   {"BRIDGE_PORT", std::to_string(bridge_port)}};
    if (bridge_port != 0) with["MCP_BRIDGE_URL"] = "ws://127.0.0.1:" + std::to_string(bridge_port);
    if (own_token) with["MCP_BRIDGE_TOKEN"] = bridge_token;
    return with;
}

std::string get(std::uint16_t port, std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nConnection: close\r\n\r\n";
}
std::string chat(std::uint16_t port, std::string_view text, bool stream) {
    std::string const body =
        R"({"model":"echo","stream":)" + std::string{stream ? "true" : "false"} +
        R"(,"messages":[{"role":"user","content":")" + std::string{text} + R"("}]})";
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

template <class Question>
bool comes_true(Question is_so, std::chrono::milliseconds patience = 5s) {
    auto const until = std::chrono::steady_clock::now() + patience;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > until) return false;
        ::poll(nullptr, 0, 20);
    }
    return true;
}
bool answers(std::uint16_t port) {
    return status_of(exchange_bytes(port, chat(port, "hi", false), 5s)) == 200;
}

/// A whole answer, or an error that says what happened.
bool is_clear(std::string const& got) {
    int const status = status_of(got);
    if (status == 502 || status == 503) return got.find("bridge") != std::string::npos;
    if (status != 200) return false;
    return got.find("[DONE]") != std::string::npos ||
           got.find("\"finish_reason\":\"stop\"") != std::string::npos ||
           got.find("\"code\":\"bridge_lost\"") != std::string::npos;
}

/// A TCP peer that opens a link as a bridge does, and says nothing more.
class silent_bridge {
public:
    silent_bridge() : listening_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof where;
        REQUIRE(::bind(listening_, reinterpret_cast<sockaddr*>(&where), size) == 0);
        REQUIRE(::listen(listening_, 8) == 0);
        ::getsockname(listening_, reinterpret_cast<sockaddr*>(&where), &size);
        port = ntohs(where.sin_port);
        thread_ = std::thread{[this] { serve(); }};
    }
    ~silent_bridge() {
        ::shutdown(listening_, SHUT_RDWR);
        thread_.join();
        for (int const one : held_) ::close(one);
        ::close(listening_);
    }
    std::uint16_t port = 0;

private:
    void serve() {
        for (;;) {
            int const one = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
            if (one < 0) return;
            held_.push_back(one);
            if (held_.size() > 1) continue; // only the first link is opened
            std::string head;
            char bytes[4096];
            while (head.find("\r\n\r\n") == std::string::npos) {
                ssize_t const got = ::read(one, bytes, sizeof bytes);
                if (got <= 0) return;
                head.append(bytes, static_cast<std::size_t>(got));
            }
            std::string const key = head.substr(head.find("Sec-WebSocket-Key: ") + 19, 24);
            std::string const lines = "{\"hello\":1,\"program\":\"x\"}\n{\"models\":[{\"name\":"
                                      "\"echo:latest\",\"can\":1}]}\n";
            std::string const answer =
                "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Protocol: mcp-local-provider.link\r\nSec-WebSocket-Accept: " +
                mcp_provider::net::detail::accept_of(key) + "\r\n\r\n\x81" +
                static_cast<char>(lines.size()) + lines;
            if (::write(one, answer.data(), answer.size()) < 0) return;
        }
    }

    int listening_;
    std::vector<int> held_;
    std::thread thread_;
};

} // namespace

TEST_CASE("adapter and bridge apart answer as one, with the same models") {
    scratch const folder;
    running_server const bridge{settings_of(folder, 0), "bridge"};
    running_server const adapter{settings_of(folder, bridge.bridge_port()), "adapter"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }));

    auto const models = exchange_bytes(adapter.port(), get(adapter.port(), "/api/tags"));
    auto const whole =
        exchange_bytes(adapter.port(), chat(adapter.port(), "Repeat exactly: it works", false), 5s);
    auto const stream =
        exchange_bytes(adapter.port(), chat(adapter.port(), "Count from 1 to 50", true), 5s);
    auto const failed = exchange_bytes(adapter.port(), chat(adapter.port(), "Fail now", false), 5s);
    auto const health = exchange_bytes(adapter.port(), get(adapter.port(), "/health"), 5s);

    CHECK(models.find("\"echo:latest\"") != std::string::npos);
    CHECK(whole.find("\"content\":\"it works\"") != std::string::npos);
    CHECK(stream.find("\"content\":\" 50\"") != std::string::npos);
    CHECK(stream.find("[DONE]") != std::string::npos);
    CHECK(status_of(failed) == 502);
    CHECK(failed.find("as it was asked to") != std::string::npos);
    CHECK(health.find("\"bridge\"") != std::string::npos);
}

TEST_CASE("the bridge is killed again and again under load: every client gets an answer or a clear "
          "error, "
          "none hangs, and the adapter finds the new bridge") {
    scratch const folder;
    auto bridge = std::make_unique<running_server>(settings_of(folder, 0), "bridge");
    std::uint16_t const bridge_port = bridge->bridge_port();
    running_server const adapter{settings_of(folder, bridge_port), "adapter"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }));

    std::atomic<bool> over = false;
    std::atomic<int> good = 0;
    std::atomic<int> clear = 0;
    std::atomic<int> unclear = 0;
    std::atomic<int> slow = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 6; ++i)
        clients.emplace_back([&, i] {
            while (!over) {
                auto const began = std::chrono::steady_clock::now();
                auto const got = exchange_bytes(
                    adapter.port(),
                    chat(adapter.port(), i % 2 == 0 ? "Count from 1 to 60" : "hi", i % 3 != 0),
                    20s);
                if (std::chrono::steady_clock::now() - began > 5s) ++slow;
                bool const done = got.find("bridge") == std::string::npos && is_clear(got);
                ++(done ? good : is_clear(got) ? clear : unclear);
                if (!done) ::poll(nullptr, 0, 20);
            }
        });
    for (int round = 0; round < 5; ++round) {
        ::poll(nullptr, 0, 400);
        bridge->signal(SIGKILL);
        bridge->wait();
        ::poll(nullptr, 0, 100);
        bridge = std::make_unique<running_server>(settings_of(folder, bridge_port), "bridge");
        CHECK(comes_true([&] { return answers(adapter.port()); }, 8s));
    }
    over = true;
    for (std::thread& one : clients) one.join();

    CHECK(unclear == 0);
    CHECK(slow == 0);
    CHECK(good > 20);
    CHECK(clear > 0);
    CHECK(answers(adapter.port()));
}

TEST_CASE("a bridge that stops lets its answers end, and so does an adapter") {
    scratch const folder;
    running_server bridge{settings_of(folder, 0), "bridge"};
    running_server adapter{settings_of(folder, bridge.bridge_port()), "adapter"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }));
    auto const counted = [&](running_server& stopped) {
        std::string got;
        std::thread client{[&] {
            got = exchange_bytes(adapter.port(), chat(adapter.port(), "Count from 1 to 150", true),
                                 5s);
        }};
        ::poll(nullptr, 0, 300);
        stopped.signal(SIGTERM);
        client.join();
        return got;
    };

    auto const while_bridge_stops = counted(bridge);
    CHECK(while_bridge_stops.find("\"content\":\" 150\"") != std::string::npos);
    CHECK(while_bridge_stops.find("[DONE]") != std::string::npos);
    CHECK(bridge.wait() == 0);

    running_server const again{settings_of(folder, bridge.bridge_port()), "bridge"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }, 8s));
    auto const while_adapter_stops = counted(adapter);
    CHECK(while_adapter_stops.find("[DONE]") != std::string::npos);
    CHECK(adapter.wait() == 0);
}

TEST_CASE("with another token than the bridge's an adapter is up but unhealthy, refuses with 503, "
          "and the "
          "bridge keeps a record of it") {
    scratch const folder;
    scratch const other;
    running_server const bridge{settings_of(folder, 0), "bridge"};
    auto settings = settings_of(other, bridge.bridge_port());
    settings["MCP_BRIDGE_TOKEN"] = "mlpb_Qm4Tn8Vb2Xz6Cl0Kj5Hg9Fd3Sa7Wp1Ry";
    running_server const adapter{settings, "adapter"};
    ::poll(nullptr, 0, 1500);

    auto const refused = exchange_bytes(adapter.port(), chat(adapter.port(), "hi", false), 5s);
    auto const health = exchange_bytes(adapter.port(), get(adapter.port(), "/health"), 5s);
    bool recorded = false;
    for (auto const& line : lines_of(folder.path() / "bridge-audit.jsonl"))
        recorded = recorded || (line.find("invalid_token") != std::string::npos &&
                                line.find("/link") != std::string::npos);

    CHECK(status_of(refused) == 503);
    CHECK(status_of(health) == 503);
    CHECK(recorded);
}

TEST_CASE(
    "a bridge that falls silent is noticed: its requests fail clearly, and the adapter lives on") {
    scratch const folder;
    silent_bridge const bridge;
    running_server adapter{settings_of(folder, bridge.port), "adapter"};
    REQUIRE(comes_true([&] {
        return exchange_bytes(adapter.port(), get(adapter.port(), "/api/tags"))
                   .find("echo:latest") != std::string::npos;
    }));

    auto const began = std::chrono::steady_clock::now();
    auto const got = exchange_bytes(adapter.port(), chat(adapter.port(), "hi", false), 20s);

    CHECK(status_of(got) == 502);
    CHECK(got.find("bridge_lost") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - began < 14s);
    CHECK(status_of(exchange_bytes(adapter.port(), get(adapter.port(), "/health/live"))) == 200);
    adapter.signal(SIGTERM);
    CHECK(adapter.wait() == 0);
}

TEST_CASE("who watches at the bridge sees the requests of an adapter that runs apart") {
    scratch const folder;
    running_server const bridge{settings_of(folder, 0), "bridge"};
    running_server const adapter{settings_of(folder, bridge.bridge_port()), "adapter"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }));
    watcher events{bridge.bridge_port(), "/events?topics=request"};
    ::poll(nullptr, 0, 2500); // the adapter learns of it within a second

    CHECK(answers(adapter.port()));
    auto const ended = events.next("request.ended", 5s);

    REQUIRE(ended);
    CHECK(ended->at("status") == 200);
}

TEST_CASE("`token rotate bridge` replaces the token while both run, and no request fails") {
    scratch const folder;
    environment const state{{"STATE_DIR", folder.path().string()}};
    REQUIRE(run_program({"token", "rotate", "bridge"}, state).exit_code == 0);
    running_server const bridge{settings_of(folder, 0, false), "bridge"};
    running_server const adapter{settings_of(folder, bridge.bridge_port(), false), "adapter"};
    REQUIRE(comes_true([&] { return answers(adapter.port()); }));

    std::atomic<bool> over = false;
    std::atomic<int> good = 0;
    std::atomic<int> bad = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i)
        clients.emplace_back([&] {
            while (!over) {
                auto const got = exchange_bytes(
                    adapter.port(), chat(adapter.port(), "Count from 1 to 40", true), 5s);
                ++(got.find("[DONE]") != std::string::npos ? good : bad);
            }
        });
    auto const rotated = run_program({"token", "rotate", "bridge"}, state);
    ::poll(nullptr, 0, 3000);
    over = true;
    for (std::thread& one : clients) one.join();

    CHECK(rotated.exit_code == 0);
    CHECK(bad == 0);
    CHECK(good > 8);
    auto const metrics =
        exchange_bytes(bridge.bridge_port(), get(bridge.bridge_port(), "/metrics"), 5s);
    CHECK(metrics.find("/link") != std::string::npos); // the link with the old token has ended
}
