#include "mcp_provider/net/http_client.hpp"
#include "net/http_asking.hpp"
#include "net/scripted_upstream.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net;
using namespace std::chrono_literals;
using testing::scripted_upstream;
using testing::upstream_side;

TEST_CASE("http_client uses a connection again") {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) { return serve_all(side, ok); };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};

    for (int i = 0; i < 3; ++i) {
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        CHECK(got.body == "ok");
    }

    CHECK(upstream.connections() == 1);
    CHECK(connection_pool::of(context.get_executor()).idle_connections() == 1);
}

TEST_CASE("http_client does not share connections between clients") {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) { return serve_all(side, ok); };
    scripted_upstream upstream{context, play};
    http_client const one{*origin::parse(upstream.url())};
    http_client const other{*origin::parse(upstream.url())};
    outcome got;
    testing::run_on(context, call(one, "POST", "x", got));
    testing::run_on(context, call(other, "POST", "x", got));
    CHECK(upstream.connections() == 2);
}

TEST_CASE("http_client keeps at most so many idle connections, and none where none is allowed") {
    for (std::size_t const most : {std::size_t{0}, std::size_t{1}}) {
        asio::io_context context{1};
        std::string const long_answer =
            "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n" + std::string(40'000, 'x');
        scripted_upstream::script const play = [&](upstream_side& side) {
            return serve_all(side, long_answer);
        };
        scripted_upstream upstream{context, play};
        http_client_options options;
        options.max_idle = most;
        http_client const client{*origin::parse(upstream.url()), options};
        auto const two_at_once = [&]() -> asio::awaitable<void> {
            request_head const head{client, "GET", "/", ""};
            http_call a{client};
            http_call b{client};
            CHECK((co_await a.send(head, "", in(5s))).has_value());
            CHECK((co_await b.send(head, "", in(5s))).has_value());
            CHECK((co_await a.read_all(40'000, in(5s))).has_value());
            CHECK((co_await b.read_all(40'000, in(5s))).has_value());
        };
        testing::run_on(context, two_at_once());
        CHECK(upstream.connections() == 2);
        CHECK(connection_pool::of(context.get_executor()).idle_connections() == most);
    }
}

TEST_CASE("http_client closes an idle connection when its time is up") {
    asio::io_context context{1};
    bool left = false;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await serve_all(side, ok);
        left = true;
    };
    scripted_upstream upstream{context, play};
    http_client_options options;
    options.idle_time = 20ms;
    http_client const client{*origin::parse(upstream.url()), options};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    CHECK(testing::run_until(context, [&] { return left; }));
    CHECK(connection_pool::of(context.get_executor()).idle_connections() == 0);
}

TEST_CASE("http_client sees that an idle connection was closed, and makes a new one") {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        co_await side.say(ok);
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    testing::run_on(context, call(client, "POST", "x", got));
    CHECK_FALSE(got.why);
    CHECK(upstream.connections() == 2);
}

TEST_CASE("http_client asks again on a new connection when the idle one closes without a byte") {
    asio::io_context context{1};
    int requests = 0;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            if (++requests == 2) co_return side.reset();
            co_await side.say(ok);
        }
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    outcome got;
    testing::run_on(context, call(client, "POST", "x", got));
    testing::run_on(context, call(client, "POST", "x", got));
    CHECK(got.body == "ok");
    CHECK(upstream.connections() == 2);
    CHECK(requests == 3);
}

TEST_CASE("http_client does not ask again on a new connection, nor after a byte of an answer") {
    for (bool const with_a_byte : {false, true}) {
        asio::io_context context{1};
        int requests = 0;
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            for (;;) {
                std::string const request = co_await side.request();
                if (request.empty()) co_return;
                ++requests;
                if (with_a_byte && requests == 1) {
                    co_await side.say(ok);
                    continue;
                }
                if (with_a_byte) co_await side.say("H");
                co_return;
            }
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        outcome got;
        if (with_a_byte) testing::run_on(context, call(client, "POST", "x", got));
        testing::run_on(context, call(client, "POST", "x", got));
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::upstream_failed);
        CHECK(requests == (with_a_byte ? 2 : 1));
    }
}

TEST_CASE("http_client drops a connection on which bytes follow the answer, or that the upstream "
          "closes") {
    for (std::string const& answer :
         {ok + "HTTP/1.1 200 OK\r\n",
          std::string{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"},
          std::string{"HTTP/1.1 204 No Content\r\n\r\nx"}}) {
        asio::io_context context{1};
        scripted_upstream::script const play = [&](upstream_side& side) {
            return serve_all(side, answer);
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        CHECK(got.complete);
        CHECK(connection_pool::of(context.get_executor()).idle_connections() == 0);
    }
}

TEST_CASE("http_client uses a connection again whose last chunk came after the rest was left, and "
          "only then") {
    for (std::string const& tail : {std::string{"0\r\n\r\n"}, std::string{"1\r\nx\r\n0\r\n\r\n"},
                                    std::string{"0\r\n\r\nx"}}) {
        CAPTURE(tail);
        asio::io_context context{1};
        bool said = false;
        asio::steady_timer left{context, steady_time::max()};
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            co_await side.request();
            co_await side.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
            std::error_code ignored;
            co_await left.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            co_await side.say(tail);
            said = true;
            co_await serve_all(side, ok);
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        auto const work = [&]() -> asio::awaitable<void> {
            request_head const head{client, "GET", "/", ""};
            http_call one{client};
            CHECK((co_await one.send(head, "", in(5s))).has_value());
            CHECK(**one.try_read() == "ok");
            one.leave_rest();
        };
        testing::run_on(context, work());
        CHECK(connection_pool::of(context.get_executor()).idle_connections() == 1);
        left.cancel();
        CHECK(testing::run_until(context, [&] { return said; }));
        if (tail.size() != 5) continue; // the connection is then of no use, which `take` says below
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        CHECK(got.body == "ok");
        CHECK(upstream.connections() == 1);
    }
}
