// The tools with which an MCP host fetches prompts and answers them.
#pragma once

#include "agents/host_wait.hpp"
#include "agents/prompt_queue.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <memory>

namespace mcp_provider::server::agents {

/// Adds `get_next_prompt`, `append_response`, `submit_response`, `fail_prompt`, and the prompt `answer_prompts` by which a
/// person starts a host's loop. *Lifetime*: the server must not outlive the queue's users.
void add_pull_tools(mcp::server& to, std::shared_ptr<prompt_queue> queue);

} // namespace mcp_provider::server::agents
