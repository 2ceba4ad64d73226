#include "mcp_provider/net/http_call.hpp"
#include "net/http_asking.hpp"
#include "net/scripted_upstream.hpp"

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
using testing::scripted_upstream;
using testing::upstream_side;

namespace {

/// Calls an upstream that reads a request and then gives `answer`.
outcome ask(std::string const& answer, bool slowly = false, std::string_view method = "POST",
            bool then_close = true) {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        if (slowly)
            co_await side.say_slowly(answer);
        else
            co_await side.say(answer);
        if (then_close)
            side.close();
        else
            co_await side.client_leaves();
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    outcome got;
    testing::run_on(context, call(client, method, method == "POST" ? "{}" : "", got, 1s));
    return got;
}

} // namespace

TEST_CASE("http_client sends a request and reads the answer") {
    asio::io_context context{1};
    std::string seen;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        seen = co_await side.request();
        co_await side.say(ok);
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url("/v1/"))};

    outcome got;
    testing::run_on(context, call(client, "POST", "hello", got));

    CHECK(got.status == 200);
    CHECK(got.body == "ok");
    CHECK(got.complete);
    CHECK(seen == "POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(upstream.port()) +
                      "\r\nAccept: */*\r\nContent-Length: 5\r\n\r\nhello");
}

TEST_CASE("http_client reads every framing, whole and byte by byte") {
    for (bool const slowly : {false, true}) {
        CAPTURE(slowly);
        CHECK(ask(ok, slowly).body == "ok");
        CHECK(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: v\r\n\r\n",
                  slowly)
                  .body == "abcde");
        CHECK(ask("HTTP/1.1 200 OK\r\n\r\nuntil the end", slowly).body == "until the end");
        CHECK(ask("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1", slowly).body == "1");
        outcome const none = ask("HTTP/1.1 204 No Content\r\n\r\n", slowly);
        CHECK(none.status == 204);
        CHECK(none.complete);
        CHECK(ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok,
                  slowly)
                  .body == "ok");
    }
}

TEST_CASE("http_client reads no body of an answer to HEAD") {
    outcome const got = ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, "HEAD");
    CHECK(got.status == 200);
    CHECK(got.complete);
}

