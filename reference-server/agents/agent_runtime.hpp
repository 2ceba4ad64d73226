// Agents that the bridge starts: what all kinds of them have in common.
#pragma once

#include "agents/agent_driver.hpp"
#include "agents/permission_rules.hpp"
#include "agents/process_pool.hpp"
#include "mcp_provider/agent/agent.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

struct runtime_settings {
    pool_settings pool;
    std::size_t max_waiting = 64;  ///< AGENT_QUEUE: requests that wait for a process; beyond, 503
    std::size_t max_sessions = 64; ///< AGENT_SESSIONS: that wait for their conversation to go on
    std::chrono::seconds session_time{1'800};       ///< AGENT_SESSION_TTL_SECONDS
    std::chrono::milliseconds request_time{30'000}; ///< to the agent's first sign of life
    std::chrono::milliseconds stream_time{60'000};  ///< between two signs of life
    std::chrono::milliseconds cancel_time{
        3'000}; ///< a cancelled turn may go on so long; then its process is killed
    std::chrono::milliseconds permission_time{45'000}; ///< for somebody to answer a question
    std::size_t max_answer_bytes = 16 * 1024 * 1024;
    std::size_t max_permissions =
        100; ///< questions of one turn; an agent that asks more asks for ever
    permission_rules permissions;
    std::vector<std::pair<std::string, std::string>> aliases; ///< MODEL_ALIASES
    std::uint64_t context_tokens = 131'072;
    std::vector<std::string> environment; ///< of the agents; its secrets appear in no message
};

class agent_engine;

/// Is told when a process is `started`, `ready`, has `crashed` or `failed`, and why. Called on the runtime's thread.
using state_listener = std::function<void(std::string_view state, std::string_view why)>;

/// What is known of the processes, for health.
struct runtime_state {
    std::size_t ready = 0;
    std::size_t turns = 0;
    std::size_t waiting = 0;
    std::size_t sessions = 0;
    std::string failure; ///< of the last start, while none is ready
};

/// Answers conversations with agent processes of one kind: kept warm, restarted, bounded in every way. A conversation that
/// goes on is continued in the session that holds its past; a client's leaving cancels the turn at once.
/// All processes live on one thread; `generate` may be called from any.
class agent_runtime final : public agent::agent {
public:
    agent_runtime(std::shared_ptr<agent_driver const> driver, runtime_settings settings);
    ~agent_runtime() override;

    /// Whom to ask where the rules say so; before `start`. Without one, such questions are refused.
    void use_desk(std::shared_ptr<permission_desk> desk);
    /// Whom to tell what becomes of the processes; before `start`.
    void tell_states_to(state_listener one);
    /// Starts the processes. The context must be run by one thread, and outlive `stop`.
    void start(asio::io_context& on);
    /// Ends all answers and processes, and waits for that, a few seconds at most. Not from the context's thread.
    void stop();

    [[nodiscard]] mcp_provider::agent::model_list models() const override;
    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override;
    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override;

    /// *Thread safety*: safe; from memory.
    [[nodiscard]] runtime_state state() const;

private:
    std::shared_ptr<agent_engine> engine_;
};

} // namespace mcp_provider::server::agents
