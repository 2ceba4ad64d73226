// Accepts connections on one address, exclusively: no SO_REUSEPORT, which another process could use to take a share.
#pragma once

#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/worker.hpp"

#include <chrono>
#include <functional>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// *Lifetime*: the context must outlive the listener. *Thread safety*: `stop` is safe from any thread; the rest before
/// the context runs.
class listener {
public:
    explicit listener(asio::io_context& context)
        : context_{context}, acceptor_{context}, pause_{context} {}

    /// Binds and listens. An IPv6 address takes IPv6 only, so that both families can have the same port.
    [[nodiscard]] std::error_code open(tcp::endpoint const& where) {
        std::error_code error;
        acceptor_.open(where.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address{true}, error);
        if (!error && where.address().is_v6()) acceptor_.set_option(asio::ip::v6_only{true}, error);
        if (!error) acceptor_.bind(where, error);
        if (!error) acceptor_.listen(backlog, error);
        if (error) {
            std::error_code ignored;
            acceptor_.close(ignored);
        }
        // In the standard category, so that it compares with std::errc.
        return {error.value(), std::system_category()};
    }
    [[nodiscard]] tcp::endpoint endpoint() const {
        std::error_code ignored;
        return acceptor_.local_endpoint(ignored);
    }

    /// Begins to accept. `choose` names the worker of the next connection, `accept` gets it with that worker.
    void start(std::function<worker&()> choose, std::function<void(tcp::socket, worker&)> accept) {
        choose_ = std::move(choose);
        accept_ = std::move(accept);
        accept_one();
    }
    void stop() {
        asio::post(context_, [this] {
            std::error_code ignored;
            acceptor_.close(ignored);
            pause_.cancel();
        });
    }

private:
    static constexpr int backlog = 1024;

    void accept_one() {
        worker& owner = choose_();
        acceptor_.async_accept(owner.context(),
                               [this, &owner](std::error_code error, tcp::socket socket) {
                                   if (!acceptor_.is_open()) return;
                                   if (!error) {
                                       accept_(std::move(socket), owner);
                                       accept_one();
                                       return;
                                   }
                                   // Out of descriptors, most likely: trying again at once would only burn the processor.
                                   pause_.expires_after(std::chrono::milliseconds{100});
                                   pause_.async_wait([this](std::error_code) {
                                       if (acceptor_.is_open()) accept_one();
                                   });
                               });
    }

    asio::io_context& context_;
    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    std::function<void(tcp::socket, worker&)> accept_;
    std::function<worker&()> choose_;
};

} // namespace mcp_provider::net
