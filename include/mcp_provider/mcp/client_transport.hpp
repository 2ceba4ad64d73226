// How a client's messages reach a server and how the answers come back: what stdio and Streamable HTTP have in common.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <asio/awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

/// A message on its way to a server.
class outgoing_message {
public:
    outgoing_message(rpc::id number, std::string json, std::string header_lines = {})
        : id{std::move(number)}, text{std::move(json)}, fields{std::move(header_lines)} {}

    rpc::id id;         ///< of a request; null for a notification or an answer
    std::string text;   ///< JSON without a line end
    std::string fields; ///< what HTTP repeats of it in header fields, each line with its end
};

/// An answer, as it came.
class incoming_answer {
public:
    incoming_answer() = default;
    explicit incoming_answer(boost::json::value json, std::uint16_t http_status = 200)
        : document(std::move(json)), status{http_status} {} // braces would make an array of it

    boost::json::value
        document; ///< a JSON-RPC response or error; null where HTTP refused without one
    std::uint16_t status = 200; ///< of HTTP; 200 where there is none
};

/// Until when an answer is waited for. Whoever asks may move it on while the wait goes on, not back.
class call_time {
public:
    explicit call_time(steady_time when) noexcept : until{when} {}
    call_time(call_time const&) = delete;
    call_time& operator=(call_time const&) = delete;

    steady_time until;
};

/// Takes what a server sends beside its answers. Called on the thread of the client's io_context.
class message_sink {
public:
    message_sink() = default;
    message_sink(message_sink const&) = delete;
    message_sink& operator=(message_sink const&) = delete;
    virtual ~message_sink() = default;

    /// A request or a notification.
    virtual void on_message(boost::json::value const& document, rpc::message const& message) = 0;
    /// Something that is of no use: no JSON-RPC, an answer that nobody waits for.
    virtual void on_stray() noexcept = 0;
    /// The server has gone of its own accord, or had to be ended; nothing more comes until `open`.
    virtual void on_gone(rejection const& why) = 0;
};

/// What a client needs of a way to its server.
/// *Errors*, of all that wait: `timed_out`; `client_closed` where the coroutine was cancelled; `upstream_failed` for the
/// rest, with reason `unauthorized` where the server refuses our token, `session_lost` where it has forgotten our session.
/// *Thread safety*: used on the thread of one io_context, which must be run by one thread.
class client_transport {
public:
    client_transport() = default;
    client_transport(client_transport const&) = delete;
    client_transport& operator=(client_transport const&) = delete;
    /// Ends all that it has begun.
    virtual ~client_transport() = default;

    /// Makes ready for the first message, also again after the server has gone. `to` must outlive this object.
    [[nodiscard]] virtual asio::awaitable<result<>> open(message_sink& to, steady_time until) = 0;
    /// Sends a request and waits for its answer. What comes with it goes to the sink. Both arguments must outlive the wait.
    [[nodiscard]] virtual asio::awaitable<result<incoming_answer>>
    exchange(outgoing_message const& request, call_time const& time) = 0;
    /// Sends what has no answer: a notification, or the answer to a request of the server.
    [[nodiscard]] virtual asio::awaitable<result<>> post(outgoing_message const& message,
                                                         steady_time until) = 0;
    /// Receives what the server sends of its own accord, where that takes a stream of its own (legacy HTTP); ends where
    /// there is no such stream.
    [[nodiscard]] virtual asio::awaitable<void> listen() = 0;
    /// Says goodbye.
    [[nodiscard]] virtual asio::awaitable<void> close(steady_time until) = 0;

    /// Sets the revision that is spoken from now on; empty before it is agreed.
    virtual void speak(std::optional<revision> agreed) = 0;
    /// Whether messages are repeated in header fields.
    [[nodiscard]] virtual bool has_fields() const noexcept = 0;
    /// Whether a server that knows nothing of an unknown request may keep silent, and worse, stop (stdio).
    [[nodiscard]] virtual bool may_be_silent() const noexcept = 0;
    /// Whether giving up an exchange is enough to tell the server so.
    [[nodiscard]] virtual bool tells_of_cancellation() const noexcept = 0;
    /// Whether messages can be sent: not before `open`, nor after the server has gone.
    [[nodiscard]] virtual bool is_open() const noexcept = 0;
};

/// Bounds of what a server sends.
struct message_limits {
    std::size_t max_bytes = 8 * 1024 * 1024; ///< of one message
    std::size_t max_depth = 64;              ///< of its arrays and objects
};

namespace detail {

/// Reads the text of one message, or of a batch as servers of 2025-03-26 may send, and calls `take(document, message)`
/// for each, and `stray()` for what cannot be read.
template <class Stray, class Take>
void read_messages(std::string_view text, message_limits const& limits, Stray&& stray,
                   Take&& take) {
    json::parse_limits bounds;
    bounds.max_bytes = limits.max_bytes;
    bounds.max_depth = limits.max_depth;
    auto document = json::parse(text, bounds);
    if (!document) return stray();
    auto const take_one = [&](boost::json::value& one) {
        auto const message = rpc::read(one);
        if (message)
            take(one, *message);
        else
            stray();
    };
    if (!document->is_array()) return take_one(*document);
    for (boost::json::value& one : document->get_array()) take_one(one);
}

} // namespace detail

} // namespace mcp_provider::mcp
