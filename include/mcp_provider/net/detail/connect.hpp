// Opens a connection to an upstream: name, TCP, TLS; all within one time limit, and cancelled at once.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/connection_pool.hpp"
#include "mcp_provider/net/detail/tls_client.hpp"
#include "mcp_provider/net/origin.hpp"

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::net::detail {

[[nodiscard]] inline rejection unreachable(origin const& to, std::string const& why) {
    return rejection{rejection_code::upstream_failed,
                     "cannot connect to " + to.where() + ": " + why}
        .because("upstream_unreachable");
}
[[nodiscard]] inline rejection too_slow_to_connect(origin const& to) {
    return rejection{rejection_code::timed_out, "cannot connect to " + to.where() + " in time"}
        .because("upstream_unreachable");
}
[[nodiscard]] inline rejection connecting_was_cancelled() {
    return rejection{rejection_code::client_closed, "the request was cancelled"};
}

/// A question to the system's resolver. It may outlive whoever asked: getaddrinfo(3) cannot be interrupted.
class name_lookup {
public:
    explicit name_lookup(asio::any_io_executor const& executor)
        : resolver_{executor}, answered_{executor} {}

    static void ask(std::shared_ptr<name_lookup> const& self, origin const& to) {
        self->resolver_.async_resolve(
            to.host(), std::to_string(to.port()),
            [self](std::error_code failure, tcp::resolver::results_type const& results) {
                self->has_answer_ = true;
                self->failure_ = failure;
                for (auto const& one : results) self->found_.push_back(one.endpoint());
                self->answered_.cancel();
            });
    }

    [[nodiscard]] asio::awaitable<std::error_code> wait(steady_time until) {
        std::error_code stopped;
        answered_.expires_at(until);
        co_await answered_.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        if (!has_answer_) resolver_.cancel();
        co_return stopped;
    }

    [[nodiscard]] bool has_answer() const noexcept { return has_answer_; }
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }
    [[nodiscard]] std::vector<tcp::endpoint> const& found() const noexcept { return found_; }

private:
    tcp::resolver resolver_;
    asio::steady_timer answered_;
    std::vector<tcp::endpoint> found_;
    std::error_code failure_;
    bool has_answer_ = false;
};

[[nodiscard]] inline asio::awaitable<result<std::vector<tcp::endpoint>>>
resolve(asio::any_io_executor executor, origin const& to, steady_time until) {
    std::vector<tcp::endpoint> found;
    std::error_code no_address;
    auto const address = asio::ip::make_address(to.host(), no_address);
    if (!no_address) {
        found.emplace_back(address, to.port());
        co_return found;
    }
    auto const lookup = std::make_shared<name_lookup>(executor);
    name_lookup::ask(lookup, to);
    auto const stopped = co_await lookup->wait(until);
    if (!lookup->has_answer())
        co_return stopped ? connecting_was_cancelled() : too_slow_to_connect(to);
    if (lookup->failure()) co_return unreachable(to, lookup->failure().message());
    found = lookup->found();
    co_return found;
}

[[nodiscard]] inline asio::awaitable<result<>>
secure(client_connection& connection, origin const& to, tls_trust const& trust, steady_time until) {
    connection.secure(trust, to);
    for (;;) {
        io_step const step = connection.tls()->handshake();
        if (step == io_step::done) co_return result<>{};
        if (step == io_step::failed || step == io_step::closed)
            co_return rejection{rejection_code::upstream_failed,
                                "cannot make a secure connection to " + to.where() + ": " +
                                    connection.tls()->why()}
                .because("upstream_unreachable");
        co_await connection.wait(step, until);
        auto const stopped = connection.waited();
        if (connection.timed_out()) co_return too_slow_to_connect(to);
        if (stopped) co_return connecting_was_cancelled();
    }
}

/// Makes the loop forget that it was to watch for writing, as it did for connecting. Asio would go on for as long as the
/// socket is open, and each wait for reading would first be woken, for nothing, because one can write.
inline void watch_for_reading(tcp::socket& socket, tcp const& protocol, std::error_code& failure) {
    int const descriptor = socket.release(failure);
    if (failure) return;
    socket.assign(protocol, descriptor, failure);
    if (failure) ::close(descriptor);
}

/// Connects to the first address that answers; TLS where there is somebody to trust.
[[nodiscard]] inline asio::awaitable<result<std::unique_ptr<client_connection>>>
connect(connection_pool& pool, asio::any_io_executor executor, origin const& to,
        tls_trust const* trust, steady_time until) {
    auto addresses = co_await resolve(executor, to, until);
    if (!addresses) co_return std::move(addresses).error();
    std::error_code failure = asio::error::host_not_found;
    for (std::size_t i = 0; i < addresses->size(); ++i) {
        // An address that swallows packets must leave time for the next one.
        auto const now = std::chrono::steady_clock::now();
        steady_time const at_most = i + 1 == addresses->size() ? until : now + (until - now) / 2;
        std::unique_ptr<client_connection> connection = pool.make(executor);
        tcp::socket& socket = connection->socket();
        socket.open((*addresses)[i].protocol(), failure);
        if (failure) continue;
        connection->begin_wait(at_most);
        co_await socket.async_connect((*addresses)[i],
                                      asio::redirect_error(asio::use_awaitable, failure));
        connection->end_wait();
        if (connection->timed_out()) {
            failure = asio::error::timed_out;
            continue;
        }
        if (failure == asio::error::operation_aborted) co_return connecting_was_cancelled();
        if (failure) continue;
        watch_for_reading(socket, (*addresses)[i].protocol(), failure);
        if (!failure) socket.non_blocking(true, failure);
        if (!failure) socket.set_option(tcp::no_delay{true}, failure);
        if (failure) continue;
        if (trust != nullptr) {
            auto secured = co_await secure(*connection, to, *trust, until);
            if (!secured) co_return std::move(secured).error();
        }
        co_return connection;
    }
    if (failure == asio::error::timed_out) co_return too_slow_to_connect(to);
    co_return unreachable(to, failure.message());
}

} // namespace mcp_provider::net::detail
