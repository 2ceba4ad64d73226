// Runs an action of the playbook for a command: in the running server, or on the state files where none runs.
#pragma once

#include "commands/surroundings.hpp"
#include "config/load.hpp"

#include <boost/json/object.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// What became of an action.
struct action_outcome {
    int code;                 ///< what the command exits with
    boost::json::object told; ///< where `code` is 0
};

/// Runs the action; what went wrong is printed on `err`. `needs_server`: it cannot be done on files alone.
[[nodiscard]] action_outcome run_action(std::string_view action,
                                        boost::json::object const& arguments, bool needs_server,
                                        sources const& from, surroundings const& around);

} // namespace mcp_provider::server
