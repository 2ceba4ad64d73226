// The commands, each added by its own file. A new command is a line here, and one in
// `add_all_commands`.
#pragma once

#include "commands/command_tree.hpp"

namespace mcp_provider::server {

void add_server_commands(command_tree& to);    ///< serve, adapter, bridge, check-config
void add_token_commands(command_tree& to);     ///< token create, list, revoke, rotate
void add_session_commands(command_tree& to);   ///< session list, suspend, revoke, reset
void add_block_commands(command_tree& to);     ///< block list, add, remove
void add_incident_commands(command_tree& to);  ///< incident breach, log-level, notify, ...
void add_scan_command(command_tree& to);       ///< scan
void add_audit_commands(command_tree& to);     ///< audit verify, head, tail
void add_backup_commands(command_tree& to);    ///< backup, backup verify, restore
void add_health_command(command_tree& to);     ///< health
void add_completion_command(command_tree& to); ///< completion
void add_reference_command(command_tree& to);  ///< generate-reference, which help does not show
void add_help_command(command_tree& to);       ///< help

} // namespace mcp_provider::server
