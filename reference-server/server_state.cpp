#include "server_state.hpp"

#include "parameters.hpp"

#include <spdlog/spdlog.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr scopes of_local_users =
    scopes{scope::discover} | scope::generate | scope::metrics | scope::events | scope::agent;

} // namespace

server_state::server_state(std::shared_ptr<config const> from, run_mode mode)
    : settings{std::move(from)}, control{settings->state_directory, mode}, logs{settings->log},
      keys{std::make_shared<key_ring>(settings->keys_file())},
      sessions{std::make_shared<session_store<>>(session_limits_of(*settings))},
      tokens{std::make_shared<token_lookup>(keys, sessions, control.token_digest())},
      users{users_of(*settings, of_local_users)}, origins{origins_of(*settings)},
      request_rules{request_rules_of(*settings)}, blocks{std::make_shared<block_table>(
                                                      block_rules_of(*settings))},
      admin_blocks{std::make_shared<block_table>(block_rules_of(*settings))},
      metrics{std::make_shared<exchange_metrics>()}, feed{std::make_shared<events::feed>(
                                                         events::feed_limits{},
                                                         settings->features.events_content)},
      watch{feed}, keeper{state_file_of(settings->state_directory, mode), *blocks, *sessions} {
    if (settings->audit.enabled) {
        auto log = std::make_unique<audit::json_lines>(audit_options_of(*settings));
        audit_log = log.get();
        sink = std::move(log);
    } else {
        sink = std::make_unique<audit::null_sink>();
    }
    keeper.load([this](std::string_view id) { return identity_of(id); });
    actions = std::make_unique<playbook>(*blocks, *sessions, keeper, *sink, make_levers());
    monitor = std::make_shared<incident_monitor>(
        *actions, settings->rate.block_time, feed,
        [this](alert one) {
            if (alerts) alerts->send(std::move(one));
        },
        background);
    health.add("audit", [this] {
        if (audit_log == nullptr) return server::health::healthy;
        return audit_log->state().healthy ? server::health::healthy : server::health::unhealthy;
    });
    health.add("disk", [this] { return disk_health(settings->state_directory); });
}

void server_state::every_second() {
    key_reload const seen = keys->reload_if_changed();
    if (!seen.failure.empty()) spdlog::error("the keys of before stay in force: {}", seen.failure);
    // A key that was revoked takes its sessions with it, and their streams.
    if (seen.changed)
        sessions->revoke_if([this](principal const& who) {
            return who.known_by() == identity::kind::key && !keys->find_id(who.id());
        });
    sessions->cleanup();
    watch.look(*sessions);
    if (auto const failure = keeper.save_if_due())
        spdlog::error("blocks and sessions would not survive a restart: {}", failure.message());
    logs.end_raised_level();
    health.look();
}

void server_state::reopen_logs() {
    if (audit_log != nullptr) audit_log->reopen();
    logs.reopen();
}

std::shared_ptr<identity const> server_state::identity_of(std::string_view id) const {
    constexpr std::string_view user = "uid:";
    if (!id.starts_with(user)) return keys->find_id(id);
    std::uint32_t uid = 0;
    auto const [end, wrong] = std::from_chars(id.data() + user.size(), id.data() + id.size(), uid);
    return wrong == std::errc{} && end == id.data() + id.size() && users ? users->find(uid)
                                                                         : nullptr;
}

levers server_state::make_levers() {
    levers out;
    out.raise_log_level = [this](log_level to, std::chrono::seconds length) {
        logs.raise_level(to, length);
    };
    if (!settings->alert.webhook_url.empty())
        out.notify = [this](std::string_view severity, std::string_view text) {
            return alerts &&
                   alerts->send(alert{"operator_notice", std::string{severity}, std::string{text}});
        };
    return out;
}

} // namespace mcp_provider::server
