// serve, adapter, bridge and check-config: what needs the whole configuration.
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/problem.hpp"
#include "keys/key_file.hpp"

#include <memory>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::pair<char const*, run_mode> modes[] = {
    {"serve", run_mode::serve}, {"adapter", run_mode::adapter}, {"bridge", run_mode::bridge}};

int run_mode_in_foreground(run_mode mode, sources const& from, surroundings const& around) {
    loaded outcome = make_own_secrets(from, mode);
    if (outcome.settings) return around.run_server(std::move(outcome.settings), mode);
    print(around.err, outcome.problems, around.colour);
    around.err << "nothing was started\n";
    return exit_configuration;
}

/// The problems that would keep the server from starting, those of the key file too.
std::vector<problem> all_problems(sources const& from, run_mode mode) {
    loaded const outcome = load(from, mode);
    if (!outcome.settings) return outcome.problems;
    try {
        (void)read_key_file(outcome.settings->keys_file());
    } catch (key_file_error const& failure) {
        return {{outcome.settings->keys_file().string(), 0, {}, {}, failure.what(), {}, {}}};
    }
    return {};
}

int check_configuration(run_mode mode, bool as_json, sources const& from,
                        surroundings const& around) {
    std::vector<problem> const problems = all_problems(from, mode);
    if (as_json)
        around.out << to_json(problems) << '\n';
    else if (problems.empty())
        around.out << "the configuration is in order\n";
    else
        print(around.err, problems, around.colour);
    return problems.empty() ? exit_done : exit_configuration;
}

} // namespace

void add_server_commands(command_tree& to) {
    char const* const descriptions[] = {
        "Run adapter and bridge in one process, in the foreground",
        "Run the adapter alone: the HTTP APIs that editors and SDKs talk to",
        "Run the bridge alone: the part that talks to agents"};
    for (std::size_t i = 0; i != std::size(modes); ++i)
        to.add(to.root(), modes[i].first, descriptions[i],
               [mode = modes[i].second](sources const& from, surroundings const& around) {
                   return run_mode_in_foreground(mode, from, around);
               });

    struct options {
        std::string mode = "serve";
        bool as_json = false;
    };
    auto const chosen = std::make_shared<options>();
    CLI::App& check =
        to.add(to.root(), "check-config", "Tell all problems of the configuration; exit 0 or 78",
               [chosen](sources const& from, surroundings const& around) {
                   for (auto const& [name, mode] : modes)
                       if (chosen->mode == name)
                           return check_configuration(mode, chosen->as_json, from, around);
                   return exit_usage;
               });
    check.add_option("--mode", chosen->mode, "The command that the configuration is for")
        ->check(CLI::IsMember({"serve", "adapter", "bridge"}));
    check.add_flag("--json", chosen->as_json, "Print the problems as JSON on stdout");
}

} // namespace mcp_provider::server
