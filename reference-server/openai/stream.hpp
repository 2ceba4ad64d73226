// Answers as server-sent events, written as the agent gives them.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "openai/answer.hpp"

#include <memory>

namespace mcp_provider::server::openai {

/// A stream of `chat.completion.chunk`s. The agent is asked in its first `next`.
/// *Lifetime*: `agents`, `ask` and `proof` must outlive it; `head` is copied.
/// *Complexity*: no allocation a token once the connection's buffer has grown.
[[nodiscard]] std::unique_ptr<http::body_stream>
stream_chat(agent::agent& agents, agent::conversation const& ask, audited const& proof,
            answer_head const& head, bool include_usage);

/// A stream of `text_completion`s. See `stream_chat`.
[[nodiscard]] std::unique_ptr<http::body_stream>
stream_completion(agent::agent& agents, agent::conversation const& ask, audited const& proof,
                  answer_head const& head, bool include_usage);

} // namespace mcp_provider::server::openai
