// A socket, plain or TLS, as the raw connection that an upgrade leaves.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/detail/deadlines.hpp"
#include "mcp_provider/net/detail/tls_client.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// *Thread safety*: used on the thread of its io_context, which must be run by one thread.
class duplex_socket final : public http::duplex {
public:
    /// Takes a connected socket over. `first` was read from it already, and is what `read_some` gives first.
    explicit duplex_socket(tcp::socket socket, std::string first = {},
                           std::unique_ptr<detail::tls_session> tls = nullptr)
        : socket_{std::move(socket)}, tls_{std::move(tls)}, first_{std::move(first)},
          reading_{*this}, writing_{*this} {
        std::error_code ignored;
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay{true}, ignored);
    }

    [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_; }
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_; }

    /// Has `read_some` give these bytes next. Precondition: it has none of the kind.
    void unread(std::string_view bytes) { first_ = bytes; }

    [[nodiscard]] asio::any_io_executor executor() override { return socket_.get_executor(); }

    [[nodiscard]] http::io_progress read_some(char* into, std::size_t size,
                                              std::size_t& got) override {
        got = std::min(size, first_.size() - first_at_);
        if (got != 0) {
            first_.copy(into, got, first_at_);
            first_at_ += got;
            if (first_at_ == first_.size()) first_.clear(), first_at_ = 0;
            return http::io_progress::done;
        }
        if (tls_) return progress_of(tls_->read(into, size, got), reading_, got, received_);
        std::error_code error;
        got = socket_.read_some(asio::buffer(into, size), error);
        return progress_of(error, got, received_);
    }

    [[nodiscard]] http::io_progress write_some(std::string_view from, std::size_t& sent) override {
        sent = 0;
        if (tls_) return progress_of(tls_->write(from, sent), writing_, sent, sent_);
        std::error_code error;
        sent = socket_.write_some(asio::buffer(from.data(), from.size()), error);
        return progress_of(error, sent, sent_);
    }

    [[nodiscard]] asio::awaitable<bool> readable(steady_time until) override {
        if (!first_.empty()) co_return true;
        co_return co_await wait(reading_, tcp::socket::wait_read, until);
    }
    [[nodiscard]] asio::awaitable<bool> writable(steady_time until) override {
        return wait(writing_, tcp::socket::wait_write, until);
    }

    void finish_writing() noexcept override {
        std::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    void close() noexcept override {
        std::error_code ignored;
        socket_.close(ignored);
    }

private:
    /// The limit in time of one of the two waits.
    class side final : public detail::deadline {
    public:
        explicit side(duplex_socket& owner)
            : deadline{asio::use_service<detail::deadlines>(
                  asio::query(owner.socket_.get_executor(), asio::execution::context))},
              owner_{owner} {}

        bool timed_out = false;
        detail::io_step wants = detail::io_step::done; ///< what TLS needs to come further

    private:
        void on_deadline() noexcept override {
            timed_out = true;
            std::error_code ignored;
            owner_.socket_.cancel(ignored);
        }
        duplex_socket& owner_;
    };

    asio::awaitable<bool> wait(side& one, tcp::socket::wait_type what, steady_time until) {
        if (one.wants == detail::io_step::wants_read) what = tcp::socket::wait_read;
        if (one.wants == detail::io_step::wants_write) what = tcp::socket::wait_write;
        one.timed_out = false;
        one.set_deadline(until);
        std::error_code error;
        do {
            // Where the other side's time was up, its cancelling has ended this wait, too.
            co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
        } while (error == asio::error::operation_aborted && !one.timed_out && socket_.is_open());
        one.clear_deadline();
        co_return !error && !one.timed_out;
    }

    static http::io_progress progress_of(std::error_code error, std::size_t moved,
                                         std::uint64_t& count) noexcept {
        count += moved;
        if (!error) return http::io_progress::done;
        return error == asio::error::would_block || error == asio::error::try_again
                   ? http::io_progress::would_block
                   : http::io_progress::ended;
    }
    static http::io_progress progress_of(detail::io_step step, side& one, std::size_t moved,
                                         std::uint64_t& count) noexcept {
        one.wants = step;
        switch (step) {
        case detail::io_step::done: count += moved; return http::io_progress::done;
        case detail::io_step::wants_read:
        case detail::io_step::wants_write: return http::io_progress::would_block;
        case detail::io_step::closed:
        case detail::io_step::failed: break;
        }
        return http::io_progress::ended;
    }

    tcp::socket socket_;
    std::unique_ptr<detail::tls_session> tls_;
    std::string first_;
    std::size_t first_at_ = 0;
    side reading_;
    side writing_;
    std::uint64_t received_ = 0;
    std::uint64_t sent_ = 0;
};

} // namespace mcp_provider::net
