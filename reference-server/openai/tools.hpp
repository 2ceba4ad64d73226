// Tools of the OpenAI dialect: what is offered, which one must be called, and which were called before.
#pragma once

#include "mcp_provider/agent/tool.hpp"
#include "mcp_provider/json/reader.hpp"

#include <string>
#include <vector>

namespace mcp_provider::server::openai {

/// Reads `tools`, and adds the types that their schemas leave out (see `repaired_tool_schema`).
/// Complains of other kinds than functions, and of the form before tools (`functions`).
[[nodiscard]] std::vector<agent::tool> read_tools(json::reader in);

/// Reads `tool_choice`. Complains of a choice that the offered tools cannot meet.
[[nodiscard]] agent::tool_choice read_tool_choice(json::reader in,
                                                  std::vector<agent::tool> const& offered);

/// Reads the calls of an assistant's earlier message, in today's form and as `function_call`.
[[nodiscard]] std::vector<agent::tool_call> read_tool_calls(json::reader message);

/// The identifier of a call that was made in the form before tools, which has none.
[[nodiscard]] std::string identifier_of_function_call(std::string_view function);

} // namespace mcp_provider::server::openai
