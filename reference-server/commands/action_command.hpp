// What commands that run an action of the playbook have in common.
#pragma once

#include "commands/command_tree.hpp"
#include "commands/control_call.hpp"

namespace mcp_provider::server {

inline void add_dry_run(CLI::App& command, bool& chosen) {
    command.add_flag("--dry-run", chosen, "Say what would be done, and do nothing");
}

} // namespace mcp_provider::server
