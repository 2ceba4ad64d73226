#include "incident/playbook.hpp"

#include "incident/session_json.hpp"
#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/json/reader.hpp"

#include <arpa/inet.h>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

namespace mcp_provider::server {

namespace {

namespace bj = boost::json;
using std::chrono::seconds;

constexpr std::int64_t longest_block = 366LL * 86'400;
constexpr std::int64_t longest_suspension = 30LL * 86'400;
constexpr std::int64_t longest_log_level = 86'400;

constexpr std::array<playbook::action, 15> all_actions{{
    {"sessions/list", false, "Lists the sessions."},
    {"sessions/suspend", true, "Suspends the session `id` for `seconds` (900)."},
    {"sessions/revoke", true, "Revokes the session `id`, or with `all` every one; streams end."},
    {"sessions/reset", true, "Sets counts back and ends suspensions: of `id`, or of `all`."},
    {"blocks/list", false, "Lists who is blocked."},
    {"blocks/add", true, "Blocks `who` (an address, uid:N, a key's id) for `seconds` (86400)."},
    {"blocks/remove", true, "Ends the block of `who`."},
    {"log-level", true,
     "Sets the log level to `level` for `seconds` (600); then it ends by itself."},
    {"notify", true, "Tells the administrators `text`, with `severity` (medium)."},
    {"tokens/rotate-bridge", true, "Makes a new token for adapter and bridge."},
    {"reload", true, "Reads configuration and rules again, and opens the logs anew."},
    {"audit/verify", false, "Checks the audit chain."},
    {"integrity", false, "Checks the installation: files, modes, configuration."},
    {"restart-agent", true, "Starts the agent's processes anew."},
    {"breach", true, "Revokes all sessions, raises the log level for an hour, notifies."},
}};

playbook::action const* find_action(std::string_view name) noexcept {
    auto const found = std::find_if(all_actions.begin(), all_actions.end(),
                                    [&](playbook::action const& one) { return one.name == name; });
    return found == all_actions.end() ? nullptr : &*found;
}

rejection lacks(std::string_view what) {
    return rejection{rejection_code::conflict, "this server has no " + std::string{what}}.because(
        "part_missing");
}

bj::value as_text(system_time when) {
    std::string text;
    append_timestamp(text, when);
    return bj::value(text);
}

bj::object list_sessions(session_store<> const& sessions) {
    bj::array all;
    for (session_record const& one : sessions.list()) all.push_back(as_json(one));
    return {{"sessions", std::move(all)}, {"max_concurrent", sessions.limits().max_concurrent}};
}

bj::object list_blocks(block_table& blocks) {
    real_clock const clock;
    bj::array all;
    auto const today = clock.system();
    blocks.for_each_block(clock.steady(), [&](std::string_view who, std::chrono::nanoseconds left,
                                              block_reason why) {
        all.push_back(
            bj::object{{"who", who},
                       {"until", as_text(std::chrono::round<std::chrono::seconds>(today + left))},
                       {"reason", name_of(why)}});
    });
    return {{"blocks", std::move(all)}};
}

/// Whom an action on sessions concerns: one, or all.
struct chosen_sessions {
    std::string_view id;
    bool all = false;
};

chosen_sessions choose(json::reader const& in) {
    chosen_sessions chosen{in["id"].text_or(""), in["all"].boolean_or(false)};
    if (chosen.all == !chosen.id.empty())
        in["id"].complain("must name a session, or `all` must be true, and not both");
    return chosen;
}

std::size_t count_sessions(session_store<> const& sessions, chosen_sessions const& which) {
    auto const all = sessions.list();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(),
                      [&](session_record const& one) { return which.all || one.id == which.id; }));
}

rejection no_session(std::string_view id) {
    return rejection{rejection_code::not_found, "there is no session " + std::string{id}}.because(
        "session_not_found");
}

std::optional<log_level> log_level_of(std::string_view name) {
    if (name == "trace") return log_level::trace;
    if (name == "debug") return log_level::debug;
    if (name == "info") return log_level::info;
    if (name == "warning") return log_level::warning;
    if (name == "error") return log_level::error;
    return std::nullopt;
}

} // namespace

