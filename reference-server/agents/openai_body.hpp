// Writes the request that an OpenAI-compatible upstream gets for a conversation.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/conversation.hpp"

#include <string>
#include <string_view>

namespace mcp_provider::server::agents {

/// How far an upstream may be taken at its word about the API.
enum class openai_kind : unsigned char {
    original,   ///< OpenAI's own: `max_completion_tokens`; refuses members that it does not know
    compatible, ///< llama.cpp, vLLM, Ollama, LM Studio, ...: `max_tokens`; members beyond the API where they have a meaning
};

/// The body of POST /chat/completions, or of POST /completions where the conversation is a completion.
/// A tool's answer without the id of its call gets the one of the call that it must belong to.
/// *Complexity*: linear.
[[nodiscard]] std::string openai_body(agent::conversation const& ask, std::string_view model,
                                      openai_kind kind);

/// The body of POST /embeddings.
[[nodiscard]] std::string openai_embedding_body(agent::embedding_request const& ask,
                                                std::string_view model);

} // namespace mcp_provider::server::agents
