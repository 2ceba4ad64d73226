// Connections of a client to its upstreams, and those that wait for the next request. One pool an io_context.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/response_parser.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/detail/deadlines.hpp"
#include "mcp_provider/net/detail/tls_client.hpp"
#include "mcp_provider/net/detail/turn.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mcp_provider::net {

class connection_pool;

/// A connection to an upstream, plain or TLS. Reading and writing never wait; `wait` does.
/// *Thread safety*: used on the thread of its io_context.
class client_connection final : private detail::deadline {
public:
    using io_step = detail::io_step;

    client_connection(connection_pool& pool, detail::deadlines& keeper,
                      asio::any_io_executor executor)
        : deadline{keeper}, pool_{pool}, socket_{std::move(executor)} {}

    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
    [[nodiscard]] detail::tls_session* tls() noexcept { return tls_.get(); }
    /// Begins TLS on the connected socket; `tls()->handshake()` goes on with it.
    void secure(detail::tls_trust const& trust, origin const& to) {
        tls_ = std::make_unique<detail::tls_session>(trust, to, socket_.native_handle());
    }

    /// Takes TLS away, for whoever goes on with the socket; null where there is none.
    [[nodiscard]] std::unique_ptr<detail::tls_session> take_tls() noexcept {
        return std::move(tls_);
    }

    /// Whether it has carried a request before.
    [[nodiscard]] bool is_reused() const noexcept { return is_reused_; }
    /// Whether the last wait ended because its time was up.
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }
    /// The error of the last read or write that failed.
    [[nodiscard]] std::string why() const { return tls_ ? tls_->why() : error_.message(); }

    /// Reads what is there. At the end of the stream `closed`.
    [[nodiscard]] io_step read_some(char* into, std::size_t size, std::size_t& got) {
        if (tls_) return tls_->read(into, size, got);
        got = socket_.read_some(asio::buffer(into, size), error_);
        if (!error_) return io_step::done;
        if (error_ == asio::error::would_block || error_ == asio::error::try_again)
            return io_step::wants_read;
        return error_ == asio::error::eof ? io_step::closed : io_step::failed;
    }

    /// Writes what fits of several pieces, not all empty, and drops it from their fronts.
    template <std::size_t N>
    [[nodiscard]] io_step write_some(std::array<std::string_view, N>& pieces) {
        std::size_t sent = 0;
        if (tls_) {
            // One record instead of one a piece. After `wants_write` the next try has the same bytes, as TLS wants it.
            constexpr std::size_t record = 16 * 1024;
            std::string together;
            for (std::string_view const one : pieces)
                together.append(one.substr(0, record - together.size()));
            io_step const step = tls_->write(together, sent);
            if (step != io_step::done) return step;
        } else {
            std::array<asio::const_buffer, N> buffers;
            for (std::size_t i = 0; i < N; ++i)
                buffers[i] = asio::buffer(pieces[i].data(), pieces[i].size());
            sent = socket_.write_some(buffers, error_);
            if (error_ == asio::error::would_block || error_ == asio::error::try_again)
                return io_step::wants_write;
            if (error_) return io_step::failed;
        }
        for (std::string_view& one : pieces) {
            std::size_t const part = std::min(sent, one.size());
            one.remove_prefix(part);
            sent -= part;
        }
        return io_step::done;
    }

    /// Waits until the socket can do what `step` says, until `until` at most; `waited` tells what came of it.
    [[nodiscard]] asio::awaitable<void> wait(io_step step, steady_time until) {
        begin_wait(until);
        return socket_.async_wait(step == io_step::wants_write ? tcp::socket::wait_write
                                                               : tcp::socket::wait_read,
                                  asio::redirect_error(asio::use_awaitable, waited_));
    }
    /// To be called after `wait`: an error where it was ended; then see `timed_out()`.
    [[nodiscard]] std::error_code waited() noexcept {
        end_wait();
        return waited_;
    }

    /// Bounds what the caller awaits on the socket itself.
    void begin_wait(steady_time until) {
        timed_out_ = false;
        set_deadline(until);
    }
    void end_wait() noexcept { clear_deadline(); }

    /// The rest of a chunked body whose content is complete: its last chunk may come while the connection is idle.
    std::optional<http::chunked_decoder> rest;