std::string complaint_about_caller(std::string_view who, bool whole_loopback) {
    constexpr std::string_view user = "uid:";
    if (who.starts_with(user)) {
        std::uint32_t uid = 0;
        char const* const end = who.data() + who.size();
        auto const [stop, wrong] = std::from_chars(who.data() + user.size(), end, uid);
        if (wrong == std::errc{} && stop == end) return {};
    }
    if (who.starts_with("key_") && who.size() > 4 && who.size() <= 100) return {};
    std::string const text{who};
    in_addr v4{};
    in6_addr v6{};
    bool const is_v4 = ::inet_pton(AF_INET, text.c_str(), &v4) == 1;
    bool const is_v6 = !is_v4 && ::inet_pton(AF_INET6, text.c_str(), &v6) == 1;
    bool const is_loopback =
        (is_v4 && (ntohl(v4.s_addr) >> 24U) == 127) || (is_v6 && IN6_IS_ADDR_LOOPBACK(&v6));
    if (is_loopback && !whole_loopback)
        return "is the address of every local user; block uid:N or a key's id instead, or set "
               "security.rate_limiting.block_loopback";
    if (is_v4 || is_v6) return {};
    return "must be an address, uid:N such as uid:1000, or the id of a key (key_…)";
}

std::span<playbook::action const> playbook::actions() noexcept { return all_actions; }

bool playbook::changes(std::string_view name) noexcept {
    action const* const known = find_action(name);
    return known != nullptr && known->changes;
}

result<bj::object> playbook::run(std::string_view name, bj::object const& arguments,
                                 std::string_view by) {
    if (find_action(name) == nullptr)
        return rejection{rejection_code::not_found, "there is no action " + std::string{name}};
    result<bj::object> outcome = act(name, bj::value(arguments));
    if (changes(name)) record(name, arguments, by, outcome);
    return outcome;
}

