// One request on its way through an agent process: what the agent says becomes deltas, within bounds.
#pragma once

#include "agents/agent_driver.hpp"
#include "agents/conversation_text.hpp"
#include "agents/delta_channel.hpp"
#include "agents/permission_rules.hpp"
#include "agents/stop_cutter.hpp"

#include <asio/cancellation_signal.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

struct turn_limits {
    std::chrono::milliseconds request_time;
    std::chrono::milliseconds stream_time;
    std::chrono::milliseconds permission_time;
    std::size_t max_answer_bytes;
    std::size_t max_permissions;
};

/// *Thread safety*: used on the runtime's thread, but for its making. Held by `std::shared_ptr`.
class agent_turn final : public turn_sink, public std::enable_shared_from_this<agent_turn> {
public:
    agent_turn(asio::any_io_executor on, agent::conversation const& ask, std::string model,
               std::string_view family, turn_limits const& limits);

    /// Connects it with its reader. `on_wish` is called when the turn shall be cancelled, or may be read on.
    /// To be called once, before anything else.
    [[nodiscard]] std::unique_ptr<agent::delta_stream> open(std::function<void()> on_wish);

    [[nodiscard]] conversation_text const& asked() const noexcept { return asked_; }
    [[nodiscard]] std::string const& model() const noexcept { return model_; }

    // turn_sink
    void text(std::string_view piece) override;
    void reasoning(std::string_view piece) override;
    void at_work() override { stay_alive(); }
    [[nodiscard]] asio::awaitable<permission_verdict>
    permission(permission_question question) override;
    [[nodiscard]] bool has_room() override;

    void use(permission_rules const* rules, std::shared_ptr<permission_desk> desk);

    /// The agent has the prompt: from here on a failure is part of the stream.
    void begin(std::size_t prompt_bytes);
    /// The agent is done: the rest goes out, with what must be said of refused permissions.
    void finish(turn_end const& end);
    void fail(rejection why);

    /// Whether the agent shall stop: nobody wants more of the answer.
    [[nodiscard]] bool is_unwanted() const noexcept { return unwanted_; }
    /// Whether all was said and the client saw all of it, so that the conversation can go on from here.
    [[nodiscard]] bool went_well() const noexcept { return well_; }
    /// The answer as the client has it.
    [[nodiscard]] std::string const& answer() const noexcept { return said_; }
    /// Whether the agent has shown no sign of life for too long.
    [[nodiscard]] bool is_late(steady_time now) const noexcept {
        return !unwanted_ && now >= alive_until_;
    }
    /// No answer is wanted from here on: the client has left, or the server stops.
    void give_up();

    asio::steady_timer bell;                 ///< wakes the turn where it waits for a process
    std::optional<steady_time> cancelled_at; ///< when the process was told to stop it

private:
    void say(std::string_view piece);
    void push(agent::delta::kind what, std::string_view piece);
    void stay_alive();
    void want_no_more();
    void end_with(agent::finish_reason why);
    [[nodiscard]] agent::usage estimated() const noexcept;
    [[nodiscard]] std::string about_refusals() const;

    asio::any_io_executor executor_;
    conversation_text asked_;
    std::string model_;
    std::string caller_;
    std::string_view family_;
    turn_limits limits_;
    stop_cutter cutter_;
    std::shared_ptr<delta_channel> channel_;
    std::function<void()> on_wish_;
    permission_rules const* rules_ = nullptr;
    std::shared_ptr<permission_desk> desk_;
    asio::cancellation_signal stop_asking_;
    steady_time alive_until_;
    std::string said_;
    std::vector<std::string> refused_; ///< what the agent was not allowed to do
    std::size_t said_at_refusal_ = 0;
    std::size_t permissions_ = 0;
    std::size_t prompt_bytes_ = 0;
    std::size_t reasoned_bytes_ = 0;
    std::size_t bytes_without_room_ = 0;
    bool begun_ = false;
    bool spoke_ = false;
    bool ended_ = false;
    bool unwanted_ = false;
    bool well_ = false;
};

} // namespace mcp_provider::server::agents
