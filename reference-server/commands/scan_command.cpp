// scan: the security checklist, against this installation.
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "config/private_file.hpp"
#include "config/problem.hpp"
#include "scan/checks.hpp"
#include "scan/render.hpp"
#include "scan/rules.hpp"

#include <exception>
#include <memory>
#include <ostream>
#include <string>

namespace mcp_provider::server {

namespace {

struct scan_options {
    std::string format = "text";
    bool as_json = false;
};

int run_scan(scan_options const& options, sources const& from, surroundings const& around) {
    std::string const format = options.as_json ? "json" : options.format;
    scan::report found;
    loaded whole = load(from, run_mode::serve);
    for (problem const& one : whole.problems)
        found.add(scan::rules::configuration, one.file + (one.key.empty() ? "" : ": " + one.key),
                  one.message);
    // What is wrong with some keys must not keep the rest from being looked at.
    std::shared_ptr<config const> settings = whole.settings;
    if (!settings) settings = load_only(from, {"STATE_DIR"}).settings;
    if (!settings) {
        print(around.err, whole.problems, around.colour);
        return exit_configuration;
    }
    try {
        scan::check_files(found, *settings, from, around.now());
        if (whole.settings) scan::check_configuration(found, *settings);
        scan::check_running_server(found, *settings);
    } catch (std::exception const& failure) {
        around.err << program_name << ": the scan cannot go on: " << failure.what() << '\n';
        return exit_configuration;
    }
    if (format == "sarif")
        around.out << scan::as_sarif(found);
    else if (format == "json")
        around.out << scan::as_json(found, around.now());
    else
        around.out << scan::as_text(found, around.colour);
    // For the metrics of a running server; a scan of an installation that cannot be written to is one all the same.
    if (auto const failure = replace_private_file(settings->state_directory / "scan.json",
                                                  scan::as_json(found, around.now())))
        around.err << program_name << ": the result could not be kept: " << failure.message()
                   << '\n';
    return found.count(scan::severity::high) != 0 ? exit_found : exit_done;
}

} // namespace

void add_scan_command(command_tree& to) {
    auto const chosen = std::make_shared<scan_options>();
    CLI::App& command =
        to.add(to.root(), "scan",
               "Check this installation against the security checklist; exit 1 on a high finding",
               [chosen](sources const& from, surroundings const& around) {
                   return run_scan(*chosen, from, around);
               });
    command.add_option("--format", chosen->format, "text, json or sarif")
        ->check(CLI::IsMember({"text", "json", "sarif"}))
        ->capture_default_str();
    command.add_flag("--json", chosen->as_json, "The same as --format json");
}

} // namespace mcp_provider::server
