// generate-reference: the documentation page and the schemas of the configuration, as they are
// committed.
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/reference.hpp"

#include <CLI/Validators.hpp>

#include <memory>
#include <ostream>

namespace mcp_provider::server {

void add_reference_command(command_tree& to) {
    auto const form = std::make_shared<std::string>("page");
    CLI::App& command = to.add(
        to.root(), "generate-reference", "Print what is generated from the table of settings",
        [form](sources const&, surroundings const& around) {
            around.out << (*form == "page"         ? reference_page()
                           : *form == "env-schema" ? json_schema(home::env)
                                                   : json_schema(home::security));
            return exit_done;
        });
    command.add_option("--format", *form, "The documentation page, or the JSON Schema of a file")
        ->check(CLI::IsMember({"page", "env-schema", "security-schema"}));
    command.group(""); // not shown in help
}

} // namespace mcp_provider::server
