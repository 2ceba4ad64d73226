#include "mcp_provider/net/connection.hpp"
#include "mcp_provider/policy/deadline.hpp"
#include "net/served.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;

namespace {

std::string get(std::string_view path) {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: a\r\n\r\n";
}

/// Gives `pieces` pieces of `size` bytes, counting those that were asked for.
class counted_stream final : public http::body_stream {
public:
    counted_stream(std::atomic<std::size_t>& pulled, std::size_t size, std::size_t pieces)
        : pulled_{pulled}, size_{size}, left_{pieces} {}
    asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        out.append(size_, 'x');
        pulled_ += size_;
        co_return --left_ == 0 ? http::stream_step::end : http::stream_step::more;
    }

private:
    std::atomic<std::size_t>& pulled_;
    std::size_t size_;
    std::size_t left_;
};

/// Says `first`, then nothing until it is cancelled.
class silent_stream final : public http::body_stream {
public:
    explicit silent_stream(std::string first) : first_{std::move(first)} {}
    asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        if (!first_.empty()) {
            out += std::exchange(first_, {});
            co_return http::stream_step::more;
        }
        asio::steady_timer timer{co_await asio::this_coro::executor, 1h};
        co_await timer.async_wait(asio::use_awaitable);
        co_return http::stream_step::end;
    }
    void heartbeat(std::string& out) override { out += "<beat>"; }
    void fail(rejection const& why, std::string& out) override {
        out += "<broken: " + why.message() + ">";
    }

private:
    std::string first_;
};

class refusing_stream final : public http::body_stream {
public:
    explicit refusing_stream(std::string first) : first_{std::move(first)} {}
    asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        if (first_.empty()) co_return rejection{rejection_code::upstream_failed, "no answer"};
        out += std::exchange(first_, {});
        co_return http::stream_step::more;
    }
    void fail(rejection const& why, std::string& out) override {
        out += "<broken: " + why.message() + ">";
    }

private:
    std::string first_;
};

constexpr std::size_t piece_bytes = 16 * 1024;

} // namespace

