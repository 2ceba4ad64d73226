// Makes the agent that the configuration names.
#pragma once

#include "agents/permission_desk.hpp"
#include "config/config.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/events/feed.hpp"
#include "ops/health.hpp"

#include <asio/io_context.hpp>

#include <functional>
#include <memory>

namespace mcp_provider::mcp {
class server;
}

namespace mcp_provider::server {

/// An agent, with what it does beside answering (asking its upstream for models).
struct chosen_agent {
    std::shared_ptr<agent::agent> agent;          ///< null where this version has none of the kind
    std::function<void(asio::io_context&)> start; ///< once, before the context runs; may be empty
    std::function<void()> stop;                   ///< once; may be empty
    std::function<health()> look;                 ///< how it is doing; may be empty
    /// Says whom to ask about permissions; before `start`; empty where the agent asks for none.
    std::function<void(std::shared_ptr<agents::permission_desk>)> use_desk;
    std::function<void(mcp::server&)> offer; ///< adds tools for MCP hosts; may be empty
    /// Has it tell watchers what becomes of its processes; before `start`; empty where it has none.
    std::function<void(std::shared_ptr<events::feed>)> announce;
};

/// The agent of a configuration. *Errors*: throws what the agent's construction throws.
[[nodiscard]] chosen_agent make_agent(config const& from);

} // namespace mcp_provider::server
