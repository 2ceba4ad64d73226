// `AGENT=mcp-sampling`: answers come from the models of MCP clients that let servers ask them (sampling).
#pragma once

#include "agents/host_wait.hpp"
#include "agents/prompt_queue.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/mcp/server.hpp"

#include <boost/json/value.hpp>

#include <memory>
#include <string>
#include <utility>

namespace mcp_provider::server::agents {

/// Writes a conversation as the params of `sampling/createMessage`. Tools and images are not in it: the model says that it
/// has neither, so that they were refused before. `id` is the client's own name of a model, or empty.
[[nodiscard]] std::string sampling_params(agent::conversation const& ask, std::string_view id);

/// What a client's `CreateMessageResult` says. *Errors*: `upstream_failed` where there is no text in it.
[[nodiscard]] result<std::pair<std::string, agent::finish_reason>>
sampled_text(boost::json::value const& answer);

/// Adds `serve_prompts`, during whose call prompts go to the client's model: as requests to a legacy client, as rounds of
/// input to a modern one. Sampling does not stream, so an answer comes as one piece.
void add_sampling_tool(mcp::server& to, std::shared_ptr<prompt_queue> queue);

} // namespace mcp_provider::server::agents
