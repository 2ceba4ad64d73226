// One link to the bridge, as the adapter sees it.
#pragma once

#include "agents/delta_channel.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/websocket.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mcp_provider::server::bridge {

/// *Thread safety*: used on the link's thread only.
class link_connection final : public std::enable_shared_from_this<link_connection> {
public:
    /// What the owner of a link learns from it.
    struct listener {
        std::function<void(agent::model_list)> on_models;
        std::function<void(bool)> on_listening; ///< whether anybody at the bridge listens to events
        std::function<void()> on_change;        ///< ready, draining or over
    };

    link_connection(std::shared_ptr<http::duplex> on, listener tell);
    link_connection(link_connection const&) = delete;
    link_connection& operator=(link_connection const&) = delete;
    ~link_connection() = default;

    /// Runs until the link has ended; then every request of it has failed.
    asio::awaitable<void> run();
    /// Whether the bridge has said hello, and takes requests.
    [[nodiscard]] bool accepts() const noexcept {
        return greeted_ && !drains_ && !retires_ && !socket_.is_closing();
    }
    [[nodiscard]] bool is_over() const noexcept { return over_; }
    /// Whether the bridge is about to stop.
    [[nodiscard]] bool drains() const noexcept { return drains_; }
    /// Why it is over. Precondition: it is.
    [[nodiscard]] net::websocket_end const& end() const noexcept { return socket_.end(); }

    /// Begins a request whose line (`generate` or `embed`) has been written. Precondition: `accepts()`.
    void begin(std::uint64_t id, std::string_view line,
               std::shared_ptr<agents::delta_channel> channel);
    /// The client has left: the agent must stop. Does nothing for a request of another link.
    void cancel(std::uint64_t id);
    /// The client has read on. Does nothing for a request of another link.
    void on_room(std::uint64_t id);
    /// Sends what others have written as lines.
    void send(std::string_view lines);
    /// Takes no new request, and ends when those that run have ended.
    void retire();
    /// Ends it now.
    void close(std::uint16_t code, std::string_view reason) { socket_.close(code, reason); }

private:
    struct request {
        std::shared_ptr<agents::delta_channel> channel;
        std::int64_t credit = first_credit; ///< that the bridge has left
    };

    bool on_message(net::websocket_message const& message);
    result<> on_line(link_line& line);
    void on_piece(link_line const& line);
    result<> on_vector(link_line const& line);
    void give_credit(std::uint64_t id, request& one);
    void send_soon();
    void close_if_idle();

    listener tell_;
    asio::any_io_executor executor_;
    net::websocket socket_;
    link_reader reader_;
    link_line line_;
    std::string lines_; ///< to be sent as one message
    std::unordered_map<std::uint64_t, request> requests_;
    bool greeted_ = false;
    bool sends_soon_ = false;
    bool drains_ = false;
    bool retires_ = false;
    bool over_ = false;
};

/// The bounds of a link's WebSocket, on either side.
[[nodiscard]] net::websocket_limits limits_of_link() noexcept;

} // namespace mcp_provider::server::bridge
