// session list, suspend, revoke and reset.
#include "commands/action_command.hpp"
#include "commands/command_list.hpp"
#include "commands/duration.hpp"
#include "commands/exit_code.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <iomanip>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

namespace mcp_provider::server {

namespace {

/// To the second: enough for a table.
std::string short_time(boost::json::value const& text) {
    if (!text.is_string()) return "-";
    std::string const whole{text.get_string()};
    return whole.substr(0, whole.find('.')) + "Z";
}

std::string_view text_of(boost::json::object const& of, std::string_view name) {
    auto const* const found = of.if_contains(name);
    return found != nullptr && found->is_string() ? std::string_view{found->get_string()}
                                                  : std::string_view{};
}

void print_sessions(std::ostream& out, boost::json::object const& told) {
    auto const& sessions = told.at("sessions").as_array();
    if (sessions.empty()) {
        out << "there are no sessions\n";
        return;
    }
    out << std::left << std::setw(28) << "ID" << std::setw(24) << "PRINCIPAL" << std::setw(11)
        << "STATE" << std::setw(12) << "REQUESTS" << std::setw(22) << "EXPIRES"
        << "SUSPENDED UNTIL\n";
    for (auto const& one : sessions) {
        auto const& session = one.as_object();
        std::string const requests = std::to_string(session.at("requests").to_number<int>()) + '/' +
                                     std::to_string(session.at("max_requests").to_number<int>());
        out << std::setw(28) << text_of(session, "id") << std::setw(24)
            << text_of(session, "principal") << std::setw(11) << text_of(session, "state")
            << std::setw(12) << requests << std::setw(22) << short_time(session.at("expires"))
            << short_time(session.at("suspended_until")) << '\n';
    }
}

/// One session or all of them, as `revoke` and `reset` take it.
struct target_options {
    std::string id;
    bool all = false;
    bool dry_run = false;
};

void add_target_command(command_tree& to, CLI::App& group, std::string const& name,
                        std::string const& help, std::string const& past) {
    auto const chosen = std::make_shared<target_options>();
    CLI::App& command =
        to.add(group, name, help, [=](sources const& from, surroundings const& around) {
            if (chosen->all == !chosen->id.empty()) {
                around.err << program_name << ": session " << name
                           << " takes the id of a session, or --all\n";
                return exit_usage;
            }
            boost::json::object arguments{{"dry_run", chosen->dry_run}};
            if (chosen->all)
                arguments["all"] = true;
            else
                arguments["id"] = chosen->id;
            action_outcome const outcome =
                run_action("sessions/" + name, arguments, false, from, around);
            if (outcome.code == exit_done)
                around.err << (chosen->dry_run ? "would have " : "") << past << ' '
                           << outcome.told.at(past).to_number<std::size_t>() << " sessions\n";
            return outcome.code;
        });
    command.add_option("ID", chosen->id, "The id of the session");
    command.add_flag("--all", chosen->all, "Every session");
    add_dry_run(command, chosen->dry_run);
}

} // namespace

void add_session_commands(command_tree& to) {
    CLI::App& session = to.add(to.root(), "session", "List, suspend, revoke and reset sessions");

    auto const as_json = std::make_shared<bool>(false);
    CLI::App& list = to.add(session, "list", "List the sessions",
                            [as_json](sources const& from, surroundings const& around) {
                                action_outcome const outcome =
                                    run_action("sessions/list", {}, false, from, around);
                                if (outcome.code != exit_done) return outcome.code;
                                if (*as_json)
                                    around.out << boost::json::serialize(outcome.told) << '\n';
                                else
                                    print_sessions(around.out, outcome.told);
                                return exit_done;
                            });
    list.add_flag("--json", *as_json, "Print JSON");

    struct suspend_options {
        std::string id;
        std::string length = "15m";
        bool dry_run = false;
    };
    auto const chosen = std::make_shared<suspend_options>();
    CLI::App& suspend = to.add(
        session, "suspend", "Refuse a session's requests for a time",
        [chosen](sources const& from, surroundings const& around) {
            auto const length = read_duration(chosen->length);
            if (!length) {
                around.err << program_name << ": --for must be a time such as 15m or 24h\n";
                return exit_usage;
            }
            action_outcome const outcome = run_action(
                "sessions/suspend",
                {{"id", chosen->id}, {"seconds", length->count()}, {"dry_run", chosen->dry_run}},
                false, from, around);
            if (outcome.code == exit_done)
                around.err << (chosen->dry_run ? "would have suspended " : "suspended ")
                           << chosen->id << " for " << chosen->length << '\n';
            return outcome.code;
        });
    suspend.add_option("ID", chosen->id, "The id of the session")->required();
    suspend.add_option("--for", chosen->length, "How long")
        ->type_name("TIME")
        ->capture_default_str();
    add_dry_run(suspend, chosen->dry_run);

    add_target_command(to, session, "revoke", "End sessions for good, and their streams",
                       "revoked");
    add_target_command(to, session, "reset", "Set counts of requests back, and end suspensions",
                       "reset");
}

} // namespace mcp_provider::server
