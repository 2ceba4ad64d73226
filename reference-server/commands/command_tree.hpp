// The program's commands as one tree: what parses the command line, prints help, and makes shell
// completions.
#pragma once

#include "commands/surroundings.hpp"
#include "config/load.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// How the program calls itself.
inline constexpr char const* program_name = "mcp-local-provider";

/// A tree of commands. Each command's file adds itself with `add`; the options that it reads live
/// in its action. *Thread safety*: shared objects unsafe.
class command_tree {
public:
    /// What a command does; returns the exit code. `from` is where the configuration is, by the
    /// options of the root.
    using action = std::function<int(sources const& from, surroundings const& around)>;

    /// Makes the root with its own options and no commands.
    command_tree();

    [[nodiscard]] CLI::App& root() noexcept { return root_; }

    /// Adds a command, or a group of commands where there is no action.
    CLI::App& add(CLI::App& parent, std::string name, std::string description, action does = {});

    /// Reads a command line without the program's name, and does what it says. Returns the exit
    /// code.
    [[nodiscard]] int run(std::vector<std::string> words, surroundings const& around);

    /// The help of the command that `words` lead to; says so on `err` where they lead nowhere.
    [[nodiscard]] int print_help(std::vector<std::string> const& words, surroundings const& around);

private:
    [[nodiscard]] int refuse(std::vector<std::string> const& words, std::string const& why,
                             surroundings const& around);

    CLI::App root_;
    sources files_;
    std::string env_file_;
    std::string security_file_;
    action chosen_;
};

/// Every command of the program.
void add_all_commands(command_tree& to);

} // namespace mcp_provider::server