TEST_CASE("http_client reports a redirect and does not follow it") {
    outcome const got =
        ask("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    CHECK(got.status == 302);
}

TEST_CASE("http_client refuses what is no proper answer") {
    for (std::string const& answer : {
             std::string{},
             std::string{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"},
             std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
             std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
             std::string{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"},
             std::string{
                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"},
             std::string{"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"},
             std::string{"HTTP/1.1 101 Switching Protocols\r\n\r\n"},
             std::string{"SSH-2.0-OpenSSH\r\n"},
             std::string{"HTTP/1.1 200"},
         }) {
        CAPTURE(answer.substr(0, 60));
        outcome const got = ask(answer);
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::upstream_failed);
    }
    std::string interim;
    for (int i = 0; i < 9; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(ask(interim + ok).why);
}

TEST_CASE("http_client gives pieces as they come, and holds no buffer while none come") {
    asio::io_context context{1};
    asio::steady_timer go{context, steady_time::max()};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        co_await side.say(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n");
        std::error_code ignored;
        co_await go.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_await side.say("1\r\nd\r\n0\r\n\r\n");
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    auto const work = [&]() -> asio::awaitable<void> {
        request_head const head{client, "GET", "/", ""};
        http_call one{client};
        CHECK((co_await one.send(head, "", in(5s))).has_value());
        CHECK(**one.try_read() == "abc");
        CHECK_FALSE(one.try_read()->has_value());
        go.cancel();
        CHECK((co_await one.readable(in(5s))).has_value());
        CHECK(**one.try_read() == "d");
        CHECK((**one.try_read()).empty());
        CHECK(one.is_complete());
    };
    testing::run_on(context, work());
}

TEST_CASE("http_client gives up when no answer begins, and when it stops within one") {
    for (std::string const& begun :
         {std::string{}, std::string{"HTTP/1.1 200 OK\r\n"},
          std::string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}}) {
        CAPTURE(begun);
        asio::io_context context{1};
        bool left = false;
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            co_await side.request();
            co_await side.say(begun);
            co_await side.client_leaves();
            left = true;
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        outcome got;
        auto const begin = std::chrono::steady_clock::now();
        testing::run_on(context, call(client, "POST", "x", got, 60ms));
        CHECK(std::chrono::steady_clock::now() - begin >= 60ms);
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::timed_out);
        CHECK(testing::run_until(context, [&] { return left; }));
    }
}

TEST_CASE("http_client gives up on an upstream that takes no byte of the request") {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side&) -> asio::awaitable<void> {
        asio::steady_timer never{co_await asio::this_coro::executor, 5s};
        co_await never.async_wait(asio::use_awaitable);
    };
    scripted_upstream upstream{context, play};
    http_client_options options;
    options.write_time = 50ms;
    http_client const client{*origin::parse(upstream.url()), options};
    std::string const large(32 * 1024 * 1024, 'x');
    outcome got;
    testing::run_on(context, call(client, "POST", large, got));
    REQUIRE(got.why);
    CHECK(got.why->code() == rejection_code::timed_out);
}

TEST_CASE("http_client reads an answer that came before the request was read") {
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.say(
            "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        co_await side.client_leaves();
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    std::string const large(1024 * 1024, 'x');
    outcome got;
    testing::run_on(context, call(client, "POST", large, got));
    CHECK(got.status == 413);
}

TEST_CASE("http_client names the address that it cannot reach") {
    asio::io_context context{1};
    std::uint16_t port = 0;
    {
        tcp::acceptor unused{context, tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        port = unused.local_endpoint().port();
    }
    for (std::string const host : {"127.0.0.1", "localhost"}) {
        std::string const where = host + ':' + std::to_string(port);
        http_client const client{*origin::parse("http://" + where)};
        outcome got;
        testing::run_on(context, call(client, "POST", "x", got));
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::upstream_failed);
        CHECK(got.why->reason() == "upstream_unreachable");
        CHECK(got.why->message().find(where) != std::string::npos);
    }
}

TEST_CASE("http_client that is cancelled closes its connection at once, before the answer and "
          "within it") {
    for (std::string const& begun :
         {std::string{}, std::string{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"}}) {
        asio::io_context context{1};
        bool asked = false;
        bool left = false;
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            co_await side.request();
            co_await side.say(begun);
            asked = true;
            co_await side.client_leaves();
            left = true;
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        asio::cancellation_signal cancel;
        outcome got;
        bool ended = false;
        asio::co_spawn(
            context, call(client, "POST", "x", got),
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
        CHECK(testing::run_until(context, [&] { return asked; }));
        context.poll(); // what was said may still be on its way

        auto const begin = std::chrono::steady_clock::now();
        cancel.emit(asio::cancellation_type::terminal);
        CHECK(testing::run_until(context, [&] { return left && ended; }));

        CHECK(std::chrono::steady_clock::now() - begin < 100ms);
        REQUIRE(got.why);
        CHECK(got.why->code() == rejection_code::client_closed);
    }
}

TEST_CASE("http_call that is destroyed within an answer closes its connection") {
    asio::io_context context{1};
    bool left = false;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        co_await side.say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        co_await side.client_leaves();
        left = true;
    };
    scripted_upstream upstream{context, play};
    http_client const client{*origin::parse(upstream.url())};
    auto const work = [&]() -> asio::awaitable<void> {
        request_head const head{client, "GET", "/", ""};
        http_call one{client};
        CHECK((co_await one.send(head, "", in(5s))).has_value());
    };
    testing::run_on(context, work());
    CHECK(testing::run_until(context, [&] { return left; }));
    CHECK(connection_pool::of(context.get_executor()).idle_connections() == 0);
}

TEST_CASE("http_call refuses a body over the limit of its reader, at n and n + 1 bytes") {
    for (std::size_t const limit : {std::size_t{2}, std::size_t{1}}) {
        asio::io_context context{1};
        scripted_upstream::script const play = [&](upstream_side& side) {
            return serve_all(side, ok);
        };
        scripted_upstream upstream{context, play};
        http_client const client{*origin::parse(upstream.url())};
        auto const work = [&]() -> asio::awaitable<void> {
            request_head const head{client, "GET", "/", ""};
            http_call one{client};
            CHECK((co_await one.send(head, "", in(5s))).has_value());
            auto const all = co_await one.read_all(limit, in(5s));
            CHECK(all.has_value() == (limit == 2));
        };
        testing::run_on(context, work());
    }
}

TEST_CASE("http_client reads a body of megabytes") {
    std::string const large(3'000'000, 'y');
    CHECK(ask("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + large).body == large);
    std::string chunks;
    for (int i = 0; i < 3000; ++i) chunks += "3e8\r\n" + std::string(1000, 'z') + "\r\n";
    CHECK(
        ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + "0\r\n\r\n").body ==
        std::string(3'000'000, 'z'));
}
