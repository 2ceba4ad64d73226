// The words of `codex app-server`, as far as the bridge needs them: JSON-RPC without its `jsonrpc` member.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/rejection.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents::codex {

/// What `initialize` says of us.
[[nodiscard]] std::string initialize_params();

/// The names of the MCP servers in the user's configuration, out of `config/read`.
[[nodiscard]] std::vector<std::string> mcp_servers_of(boost::json::value const& config);
/// The models that can be asked for: the one that is configured, and where the models are OpenAI's, those of `model/list`.
[[nodiscard]] std::vector<agent_model> models_of(boost::json::value const& config,
                                                 boost::json::value const& list);
/// Whether somebody must log in first, out of `account/read`.
[[nodiscard]] bool needs_login(boost::json::value const& account);

/// `thread/start`. Without tools the model has nothing but words, and instructions that are the caller's alone. With tools it
/// has a shell in a sandbox that can only read, and asks for more. In either case it has no web, and none of the MCP
/// servers, hooks and plugins of the user who runs it.
[[nodiscard]] std::string thread_params(std::string_view directory, agent_prompt const& first,
                                        bool with_tools,
                                        std::vector<std::string> const& mcp_servers);
/// `thread/inject_items`: what was said before.
[[nodiscard]] std::string history_params(std::string_view thread,
                                         std::vector<agent::message> const& history);
/// `turn/start`.
[[nodiscard]] std::string turn_params(std::string_view thread, agent_prompt const& what);
/// `turn/interrupt`.
[[nodiscard]] std::string interrupt_params(std::string_view thread, std::string_view turn);

/// A question of the agent's, and the two answers to it. Without a `question`, it is only ever refused.
class approval {
public:
    /// Nothing is known of the method: it must be answered with an error.
    [[nodiscard]] bool is_unknown() const noexcept { return refused.empty(); }
    [[nodiscard]] bool may_be_allowed() const noexcept { return !allowed.empty(); }

    permission_question question;
    std::string_view allowed; ///< the result, as JSON
    std::string_view refused;
};
[[nodiscard]] approval read_approval(std::string_view method, boost::json::value const* params);

/// Why a turn failed, out of the `error` of `turn/completed`.
[[nodiscard]] rejection failure_of(boost::json::value const* error);
/// The tokens of the whole thread, out of `thread/tokenUsage/updated`.
[[nodiscard]] agent::usage usage_of(boost::json::value const* params);

} // namespace mcp_provider::server::agents::codex
