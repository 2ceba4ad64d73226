#include "server_state.hpp"

#include "parameters.hpp"

#include <spdlog/spdlog.h>

#include <memory>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr scopes of_local_users =
    scopes{scope::discover} | scope::generate | scope::metrics | scope::events | scope::agent;

} // namespace

server_state::server_state(std::shared_ptr<config const> from)
    : settings{std::move(from)}, logs{settings->log}, keys{std::make_shared<key_ring>(
                                                          settings->keys_file())},
      users{users_of(*settings, of_local_users)}, origins{origins_of(*settings)},
      request_rules{request_rules_of(*settings)}, blocks{std::make_shared<block_table>(
                                                      block_rules_of(*settings))},
      metrics{std::make_shared<exchange_metrics>()}, feed{std::make_shared<events::feed>(
                                                         events::feed_limits{},
                                                         settings->features.events_content)} {
    if (settings->audit.enabled) {
        auto log = std::make_unique<audit::json_lines>(audit_options_of(*settings));
        audit_log = log.get();
        sink = std::move(log);
    } else {
        sink = std::make_unique<audit::null_sink>();
    }
    health.add("audit", [this] {
        if (audit_log == nullptr) return server::health::healthy;
        return audit_log->state().healthy ? server::health::healthy : server::health::unhealthy;
    });
    health.add("disk", [this] { return disk_health(settings->state_directory); });
}

void server_state::every_second() {
    if (key_reload const seen = keys->reload_if_changed(); !seen.failure.empty())
        spdlog::error("the keys of before stay in force: {}", seen.failure);
    health.look();
}

void server_state::reopen_logs() {
    if (audit_log != nullptr) audit_log->reopen();
    logs.reopen();
}

} // namespace mcp_provider::server
