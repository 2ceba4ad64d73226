#include "commands/command_list.hpp"

#include <memory>

namespace mcp_provider::server {

void add_help_command(command_tree& to) {
    auto const words = std::make_shared<std::vector<std::string>>();
    CLI::App& help = to.add(to.root(), "help", "Print the help of a command",
                            [&to, words](sources const&, surroundings const& around) {
                                return to.print_help(*words, around);
                            });
    help.add_option("COMMAND", *words, "The command, such as `token create`");
}

void add_all_commands(command_tree& to) {
    add_server_commands(to);
    add_token_commands(to);
    add_session_commands(to);
    add_block_commands(to);
    add_incident_commands(to);
    add_scan_command(to);
    add_audit_commands(to);
    add_backup_commands(to);
    add_health_command(to);
    add_completion_command(to);
    add_reference_command(to);
    add_help_command(to);
}

} // namespace mcp_provider::server
