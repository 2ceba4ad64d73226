// What the parts of one process share: configuration, logs, audit, identities, blocks, metrics, health.
#pragma once

#include "config/config.hpp"
#include "keys/key_ring.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/exchange_metrics.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/origin_rules.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "ops/health.hpp"
#include "ops/logs.hpp"

#include <memory>

namespace mcp_provider::server {

/// One a process, whichever parts it runs: a caller that one part blocks is blocked at the other, and one audit log tells
/// of both. *Lifetime*: must outlive the parts. *Thread safety*: its members are safe between workers; its functions are
/// called from one thread.
class server_state {
public:
    /// Opens the logs and the keys. *Errors*: throws what those throw; the server must not start then.
    explicit server_state(std::shared_ptr<config const> from);
    server_state(server_state const&) = delete;
    server_state& operator=(server_state const&) = delete;

    /// What has to be done now and then: looks for changed keys, and after the parts' health.
    void every_second();
    /// SIGHUP: opens the log files again.
    void reopen_logs();

    std::shared_ptr<config const> settings;
    server::logs logs;
    std::unique_ptr<audit::sink> sink;
    audit::json_lines* audit_log = nullptr; ///< the sink, where it is a file
    std::shared_ptr<key_ring> keys;
    std::shared_ptr<local_users const> users;
    std::shared_ptr<origin_rules const> origins;
    std::shared_ptr<mcp_provider::request_rules const> request_rules;
    std::shared_ptr<block_table> blocks;
    std::shared_ptr<exchange_metrics> metrics;
    std::shared_ptr<events::feed> feed;
    health_monitor health;
};

} // namespace mcp_provider::server
