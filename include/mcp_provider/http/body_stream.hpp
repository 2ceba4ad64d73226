// A response body that is pulled, piece by piece, as fast as the client reads.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"

#include <cstdint>
#include <string>

// Only declared: what merely passes a body_stream along does not pay for <asio/awaitable.hpp>.
namespace asio {
class any_io_executor;
template <typename T, typename Executor>
class awaitable;
} // namespace asio

namespace mcp_provider::http {

/// What the connection shall do after a pull.
enum class stream_step : std::uint8_t {
    more, ///< write what was appended (nothing appended: the head may go now), then pull again
    end,  ///< write what was appended; the stream is complete
};

/// A body that does not exist yet. The connection awaits `next` only when the socket has taken what came before, so
/// that back-pressure reaches the source, and destroys the stream when the client has gone.
/// *Thread safety*: all calls come from the connection's thread. `next` is cancelled through the coroutine's slot.
class body_stream {
public:
    body_stream() = default;
    body_stream(body_stream const&) = delete;
    body_stream& operator=(body_stream const&) = delete;
    virtual ~body_stream() = default;

    /// Appends the next piece, at most about 64 KiB, to `out`.
    /// *Errors*: before the first byte has gone out a rejection becomes the response; later it goes through `fail`.
    [[nodiscard]] virtual asio::awaitable<result<stream_step>, asio::any_io_executor>
    next(std::string& out) = 0;

    /// Whether `next` would complete without waiting: the connection then fills one write with several pieces.
    [[nodiscard]] virtual bool ready() const noexcept { return false; }

    /// Appends bytes that keep the client's patience and change nothing; called after 15 s of silence, between pieces.
    virtual void heartbeat(std::string& /*out*/) {}

    /// Appends the dialect's verdict that the stream broke off.
    virtual void fail(rejection const& /*why*/, std::string& /*out*/) {}
};

} // namespace mcp_provider::http
