// One linked adapter, as the bridge sees it: its requests, and what they have to say.
#pragma once

#include "bridge/link_server.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/websocket.hpp"

#include <asio/awaitable.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mcp_provider::server::bridge {

/// Speaks with one adapter until either goes. *Thread safety*: used on the connection's thread only.
class link_session final : public std::enable_shared_from_this<link_session> {
public:
    link_session(std::shared_ptr<link_surroundings const> around, std::string who,
                 audited const& proof, std::shared_ptr<http::duplex> on);
    link_session(link_session const&) = delete;
    link_session& operator=(link_session const&) = delete;
    ~link_session() = default;

    /// Runs until the link has ended and no request is left that uses the proof.
    asio::awaitable<end_cause> run();
    /// Takes no new request, and ends when those that run have ended.
    void drain();
    /// As `drain`, from any thread.
    static void drain_soon(std::shared_ptr<link_session> const& self);

private:
    static constexpr std::size_t most_requests = 4096;
    static constexpr std::size_t most_queued = 512 * 1024; ///< then no agent is asked for more
    static constexpr std::size_t few_queued = 128 * 1024;
    /// Pieces that come so soon after a message share the next one: under load a message costs both ends more than
    /// what stands in it. The first piece of an answer is never held back.
    static constexpr std::chrono::microseconds gather{150};
    /// That the agent has taken a request is told with its first piece, if that comes so soon.
    static constexpr std::chrono::milliseconds opening{2};

    /// A request that runs.
    class request {
    public:
        request(std::uint64_t its_id, asio::any_io_executor const& on)
            : id{its_id}, wake{on, steady_time::max()} {}
        std::uint64_t id;
        std::int64_t credit = first_credit;
        asio::steady_timer wake; ///< never expires: its wait ends when there is credit
        asio::cancellation_signal stop;
        bool is_stopped = false;
        bool has_spoken = false;
    };
    using request_pointer = std::shared_ptr<request>;

    bool on_message(net::websocket_message const& message);
    result<> on_line(link_line& line);
    result<> begin(link_line& line);
    void cancel(std::uint64_t id);
    void end(std::uint64_t id);

    static asio::awaitable<void> answer(std::shared_ptr<link_session> self, request_pointer one,
                                        std::shared_ptr<agent::conversation const> ask);
    static asio::awaitable<void> embed(std::shared_ptr<link_session> self, request_pointer one,
                                       std::shared_ptr<agent::embedding_request const> ask);
    /// Waits until the request may say more.
    asio::awaitable<void> may_go_on(request_pointer one);
    void fail(request& one, rejection const& why);

    static asio::awaitable<void> look_around(std::shared_ptr<link_session> self);
    void tell_models();
    void tell_listening();
    /// Has what `lines_` holds sent, together with what is written before the thread waits again.
    void send_soon() { send_at(steady_time::min()); }
    /// Has what `lines_` holds sent at that time, where nothing has it sent before.
    void send_at(steady_time when);
    /// Has it sent together with what comes within `gather` of the last message.
    void send_with_others();
    void send_now();
    void close_if_drained();

    std::shared_ptr<link_surroundings const> around_;
    std::string who_; ///< the id of the token that opened the link
    audited const& proof_;
    asio::any_io_executor executor_;
    net::websocket socket_;
    link_reader reader_;
    link_line line_;
    std::string lines_; ///< to be sent as one message
    std::unordered_map<std::uint64_t, request_pointer> requests_;
    agent::model_list told_;
    asio::steady_timer clock_;
    asio::steady_timer all_ended_;
    bool greeted_ = false;
    bool is_heard_ = false;
    asio::steady_timer gathering_;
    steady_time due_ = steady_time::max(); ///< when what `lines_` holds will be sent
    steady_time sent_{};                   ///< when the last message went out
    bool drains_ = false;
    bool over_ = false;
};

} // namespace mcp_provider::server::bridge