TEST_CASE("a stream arrives in chunks, and the connection can be used again") {
    std::atomic<std::size_t> pulled = 0;
    router routes;
    routes.add(http::method::get, "/stream", pipeline().handle([&pulled] {
        return http::response{200, "text/plain", std::make_unique<counted_stream>(pulled, 3, 2)};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/stream") + get("/stream"));
    std::string got;
    while (count(got, "\r\n0\r\n\r\n") < 2) {
        auto const more = client.read_until("\r\n0\r\n\r\n");
        REQUIRE_FALSE(more.empty());
        got += more;
    }

    CHECK(count(got, "Transfer-Encoding: chunked\r\n") == 2);
    CHECK(count(got, "\r\n\r\n3\r\nxxx\r\n3\r\nxxx\r\n0\r\n\r\n") == 2);
}

TEST_CASE("an HTTP/1.0 client gets a stream as it is, ended by the connection") {
    std::atomic<std::size_t> pulled = 0;
    router routes;
    routes.add(http::method::get, "/stream", pipeline().handle([&pulled] {
        return http::response{200, "text/plain", std::make_unique<counted_stream>(pulled, 3, 2)};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send("GET /stream HTTP/1.0\r\n\r\n");
    auto const got = client.read_to_end();

    CHECK(got.ends_with("\r\n\r\nxxxxxx"));
    CHECK(client.is_closed());
}

TEST_CASE(
    "a client that does not read makes the server pull at most 1 MiB beyond the sockets' buffers") {
    std::atomic<std::size_t> pulled = 0;
    router routes;
    routes.add(http::method::get, "/stream", pipeline().handle([&pulled] {
        return http::response{200, "text/plain",
                              std::make_unique<counted_stream>(pulled, piece_bytes, 100'000)};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/stream"));
    // What the kernel takes grows for a while; the server is stalled when it has pulled nothing for 300 ms.
    std::size_t before = 0;
    for (int quiet = 0; quiet < 6;) {
        ::poll(nullptr, 0, 50);
        quiet = pulled == before ? quiet + 1 : 0;
        before = pulled;
    }
    std::size_t const stalled_at = pulled;
    std::size_t in_the_kernel = 0;
    std::string scrap(1 << 20, 0);
    for (;;) {
        pollfd one{client.socket().native_handle(), POLLIN, 0};
        std::size_t const pulled_by_now = pulled;
        if (pulled_by_now != stalled_at || ::poll(&one, 1, 100) <= 0) break;
        in_the_kernel += client.socket().read_some(asio::buffer(scrap));
    }

    CHECK(stalled_at < in_the_kernel + (std::size_t{8} << 20));
    CHECK(stalled_at < std::size_t{100'000} * piece_bytes / 10);
}

TEST_CASE("a stream that refuses before its first byte becomes a whole response") {
    router routes;
    routes.add(http::method::get, "/stream", pipeline().handle([] {
        return http::response{200, "text/plain", std::make_unique<refusing_stream>("")};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/stream"));

    auto const got = client.read_until("no answer");
    CHECK(got.starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
    CHECK(count(got, "HTTP/1.1") == 1);
}

TEST_CASE("a stream that breaks off says so and ends its framing, and the connection goes on") {
    endings notes;
    router routes;
    routes.add(http::method::get, "/stream", pipeline(noting{&notes}).handle([] {
        return http::response{200, "text/plain", std::make_unique<refusing_stream>("some")};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/stream"));
    auto const got = client.read_until("\r\n0\r\n\r\n");
    client.send(get("/stream"));
    auto const again = client.read_until("\r\n0\r\n\r\n");

    CHECK(got.find("4\r\nsome\r\n") != std::string::npos);
    CHECK(got.ends_with("<broken: no answer>\r\n0\r\n\r\n"));
    CHECK(again.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(client.is_closed());
    CHECK(notes.wait_for(1).front().cause == end_cause::failed);
}

TEST_CASE("what a stream said before it broke off is not lost when both come at once") {
    class breaking_stream final : public http::body_stream {
    public:
        asio::awaitable<result<http::stream_step>> next(std::string& out) override {
            if (said_) co_return rejection{rejection_code::upstream_failed, "no more"};
            said_ = true;
            out += "words";
            co_return http::stream_step::more;
        }
        bool ready() const noexcept override { return true; }
        void fail(rejection const& why, std::string& out) override {
            out += "<broken: " + why.message() + ">";
        }

    private:
        bool said_ = false;
    };
    router routes;
    routes.add(http::method::get, "/stream", pipeline().handle([] {
        return http::response{200, "text/plain", std::make_unique<breaking_stream>()};
    }));
    served server{routes};
    raw_client client{server.where()};

    client.send(get("/stream"));
    auto const got = client.read_until("\r\n0\r\n\r\n");

    CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(got.find("words<broken: no more>") != std::string::npos);
    CHECK(got.ends_with("\r\n0\r\n\r\n"));
}

TEST_CASE("a silent source: the head goes out after its hold, then heartbeats, then the limit "
          "between pieces") {
    endings notes;
    router routes;
    routes.add(http::method::get, "/stream",
               pipeline(noting{&notes}, deadline{{10s, 400ms}}).handle([] {
                   return http::response{200, "text/plain", std::make_unique<silent_stream>("one")};
               }));
    routes.add(http::method::get, "/mute", pipeline(noting{&notes}).handle([] {
        return http::response{200, "text/plain", std::make_unique<silent_stream>("")};
    }));
    http::limits limits;
    limits.head_hold = 50ms;
    limits.heartbeat = 100ms;
    served server{routes, limits};
    raw_client talking{server.where()};
    raw_client mute{server.where()};

    mute.send(get("/mute"));
    talking.send(get("/stream"));
    auto const head = mute.read_until("\r\n\r\n");
    auto const got = talking.read_until("\r\n0\r\n\r\n");

    CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(got.find("3\r\none\r\n") != std::string::npos);
    CHECK(count(got, "6\r\n<beat>\r\n") + count(got, "00000006\r\n<beat>\r\n") >= 2);
    CHECK(got.find("<broken: the agent did not answer in time>") != std::string::npos);
    CHECK(notes.wait_for(1).front().cause == end_cause::timed_out);
}

