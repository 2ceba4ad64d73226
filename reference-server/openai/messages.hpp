// The messages of a chat in the OpenAI dialect.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/json/reader.hpp"

#include <vector>

namespace mcp_provider::server::openai {

/// Reads `messages`. `developer` becomes `system` and the old `function` becomes `tool`; texts of several parts are
/// joined by line breaks. Complains of what is malformed, of media that cannot be passed on, and of too much text.
[[nodiscard]] std::vector<agent::message> read_messages(json::reader messages,
                                                        generation_rules const& allowed);

} // namespace mcp_provider::server::openai
