// A non-blocking socket whose every wait has a limit in time, kept by the worker's clock instead of a timer each.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/net/asio.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// What a connection waits for; the clock bounds each in its own way, but for `taken`: a takeover bounds its own waits.
enum class stage : std::uint8_t {
    idle,
    head,
    body,
    handler,
    source,
    socket,
    lingering,
    taken,
    closed
};

/// Reads and writes first try without waiting, since most of the time nothing has to wait; only then a coroutine suspends.
/// *Thread safety*: used on its worker's thread only.
class timed_socket {
public:
    explicit timed_socket(tcp::socket socket) : socket_{std::move(socket)} {
        std::error_code ignored;
        socket_.non_blocking(true, ignored);
        socket_.set_option(tcp::no_delay{true}, ignored);
    }

    [[nodiscard]] tcp::socket& socket() noexcept { return socket_; }
    [[nodiscard]] int descriptor() const noexcept {
        return const_cast<tcp::socket&>(socket_).native_handle();
    }

    [[nodiscard]] stage now_in() const noexcept { return stage_; }
    [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }
    void enter(stage next, steady_time until = {}) noexcept {
        stage_ = next;
        until_ = until;
        timed_out_ = false;
    }

    /// Ends the wait in progress if its limit has passed. Only for the stages that wait for the socket.
    void expire(steady_time now) {
        if (now >= until_) stop_waiting();
    }
    void stop_waiting() {
        timed_out_ = true;
        std::error_code ignored;
        socket_.cancel(ignored);
    }

    /// What a try without waiting came to.
    enum class attempt : std::uint8_t { done, must_wait, over };

    /// Waits until something can be read; then `may_go_on` says whether it can.
    [[nodiscard]] asio::awaitable<void> readable(stage why, steady_time until) {
        enter(why, until);
        return socket_.async_wait(tcp::socket::wait_read,
                                  asio::redirect_error(asio::use_awaitable, waited_));
    }
    /// False where the last wait ended at its time limit, or was ended.
    [[nodiscard]] bool may_go_on() const noexcept { return !waited_ && !timed_out_; }

    /// Appends what is there to `into`.
    [[nodiscard]] attempt try_read(std::string& into,
                                   std::size_t at_most = static_cast<std::size_t>(-1)) {
        std::error_code error;
        std::size_t got = 0;
        if (into.size() < first_read_bytes) {
            // Most requests: by way of the stack, since a string zeroes what it grows by.
            std::array<char, first_read_bytes> bytes; // NOLINT(*-member-init)
            got = socket_.read_some(asio::buffer(bytes.data(), std::min(at_most, bytes.size())),
                                    error);
            into.append(bytes.data(), got);
        } else {
            std::size_t const had = into.size();
            into.resize(had + std::min(at_most, max_read_bytes));
            got = socket_.read_some(asio::buffer(into.data() + had, into.size() - had), error);
            into.resize(had + got);
        }
        if (got != 0) return attempt::done;
        return waits(error) ? attempt::must_wait : attempt::over;
    }

    /// Appends what is there to `into`, waiting for it if needed. False at the end, an error or the time limit.
    [[nodiscard]] asio::awaitable<bool>
    read_more(std::string& into, stage why, steady_time until,
              std::size_t at_most = static_cast<std::size_t>(-1)) {
        for (;;) {
            attempt const came = try_read(into, at_most);
            if (came != attempt::must_wait) co_return came == attempt::done;
            co_await readable(why, until);
            if (!may_go_on()) co_return false;
        }
    }

    /// Writes three pieces to the last byte, in one gathered write where the socket takes it: most of the time. Where it
    /// does not, the `write_all` that follows with the same pieces goes on.
    [[nodiscard]] attempt try_write(std::string_view a, std::string_view b, std::string_view c) {
        if (!unsent_.empty()) return attempt::must_wait;
        std::array<std::string_view, 4> left{std::string_view{}, a, b, c};
        return write_some(left, already_);
    }

    /// As `try_write`, and waits. False when the client has gone, or has taken nothing for `patience`.
    [[nodiscard]] asio::awaitable<bool> write_all(std::string_view a, std::string_view b,
                                                  std::string_view c,
                                                  std::chrono::milliseconds patience) {
        std::string const unsent = std::exchange(unsent_, {});
        std::array<std::string_view, 4> left{unsent, a, b, c};
        drop(left, std::exchange(already_, 0));
        for (;;) {
            std::size_t sent = 0;
            attempt const went = write_some(left, sent);
            if (went != attempt::must_wait) co_return went == attempt::done;
            drop(left, sent);
            stage const before = stage_;
            enter(stage::socket, std::chrono::steady_clock::now() + patience);
            co_await socket_.async_wait(tcp::socket::wait_write,
                                        asio::redirect_error(asio::use_awaitable, waited_));
            if (!may_go_on()) co_return false;
            enter(before);
        }
    }

    /// Writes what fits without waiting; the rest goes first in the next `write_all`.
    void push(std::string_view bytes) {
        std::error_code error;
        std::size_t sent = 0;
        if (unsent_.empty())
            sent = socket_.write_some(asio::buffer(bytes.data(), bytes.size()), error);
        count(sent);
        unsent_.append(bytes.substr(sent));
    }

    /// Starts counting for a new response.
    void count_from_zero() noexcept {
        sent_bytes_ = 0;
        first_byte_ = {};
    }
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
    /// When the first byte since `count_from_zero` went out; the epoch while none did.
    [[nodiscard]] steady_time first_byte() const noexcept { return first_byte_; }

private:
    static constexpr std::size_t first_read_bytes = 4096;
    static constexpr std::size_t max_read_bytes = 64 * 1024;

    static bool waits(std::error_code const& error) noexcept {
        return error == asio::error::would_block || error == asio::error::try_again;
    }

    /// One gathered write; `sent` of it went.
    attempt write_some(std::array<std::string_view, 4> const& pieces, std::size_t& sent) {
        sent = 0;
        std::array<asio::const_buffer, 4> buffers;
        std::size_t size = 0;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
            buffers[i] = asio::buffer(pieces[i].data(), pieces[i].size());
            size += pieces[i].size();
        }
        if (size == 0) return attempt::done;
        std::error_code error;
        sent = socket_.write_some(buffers, error);
        count(sent);
        if (sent == size) {
            sent = 0;
            return attempt::done;
        }
        return sent != 0 || waits(error) ? attempt::must_wait : attempt::over;
    }

    void count(std::size_t sent) noexcept {
        if (sent != 0 && first_byte_ == steady_time{})
            first_byte_ = std::chrono::steady_clock::now();
        sent_bytes_ += sent;
    }
    static void drop(std::array<std::string_view, 4>& left, std::size_t sent) noexcept {
        for (std::string_view& one : left) {
            std::size_t const part = std::min(sent, one.size());
            one.remove_prefix(part);
            sent -= part;
        }
    }

    tcp::socket socket_;
    std::string unsent_;      ///< what `push` could not write
    std::size_t already_ = 0; ///< what `try_write` could write of what `write_all` goes on with
    std::error_code waited_;
    std::uint64_t sent_bytes_ = 0;
    steady_time first_byte_{};
    steady_time until_{};
    stage stage_ = stage::idle;
    bool timed_out_ = false;
};

} // namespace mcp_provider::net
