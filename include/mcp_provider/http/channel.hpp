// Between a connection and what it serves: neither side knows more of the other than this.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider {

/// Why an exchange ended.
enum class end_cause : std::uint8_t {
    completed,   ///< the last byte of the handler's answer went out
    refused,     ///< a policy, the handler or the agent said no, and the refusal went out
    failed,      ///< the answer broke off after its head had gone out, or the handler threw
    client_gone, ///< the client left, or took no byte for too long
    timed_out,   ///< a deadline of ours passed
    revoked,     ///< the session or key was revoked while the answer ran
    drained,     ///< the server stopped
};

[[nodiscard]] constexpr std::string_view name_of(end_cause cause) noexcept {
    switch (cause) {
    case end_cause::completed: return "completed";
    case end_cause::refused: return "refused";
    case end_cause::failed: return "failed";
    case end_cause::client_gone: return "client_gone";
    case end_cause::timed_out: return "timed_out";
    case end_cause::revoked: return "revoked";
    case end_cause::drained: return "drained";
    }
    return "";
}

/// The refusal that a cancelled exchange is answered with.
[[nodiscard]] inline rejection rejection_for(end_cause cause) {
    switch (cause) {
    case end_cause::timed_out:
        return rejection{rejection_code::timed_out, "the agent did not answer in time"};
    case end_cause::revoked:
        return rejection{rejection_code::unauthenticated, "the session was revoked"};
    case end_cause::drained:
        return rejection{rejection_code::overloaded, "the server is shutting down"};
    default: return rejection{rejection_code::client_closed, "the client closed the connection"};
    }
}

/// What an exception says, for the operator's log.
[[nodiscard]] inline std::string fault_of(std::exception_ptr const& thrown) {
    try {
        std::rethrow_exception(thrown);
    } catch (std::exception const& error) {
        return error.what();
    } catch (...) {
        return "an exception of an unknown type";
    }
}

/// How long an exchange may wait. A fact: the `deadline` policy provides it and the service hands it to the connection.
struct time_limits {
    std::chrono::milliseconds to_first_byte{
        0}; ///< from the admission to the first byte of the body; 0 for ever
    std::chrono::milliseconds between_bytes{0}; ///< between two pieces of a stream; 0 for ever
};

/// A fact that may be taken back while its exchange runs, as a session is that an operator revokes: the service has the
/// connection watch the flag.
template <class Fact>
concept revocable = requires(Fact const& one) {
    { one.revoked_flag() } -> std::same_as<std::atomic<bool> const&>;
};

/// What became of a response that was handed to a connection.
class delivery {
public:
    delivery(end_cause how, std::uint64_t bytes, steady_time when) noexcept
        : cause{how}, response_bytes{bytes}, first_byte{when} {}

    end_cause cause;
    std::uint64_t response_bytes; ///< head and body, as written
    steady_time first_byte;       ///< when the first byte went out
    bool head_sent =
        true; ///< false: nothing went out, `failure` says why, and another response may be given
    std::optional<rejection> failure; ///< what the body stream said, before or after the head
    std::string fault;                ///< what the body stream threw, for the operator's log only
};

/// A connection, as a service sees it. Implemented by `net::connection` and by `testing::channel`.
class channel {
public:
    channel() = default;
    channel(channel const&) = delete;
    channel& operator=(channel const&) = delete;
    virtual ~channel() = default;

    /// Whether the whole body has been read (also where there is none).
    [[nodiscard]] virtual bool body_is_here() const noexcept = 0;
    /// Precondition: `body_is_here()`.
    [[nodiscard]] virtual http::body body() const noexcept = 0;
    /// Reads the whole body. *Errors*: `too_large`, `request_timeout`, `bad_request` for broken framing.
    [[nodiscard]] virtual asio::awaitable<result<>, asio::any_io_executor> read_body() = 0;
    /// Writes a response to its last byte. Never throws: what went wrong is in the delivery.
    [[nodiscard]] virtual asio::awaitable<delivery, asio::any_io_executor>
    deliver(http::response& answer) = 0;

    virtual void set_time_limits(time_limits limits) noexcept = 0;
    /// Ends the exchange as `revoked` soon after the flag is set, at most `worker::tick` later. *Lifetime*: of the flag,
    /// until the exchange is over.
    virtual void watch_revocation(std::atomic<bool> const& revoked) noexcept = 0;
    /// Why the running coroutine was cancelled; nothing while it was not.
    [[nodiscard]] virtual std::optional<end_cause> cancelled_by() const noexcept = 0;
    /// When the head of the request was complete.
    [[nodiscard]] virtual steady_time started() const noexcept = 0;
    /// Bytes of head and body read so far.
    [[nodiscard]] virtual std::uint64_t request_bytes() const noexcept = 0;
};

/// What a server serves. `router` is one. *Thread safety*: `serve` is called by every worker.
class dispatcher {
public:
    dispatcher() = default;
    dispatcher(dispatcher const&) = default;
    dispatcher& operator=(dispatcher const&) = default;
    virtual ~dispatcher() = default;

    /// Serves one request to its last byte, also one that could not be read (`request::malformation`). Where nothing is
    /// delivered, the connection is closed. *Lifetime*: all three must outlive the awaitable.
    [[nodiscard]] virtual asio::awaitable<void, asio::any_io_executor>
    serve(http::request const& asked, channel& io) const = 0;
};

} // namespace mcp_provider
