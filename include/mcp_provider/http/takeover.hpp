// A connection after an upgrade (RFC 9110 §7.8): raw bytes both ways, and what takes them over.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

// Only declared: what merely passes a takeover along does not pay for <asio/awaitable.hpp>.
namespace asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
} // namespace asio

namespace mcp_provider {
enum class end_cause : std::uint8_t;
}

namespace mcp_provider::http {

/// How far an attempt to read or write came.
enum class io_progress : std::uint8_t {
    done,        ///< some bytes went through
    would_block, ///< none now: wait, then try again
    ended,       ///< none any more: the other side has closed, or the connection broke
};

/// Bytes both ways. Reading and writing never wait; `readable` and `writable` do, and one coroutine may wait for each at the
/// same time. *Thread safety*: used on the connection's thread only.
class duplex {
public:
    duplex() = default;
    duplex(duplex const&) = delete;
    duplex& operator=(duplex const&) = delete;
    virtual ~duplex() = default;

    [[nodiscard]] virtual asio::any_io_executor executor() = 0;
    [[nodiscard]] virtual io_progress read_some(char* into, std::size_t size, std::size_t& got) = 0;
    [[nodiscard]] virtual io_progress write_some(std::string_view from, std::size_t& sent) = 0;
    /// Waits until `read_some` may come further. False once `until` has passed, or the duplex was closed.
    [[nodiscard]] virtual asio::awaitable<bool, asio::any_io_executor>
    readable(steady_time until) = 0;
    /// As `readable`, for `write_some`.
    [[nodiscard]] virtual asio::awaitable<bool, asio::any_io_executor>
    writable(steady_time until) = 0;
    /// Tells the other side that nothing more will come; reading goes on.
    virtual void finish_writing() noexcept = 0;
    /// Ends the connection and both waits.
    virtual void close() noexcept = 0;
};

/// What speaks on a connection after a 101 response. One a connection; the connection calls it on its thread.
class takeover {
public:
    takeover() = default;
    takeover(takeover const&) = delete;
    takeover& operator=(takeover const&) = delete;
    virtual ~takeover() = default;

    /// Speaks until the conversation is over; returns why it ended, for the exchange's record. The connection is closed
    /// afterwards. No deadline of a policy applies: every wait needs one of its own. Where the server must end it first,
    /// the duplex is closed.
    [[nodiscard]] virtual asio::awaitable<end_cause, asio::any_io_executor>
    run(std::shared_ptr<duplex> on) = 0;

    /// The server is about to stop: the conversation should come to its end. May be called before `run`, and more than once.
    virtual void drain() noexcept {}
};

} // namespace mcp_provider::http
