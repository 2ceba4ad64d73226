#include "commands/control_call.hpp"

#include "commands/command_tree.hpp"
#include "commands/exit_code.hpp"
#include "commands/loopback_call.hpp"
#include "config/private_file.hpp"
#include "config/problem.hpp"
#include "incident/control_file.hpp"
#include "incident/playbook.hpp"
#include "incident/state_keeper.hpp"
#include "keys/key_file.hpp"
#include "keys/key_ring.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/json/parse.hpp"
#include "parameters.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::chrono::seconds patience{30};

action_outcome failed(surroundings const& around, std::string_view why, int code = exit_found) {
    around.err << program_name << ": " << why << '\n';
    return {code, {}};
}

/// The message of a refusal in any dialect: `{"error":"…"}` or `{"error":{"message":"…"}}`.
std::string message_of(std::string const& body, int status) {
    auto const document = json::parse(body);
    if (document && document->is_object())
        if (auto const* const error = document->get_object().if_contains("error")) {
            if (error->is_string()) return std::string{error->get_string()};
            if (error->is_object())
                if (auto const* const text = error->get_object().if_contains("message"))
                    if (text->is_string()) return std::string{text->get_string()};
        }
    return "the server answered with status " + std::to_string(status);
}

action_outcome ask_server(control_entry const& server, std::string_view action,
                          boost::json::object const& arguments, surroundings const& around) {
    auto where = read_loopback_url(server.url);
    if (!where) return failed(around, "the control file names no loopback address");
    where->path = "/admin/" + std::string{action};
    loopback_request ask{*where, "POST"};
    ask.fields.emplace_back("Authorization", "Bearer " + std::string{server.token.reveal()});
    ask.body = boost::json::serialize(arguments);
    ask.limit = patience;
    loopback_answer answer = call_loopback(ask);
    wipe(ask.fields.front().second.data(), ask.fields.front().second.size());
    if (!answer.came)
        return failed(around, "the server at " + server.url + " does not answer: " + answer.why);
    auto document = json::parse(answer.body);
    if (answer.status != 200 || !document || !document->is_object())
        return failed(around, message_of(answer.body, answer.status),
                      answer.status == 400 ? exit_usage : exit_found);
    return {exit_done, std::move(document->get_object())};
}

/// No server runs: the same action on the tables as the files remember them.
action_outcome act_on_files(config const& settings, std::string_view action,
                            boost::json::object const& arguments, surroundings const& around) {
    if (auto const failure = make_private_directory(settings.state_directory))
        return failed(around, settings.state_directory.string() + ": " + failure.message(),
                      exit_configuration);
    state_hold const hold{settings.state_directory, run_mode::serve};
    if (!hold.is_held())
        return failed(around, "a server runs with " + settings.state_directory.string() +
                                  ", but does not answer; look at its log, or try again");
    auto const keys = std::make_shared<key_ring>(settings.keys_file());
    block_table blocks{block_rules_of(settings)};
    session_store<> sessions{session_limits_of(settings)};
    state_keeper keeper{state_file_of(settings.state_directory, run_mode::serve), blocks, sessions};
    keeper.load([&](std::string_view id) -> std::shared_ptr<identity const> {
        if (auto found = keys->find_id(id)) return found;
        auto other = std::make_shared<identity>();
        other->id = id;
        return other;
    });
    std::unique_ptr<audit::sink> records = std::make_unique<audit::null_sink>();
    if (settings.audit.enabled && playbook::changes(action))
        records = std::make_unique<audit::json_lines>(audit_options_of(settings));
    playbook actions{blocks, sessions, keeper, *records};
    auto done = actions.run(action, arguments, "command");
    if (!done)
        return failed(around, done.error().message(),
                      done.error().status() == 400 ? exit_usage : exit_found);
    return {exit_done, *std::move(done)};
}

} // namespace

action_outcome run_action(std::string_view action, boost::json::object const& arguments,
                          bool needs_server, sources const& from, surroundings const& around) {
    loaded const outcome =
        load_only(from, {"STATE_DIR", "AUDIT_LOG_FILE", "AUDIT_KEY_FILE", "SESSION_TTL_SECONDS",
                         "MAX_REQUESTS_PER_SESSION", "security.session.max_concurrent",
                         "security.rate_limiting.block_loopback"});
    if (!outcome.settings) {
        print(around.err, outcome.problems, around.colour);
        return {exit_configuration, {}};
    }
    config const& settings = *outcome.settings;
    try {
        if (auto const server = find_server(settings.state_directory, run_mode::serve))
            if (!state_hold{settings.state_directory, run_mode::serve}.is_held())
                return ask_server(*server, action, arguments, around);
        if (needs_server)
            return failed(around,
                          "no server runs with STATE_DIR " + settings.state_directory.string());
        return act_on_files(settings, action, arguments, around);
    } catch (std::exception const& failure) {
        return failed(around, failure.what(), exit_configuration);
    }
}

} // namespace mcp_provider::server
