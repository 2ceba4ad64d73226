// A server that says what a test tells it to, byte by byte, on the test's own thread.
#pragma once

#include "mcp_provider/net/asio.hpp"

#include <asio/detached.hpp>
#include <asio/write.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::testing {

/// The upstream's end of a connection. Its waits end with an exception when the client does not do its part.
class upstream_side {
public:
    explicit upstream_side(net::tcp::socket socket) : socket_{std::move(socket)} {}

    /// Reads a request with its body (Content-Length only) and returns all of it; empty when the client has gone.
    asio::awaitable<std::string> request() {
        std::string all;
        std::array<char, 4096> bytes;
        for (;;) {
            std::size_t const head = all.find("\r\n\r\n");
            if (head != std::string::npos && all.size() >= head + 4 + length_in(all)) co_return all;
            std::error_code failure;
            std::size_t const got = co_await socket_.async_read_some(
                asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, failure));
            if (failure) co_return std::string{};
            all.append(bytes.data(), got);
        }
    }

    asio::awaitable<void> say(std::string text) {
        co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
    }

    /// Says it in as many writes as it has bytes.
    asio::awaitable<void> say_slowly(std::string text) {
        socket_.set_option(net::tcp::no_delay{true});
        for (char const c : text) {
            co_await asio::async_write(socket_, asio::buffer(&c, 1), asio::use_awaitable);
            co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
        }
    }

    /// Waits until the client has closed its end.
    asio::awaitable<void> client_leaves() {
        std::array<char, 4096> bytes;
        std::error_code failure;
        while (!failure)
            co_await socket_.async_read_some(asio::buffer(bytes),
                                             asio::redirect_error(asio::use_awaitable, failure));
    }

    /// Closes with a reset instead of a proper end.
    void reset() {
        socket_.set_option(asio::socket_base::linger{true, 0});
        socket_.close();
    }
    void close() { socket_.close(); }

private:
    static std::size_t length_in(std::string const& request) {
        constexpr std::string_view name = "\r\nContent-Length: ";
        std::size_t const at = request.find(name);
        return at == std::string::npos ? 0 : std::stoul(request.substr(at + name.size()));
    }

    net::tcp::socket socket_;
};

/// Listens on a port of its own and plays one script for each connection, which it counts.
class scripted_upstream {
public:
    using script = std::function<asio::awaitable<void>(upstream_side&)>;

    scripted_upstream(asio::io_context& context, script play)
        : acceptor_{context, net::tcp::endpoint{asio::ip::address_v4::loopback(), 0}},
          play_{std::move(play)} {
        asio::co_spawn(context, accept(), asio::detached);
    }

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    [[nodiscard]] std::string url(std::string_view path = "") const {
        return "http://127.0.0.1:" + std::to_string(port()) + std::string{path};
    }
    /// The connections so far.
    [[nodiscard]] int connections() const noexcept { return connections_; }

private:
    asio::awaitable<void> accept() {
        for (;;) {
            std::error_code failure;
            net::tcp::socket socket =
                co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failure));
            if (failure) co_return;
            ++connections_;
            asio::co_spawn(acceptor_.get_executor(), serve(std::move(socket)), asio::detached);
        }
    }

    asio::awaitable<void> serve(net::tcp::socket socket) {
        upstream_side side{std::move(socket)};
        try {
            co_await play_(side);
        } catch (
            std::
                system_error const&) { // the client left within the script: what the client does is what counts
        }
    }

    net::tcp::acceptor acceptor_;
    script play_;
    int connections_ = 0;
};

/// Runs a coroutine to its end on a context that others use too, for ten seconds at most.
inline void run_on(asio::io_context& context, asio::awaitable<void> work) {
    bool ended = false;
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(work), [&](std::exception_ptr failure) {
        ended = true;
        thrown = std::move(failure);
    });
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    context.restart();
    while (!ended && std::chrono::steady_clock::now() < until) context.run_one_until(until);
    if (!ended) throw std::runtime_error{"the coroutine did not end in time"};
    if (thrown) std::rethrow_exception(thrown);
}

/// Lets others on the context run until `done`, for ten seconds at most. Returns whether it came to that.
template <class Condition>
bool run_until(asio::io_context& context, Condition done) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    context.restart();
    while (!done() && std::chrono::steady_clock::now() < until)
        context.run_one_until(
            std::min(until, std::chrono::steady_clock::now() + std::chrono::milliseconds{5}));
    return done();
}

} // namespace mcp_provider::testing
