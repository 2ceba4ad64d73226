// A server on a port of its own and a raw client, for tests of the net layer.
#pragma once

#include "mcp_provider/net/server.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/pipeline/router.hpp"

#include <asio/write.hpp>
#include <poll.h>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::net {

/// Notes every exchange when it is over.
class endings {
public:
    struct ending {
        std::string path;
        std::uint16_t status;
        end_cause cause;
        std::uint64_t request_bytes;
        std::uint64_t response_bytes;
    };
    void add(exchange const& one) {
        std::lock_guard const lock{mutex_};
        list_.push_back({std::string{one.request().path()}, one.status(), one.cause(),
                         one.request_bytes(), one.response_bytes()});
    }
    /// Waits until there are `count` endings, at most two seconds; returns what there is.
    [[nodiscard]] std::vector<ending> wait_for(std::size_t count) const {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{2};
        for (;;) {
            {
                std::lock_guard const lock{mutex_};
                if (list_.size() >= count || std::chrono::steady_clock::now() > until) return list_;
            }
            ::poll(nullptr, 0, 1);
        }
    }

private:
    mutable std::mutex mutex_;
    std::vector<ending> list_;
};

struct noting {
    static constexpr std::string_view name = "noting";
    endings* notes;
    void on_complete(exchange const& one) const noexcept { notes->add(one); }
};

/// Serves `routes` on 127.0.0.1 until it goes.
class served {
public:
    explicit served(router const& routes, http::limits const& limits = {}, std::size_t workers = 1,
                    std::size_t max_connections = 1000)
        : server_{routes, limits, workers, max_connections} {
        if (auto const error = server_.listen({asio::ip::address_v4::loopback(), 0}))
            throw std::system_error{error};
        where_ = server_.endpoints().front();
        server_.start();
    }
    [[nodiscard]] tcp::endpoint where() const { return where_; }
    void stop(std::chrono::milliseconds patience) { server_.stop(patience); }

private:
    server server_;
    tcp::endpoint where_;
};

/// A blocking client that sends bytes as they are. Every read ends after two seconds.
class raw_client {
public:
    explicit raw_client(tcp::endpoint const& where) : socket_{context_} {
        socket_.connect(where);
        socket_.set_option(tcp::no_delay{true});
    }
    void send(std::string_view bytes) {
        asio::write(socket_, asio::buffer(bytes.data(), bytes.size()));
    }
    /// Reads until `text` has come, the server has closed, or nothing came for two seconds. Returns all since the last call.
    [[nodiscard]] std::string read_until(std::string_view text) {
        std::string got;
        while (got.find(text) == std::string::npos && read_some(got)) {
        }
        return got;
    }
    /// As `read_until`, until at least so many bytes have come.
    [[nodiscard]] std::string read_bytes(std::size_t count) {
        std::string got;
        while (got.size() < count && read_some(got)) {
        }
        return got;
    }
    [[nodiscard]] std::string read_to_end() {
        std::string got;
        while (read_some(got)) {
        }
        return got;
    }
    /// Whether the server has closed its side.
    [[nodiscard]] bool is_closed() const noexcept { return closed_; }
    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
    void close() { socket_.close(); }

private:
    bool read_some(std::string& into) {
        pollfd one{socket_.native_handle(), POLLIN, 0};
        if (::poll(&one, 1, 2000) <= 0) return false;
        char buffer[16 * 1024];
        std::error_code error;
        std::size_t const got = socket_.read_some(asio::buffer(buffer), error);
        closed_ = closed_ || error;
        into.append(buffer, got);
        return !error;
    }

    asio::io_context context_;
    tcp::socket socket_;
    bool closed_ = false;
};

inline std::size_t count(std::string_view text, std::string_view what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != std::string_view::npos;
         at = text.find(what, at + what.size()))
        ++found;
    return found;
}

} // namespace mcp_provider::net
