// The server: workers with a thread each, and listeners that hand connections round among them.
#pragma once

#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/connection.hpp"
#include "mcp_provider/net/listener.hpp"
#include "mcp_provider/net/worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace mcp_provider::net {

/// Serves what a dispatcher (a router) holds, on the addresses that it listens on.
/// *Lifetime*: the routes must outlive the server. *Thread safety*: its functions are called from one thread.
class server {
public:
    /// Makes `workers` threads' worth of server; none runs before `start`.
    server(dispatcher const& routes, http::limits const& limits, std::size_t workers,
           std::size_t max_connections = 10'000)
        : limits_{limits}, max_connections_{max_connections / std::max<std::size_t>(workers, 1)} {
        for (std::size_t i = 0; i < (workers == 0 ? 1 : workers); ++i)
            workers_.push_back(std::make_unique<worker>(routes, limits_));
    }
    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() { stop(std::chrono::milliseconds{0}); }

    /// Binds an address and begins to queue connections. *Errors*: those of bind(2) and listen(2).
    [[nodiscard]] std::error_code listen(tcp::endpoint const& where) {
        auto one = std::make_unique<listener>(workers_.front()->context());
        std::error_code const error = one->open(where);
        if (!error) listeners_.push_back(std::move(one));
        return error;
    }
    /// The addresses, with the ports that the system chose where 0 was asked for.
    [[nodiscard]] std::vector<tcp::endpoint> endpoints() const {
        std::vector<tcp::endpoint> out;
        for (auto const& one : listeners_) out.push_back(one->endpoint());
        return out;
    }
    /// The contexts of the workers, for what lives beside the connections (an agent's timers).
    [[nodiscard]] asio::io_context& context(std::size_t index = 0) {
        return workers_[index]->context();
    }
    [[nodiscard]] std::size_t size() const noexcept { return workers_.size(); }

    /// Accepts and serves, until `stop`.
    void start() {
        for (auto const& one : listeners_)
            one->start(
                [this]() -> worker& { return next_worker(); },
                [this](tcp::socket socket, worker& owner) { hand_over(std::move(socket), owner); });
        for (auto const& one : workers_) {
            one->hold();
            threads_.emplace_back([&context = one->context()] { context.run(); });
        }
    }

    /// Stops accepting, lets responses finish for at most `patience`, ends what is left, and joins the threads.
    void stop(std::chrono::milliseconds patience) {
        if (threads_.empty()) return;
        for (auto const& one : listeners_) one->stop();
        for (auto const& one : workers_) one->drain(patience);
        for (std::thread& one : threads_) one.join();
        threads_.clear();
    }

private:
    // Both run on the first worker's thread; the connection begins on its own worker's.
    worker& next_worker() {
        next_ = (next_ + 1) % workers_.size();
        return *workers_[next_];
    }
    void hand_over(tcp::socket socket, worker& owner) {
        if (!owner.reserve(max_connections_))
            return; // to close it is the only answer that costs nothing
        asio::post(owner.context(), [socket = std::move(socket), &owner]() mutable {
            connection::start(std::move(socket), owner);
        });
    }

    http::limits limits_;
    std::size_t max_connections_; ///< of one worker
    std::size_t next_ = 0;
    std::vector<std::unique_ptr<worker>> workers_;
    std::vector<std::unique_ptr<listener>>
        listeners_; // after the workers: their sockets use the contexts
    std::vector<std::thread> threads_;
};

} // namespace mcp_provider::net
