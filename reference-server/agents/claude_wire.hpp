// The lines of Claude Code's stream-json, as far as the bridge needs them.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/core/result.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents::claude {

/// The command with what the bridge relies on behind it. Without tools the model has none of its own.
[[nodiscard]] std::vector<std::string> command_line(std::vector<std::string> command,
                                                    bool with_tools);
/// The environment, with what would let a prompt read files, and let files of the user speak to the model, switched off.
[[nodiscard]] std::vector<std::string> environment(std::vector<std::string> variables);

// What we write. Each is a whole line, without its end.

[[nodiscard]] std::string list_models(std::string_view id);
/// Its first one counts, and holds the instructions: without tools they are the caller's alone, with tools they go behind its own.
[[nodiscard]] std::string initialize(std::string_view id, std::string_view system, bool with_tools);
/// Chooses a model and how hard it thinks, without a trace in the conversation; what is empty stays as it is.
[[nodiscard]] std::string choose(std::string_view id, std::string_view model,
                                 std::string_view effort);
[[nodiscard]] std::string interrupt(std::string_view id);
[[nodiscard]] std::string user(agent_prompt const& what);
/// Lets a tool be used as it was asked for, once.
[[nodiscard]] std::string allow(std::string_view id, boost::json::value const& input);
[[nodiscard]] std::string deny(std::string_view id);
/// Answers what we know nothing of.
[[nodiscard]] std::string unsupported(std::string_view id);

// What it writes.

[[nodiscard]] std::vector<agent_model> models_of(boost::json::value const& list);
/// Whether somebody must log in first, out of the answer to `initialize`.
[[nodiscard]] bool needs_login(boost::json::value const& initialized);
/// What it wants to do, out of the request `can_use_tool`.
[[nodiscard]] permission_question question_of(boost::json::value const& request);
/// How a turn ended, out of the line `result`. `was_cancelled`: whether we wanted it to.
[[nodiscard]] result<turn_end> end_of(boost::json::value const& line, bool was_cancelled);

} // namespace mcp_provider::server::agents::claude
