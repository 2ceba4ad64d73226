// incident: the rest of the playbook, in a running server.
#include "commands/action_command.hpp"
#include "commands/command_list.hpp"
#include "commands/duration.hpp"
#include "commands/exit_code.hpp"

#include <boost/json/serialize.hpp>

#include <memory>
#include <ostream>
#include <string>
#include <utility>

namespace mcp_provider::server {

namespace {

/// Runs an action, and prints what the server tells of it.
int run(std::string_view action, boost::json::object const& arguments, sources const& from,
        surroundings const& around) {
    action_outcome const outcome = run_action(action, arguments, true, from, around);
    if (outcome.code != exit_done) return outcome.code;
    around.out << boost::json::serialize(outcome.told) << '\n';
    auto const* const ok = outcome.told.if_contains("ok");
    return ok != nullptr && ok->is_bool() && !ok->get_bool() ? exit_found : exit_done;
}

void add_plain(command_tree& to, CLI::App& group, std::string name, std::string action,
               std::string help, bool changes) {
    auto const dry_run = std::make_shared<bool>(false);
    CLI::App& command =
        to.add(group, std::move(name), std::move(help),
               [dry_run, changes, action](sources const& from, surroundings const& around) {
                   boost::json::object arguments;
                   if (changes) arguments["dry_run"] = *dry_run;
                   return run(action, arguments, from, around);
               });
    if (changes) add_dry_run(command, *dry_run);
}

} // namespace

void add_incident_commands(command_tree& to) {
    CLI::App& incident =
        to.add(to.root(), "incident", "Respond to an incident in a running server; prints JSON");
    add_plain(to, incident, "breach", "breach",
              "Revoke all sessions, raise the log level for an hour, tell the administrators",
              true);
    add_plain(to, incident, "reload", "reload", "Read configuration and rules again", true);
    add_plain(to, incident, "restart-agent", "restart-agent", "Start the agent's processes anew",
              true);
    add_plain(to, incident, "verify-audit", "audit/verify", "Check the audit chain", false);
    add_plain(to, incident, "integrity", "integrity",
              "Check the installation: files, modes, configuration", false);

    struct level_options {
        std::string level;
        std::string length = "10m";
        bool dry_run = false;
    };
    auto const level = std::make_shared<level_options>();
    CLI::App& log_level =
        to.add(incident, "log-level", "Log at another level for a time; it ends by itself",
               [level](sources const& from, surroundings const& around) {
                   auto const length = read_duration(level->length);
                   if (!length) {
                       around.err << program_name << ": --for must be a time such as 10m or 1h\n";
                       return exit_usage;
                   }
                   return run("log-level",
                              {{"level", level->level},
                               {"seconds", length->count()},
                               {"dry_run", level->dry_run}},
                              from, around);
               });
    log_level.add_option("LEVEL", level->level, "trace, debug, info, warning or error")->required();
    log_level.add_option("--for", level->length, "How long")
        ->type_name("TIME")
        ->capture_default_str();
    add_dry_run(log_level, level->dry_run);

    struct notice_options {
        std::string text;
        std::string severity = "medium";
        bool dry_run = false;
    };
    auto const notice = std::make_shared<notice_options>();
    CLI::App& notify = to.add(incident, "notify", "Tell the administrators, by the alert webhook",
                              [notice](sources const& from, surroundings const& around) {
                                  return run("notify",
                                             {{"text", notice->text},
                                              {"severity", notice->severity},
                                              {"dry_run", notice->dry_run}},
                                             from, around);
                              });
    notify.add_option("TEXT", notice->text, "What to say")->required();
    notify.add_option("--severity", notice->severity, "low, medium, high or critical")
        ->capture_default_str();
    add_dry_run(notify, notice->dry_run);
}

} // namespace mcp_provider::server