private:
    friend class connection_pool;

    void on_deadline() noexcept override;

    /// Whether it can carry another request: open, and silent but for the rest of the last body.
    [[nodiscard]] bool is_usable() {
        if (rest) {
            std::array<char, 64> bytes;
            std::size_t got = 0;
            if (read_some(bytes.data(), bytes.size(), got) != io_step::done) return false;
            bool is_content = false;
            auto const progress = rest->feed_slices({bytes.data(), got},
                                                    [&](std::string_view) { is_content = true; });
            if (!progress || !progress->done || progress->consumed != got || is_content)
                return false;
            rest.reset();
        }
        if (tls_) return tls_->peek() == io_step::wants_read;
        char unused = 0;
        socket_.receive(asio::buffer(&unused, 1), tcp::socket::message_peek, error_);
        return error_ == asio::error::would_block || error_ == asio::error::try_again;
    }

    connection_pool& pool_;
    tcp::socket socket_;
    std::unique_ptr<detail::tls_session> tls_;
    std::error_code error_;
    std::error_code waited_;
    std::uint64_t idle_for_ = 0; // the client that it waits for; 0 while it is in use
    bool is_reused_ = false;
    bool timed_out_ = false;
};

/// What reading a response takes, lent for as long as there is something to read, so that a silent stream holds none of it.
struct receive_buffer {
    receive_buffer() : parser{limits()} {}

    static http::limits limits() {
        http::limits of_head;
        of_head.max_header_bytes = size;
        return of_head;
    }

    static constexpr std::size_t size = 16 * 1024;
    std::array<char, size> bytes;
    http::response_parser parser;
    http::response_head head;
};

/// *Thread safety*: used on the thread of its io_context, which must be run by one thread.
class connection_pool final : public asio::execution_context::service {
public:
    using key_type = connection_pool;
    inline static asio::execution_context::id
        id; // how Asio finds a service: by the address of this object

    explicit connection_pool(asio::execution_context& context)
        : service{context}, keeper_{asio::use_service<detail::deadlines>(context)},
          turn_{asio::use_service<detail::turn>(context)} {}

    [[nodiscard]] static connection_pool& of(asio::any_io_executor const& executor) {
        return asio::use_service<connection_pool>(asio::query(executor, asio::execution::context));
    }

    [[nodiscard]] std::unique_ptr<client_connection> make(asio::any_io_executor executor) {
        return std::make_unique<client_connection>(*this, keeper_, std::move(executor));
    }

    /// A connection of that client that waited and is still good, the one used last; null where there is none.
    [[nodiscard]] std::unique_ptr<client_connection> take(std::uint64_t client) {
        auto const found = idle_.find(client);
        if (found == idle_.end()) return nullptr;
        while (!found->second.empty()) {
            std::unique_ptr<client_connection> one = std::move(found->second.back());
            found->second.pop_back();
            one->idle_for_ = 0;
            one->end_wait();
            if (one->is_usable()) return one;
        }
        return nullptr;
    }

    /// Keeps a connection for the next request, for `idle_time` at most. Where `most` wait already, the oldest goes.
    void keep(std::uint64_t client, std::unique_ptr<client_connection> one,
              std::chrono::milliseconds idle_time, std::size_t most) {
        if (most == 0) return;
        auto& waiting = idle_[client];
        if (waiting.size() >= most) waiting.erase(waiting.begin());
        one->idle_for_ = client;
        one->is_reused_ = true;
        one->set_deadline(std::chrono::steady_clock::now() + idle_time);
        waiting.push_back(std::move(one));
    }

    /// How many connections wait.
    [[nodiscard]] std::size_t idle_connections() const noexcept {
        std::size_t count = 0;
        for (auto const& [client, waiting] : idle_) count += waiting.size();
        return count;
    }

    [[nodiscard]] detail::turn& turn() noexcept { return turn_; }
    /// Those who write to upstreams.
    [[nodiscard]] detail::writers& writers() noexcept { return writers_; }

    [[nodiscard]] std::unique_ptr<receive_buffer> lend() {
        if (spare_.empty()) return std::make_unique<receive_buffer>();
        auto one = std::move(spare_.back());
        spare_.pop_back();
        return one;
    }
    void give_back(std::unique_ptr<receive_buffer> one) {
        constexpr std::size_t most_spare = 8;
        if (one != nullptr && spare_.size() < most_spare) spare_.push_back(std::move(one));
    }

private:
    friend class client_connection;

    void shutdown() override {
        idle_.clear();
        spare_.clear();
    }

    void drop(client_connection const& one) {
        auto const found = idle_.find(one.idle_for_);
        if (found == idle_.end()) return;
        std::erase_if(found->second, [&](auto const& waiting) { return waiting.get() == &one; });
        if (found->second.empty()) idle_.erase(found);
    }

    detail::deadlines& keeper_;
    detail::turn& turn_;
    detail::writers writers_;
    std::unordered_map<std::uint64_t, std::vector<std::unique_ptr<client_connection>>> idle_;
    std::vector<std::unique_ptr<receive_buffer>> spare_;
};

inline void client_connection::on_deadline() noexcept {
    if (idle_for_ != 0) return pool_.drop(*this);
    timed_out_ = true;
    std::error_code ignored;
    socket_.cancel(ignored);
}

} // namespace mcp_provider::net