result<bj::object> playbook::act(std::string_view name, bj::value const& arguments) {
    json::reading pass{arguments};
    json::reader const in = pass.root();
    bool const dry = in["dry_run"].boolean_or(false);
    auto const finished = [&](bj::object done) -> result<bj::object> {
        done["dry_run"] = dry;
        if (dry) return done;
        if (auto const failure = keeper_.save())
            return rejection{rejection_code::internal,
                             "it is done, but would not survive a restart: the state file cannot "
                             "be written: " +
                                 failure.message()};
        return done;
    };

    if (name == "sessions/list") return list_sessions(sessions_);
    if (name == "blocks/list") return list_blocks(blocks_);
    if (name == "sessions/suspend") {
        in.complain_of_members_beside({"id", "seconds", "dry_run"});
        std::string_view const id = in["id"].text();
        seconds const length{in["seconds"].integer_or(900, 1, longest_suspension)};
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        bool const found =
            dry ? count_sessions(sessions_, {id, false}) != 0 : sessions_.suspend(id, length);
        if (!found) return no_session(id);
        return finished({{"suspended", 1}, {"seconds", length.count()}});
    }
    if (name == "sessions/revoke" || name == "sessions/reset") {
        bool const revokes = name == "sessions/revoke";
        in.complain_of_members_beside({"id", "all", "dry_run"});
        chosen_sessions const which = choose(in);
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        std::size_t changed = 0;
        if (dry)
            changed = count_sessions(sessions_, which);
        else if (which.all)
            changed = revokes ? sessions_.revoke_all() : sessions_.reset_all();
        else
            changed = (revokes ? sessions_.revoke(which.id) : sessions_.reset(which.id)) ? 1 : 0;
        if (changed == 0 && !which.all) return no_session(which.id);
        return finished({{revokes ? "revoked" : "reset", changed}});
    }
    if (name == "blocks/add") {
        in.complain_of_members_beside({"who", "seconds", "reason", "dry_run"});
        std::string_view const who = in["who"].text();
        if (std::string const wrong = complaint_about_caller(who, blocks_.rules().whole_loopback);
            !wrong.empty())
            in["who"].complain(wrong);
        seconds const length{in["seconds"].integer_or(86'400, 1, longest_block)};
        auto const why = block_reason_of(in["reason"].text_or(name_of(block_reason::by_operator)));
        if (!why) in["reason"].complain("must be operator, wrong_tokens or ignored_limits");
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        if (!dry && !blocks_.block(who, length, real_clock{}.steady(), *why))
            return rejection{rejection_code::overloaded, "the table of blocks is full"};
        return finished({{"blocked", who}, {"seconds", length.count()}});
    }
    if (name == "blocks/remove") {
        in.complain_of_members_beside({"who", "dry_run"});
        std::string_view const who = in["who"].text();
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        bool const found = blocks_.blocked_for(who, real_clock{}.steady()).has_value();
        if (!found)
            return rejection{rejection_code::not_found, std::string{who} + " is not blocked"}
                .because("block_not_found");
        if (!dry) blocks_.unblock(who);
        return finished({{"unblocked", who}});
    }
    if (name == "log-level") {
        if (!levers_.raise_log_level) return lacks("log");
        in.complain_of_members_beside({"level", "seconds", "dry_run"});
        auto const level = log_level_of(in["level"].text());
        if (!level) in["level"].complain("must be trace, debug, info, warning or error");
        seconds const length{in["seconds"].integer_or(600, 1, longest_log_level)};
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        if (!dry) levers_.raise_log_level(*level, length);
        return finished({{"level", in["level"].text()}, {"seconds", length.count()}});
    }
    if (name == "notify") {
        if (!levers_.notify) return lacks("way to tell anybody: set ALERT_WEBHOOK_URL");
        in.complain_of_members_beside({"text", "severity", "dry_run"});
        std::string_view const text = in["text"].text();
        std::string_view const severity = in["severity"].text_or("medium");
        if (text.empty() || text.size() > 2000) in["text"].complain("must be of 1 to 2000 bytes");
        if (severity != "low" && severity != "medium" && severity != "high" &&
            severity != "critical")
            in["severity"].complain("must be low, medium, high or critical");
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        bool const told = dry || levers_.notify(severity, text);
        return finished({{"notified", told}});
    }
    if (name == "breach") {
        in.complain_of_members_beside({"dry_run"});
        if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
        bj::object done;
        done["revoked"] = dry ? count_sessions(sessions_, {{}, true}) : sessions_.revoke_all();
        if (levers_.raise_log_level) {
            if (!dry) levers_.raise_log_level(log_level::debug, std::chrono::hours{1});
            done["log_level"] = "debug";
        }
        if (levers_.notify)
            done["notified"] = dry || levers_.notify("critical", "security breach declared: all "
                                                                 "sessions were revoked");
        return finished(std::move(done));
    }
    // What is left has no argument but `dry_run`.
    in.complain_of_members_beside({"dry_run"});
    if (auto wrong = pass.outcome(); !wrong) return std::move(wrong).error();
    auto const pull = [&](auto const& lever, std::string_view what) -> result<bj::object> {
        if (!lever) return lacks(what);
        return finished(lever(dry));
    };
    if (name == "tokens/rotate-bridge")
        return pull(levers_.rotate_bridge_token, "bridge token of its own");
    if (name == "reload") return pull(levers_.reload, "configuration to read again");
    if (name == "restart-agent") return pull(levers_.restart_agent, "agent that runs as a process");
    auto const& look = name == "audit/verify" ? levers_.verify_audit : levers_.check_integrity;
    if (!look) return lacks(name == "audit/verify" ? "audit log" : "installation to look at");
    return look();
}

void playbook::record(std::string_view name, bj::object const& arguments, std::string_view by,
                      result<bj::object> const& outcome) {
    bool const dry = outcome && outcome->contains("dry_run") && outcome->at("dry_run").as_bool();
    std::string const told = bj::serialize(arguments);
    std::string const what = std::string{name} + ' ' + told.substr(0, 2000);
    audit::record out;
    out.timestamp = real_clock{}.system();
    out.type = audit::event_type::security;
    out.principal_id = by;
    out.endpoint = name;
    out.method = "ACTION";
    out.status_code = outcome ? std::uint16_t{200} : outcome.error().status();
    if (!outcome) out.error_details = outcome.error().message();
    out.cause = outcome ? (dry ? "dry_run" : "done") : "refused";
    out.message = what;
    out.security_flags.add("admin_action");
    records_.try_write(out);
}

} // namespace mcp_provider::server
