// What the parts of one process share: configuration, logs, audit, identities, blocks, metrics, health.
#pragma once

#include "config/config.hpp"
#include "incident/alert_sender.hpp"
#include "incident/control_file.hpp"
#include "incident/monitor.hpp"
#include "incident/playbook.hpp"
#include "incident/state_keeper.hpp"
#include "keys/key_ring.hpp"
#include "keys/token_lookup.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/exchange_metrics.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/origin_rules.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/session/session_store.hpp"
#include "ops/health.hpp"
#include "ops/logs.hpp"
#include "ops/session_watch.hpp"

#include <asio/thread_pool.hpp>

#include <memory>
#include <optional>
#include <string_view>

namespace mcp_provider::server {

/// One a process, whichever parts it runs: a caller that one part blocks is blocked at the other, and one audit log tells
/// of both. *Lifetime*: must outlive the parts. *Thread safety*: its members are safe between workers; its functions are
/// called from one thread.
class server_state {
public:
    /// Takes STATE_DIR, opens the logs and the keys, and remembers blocks and sessions. *Errors*: throws what those throw;
    /// the server must not start then.
    server_state(std::shared_ptr<config const> from, run_mode mode);
    server_state(server_state const&) = delete;
    server_state& operator=(server_state const&) = delete;

    /// What has to be done now and then: looks for changed keys, after the parts' health, forgets ended sessions, and
    /// writes down what must survive.
    void every_second();
    /// SIGHUP: opens the log files again.
    void reopen_logs();

    std::shared_ptr<config const> settings;
    control_file control;
    server::logs logs;
    std::unique_ptr<audit::sink> sink;
    audit::json_lines* audit_log = nullptr; ///< the sink, where it is a file
    std::shared_ptr<key_ring> keys;
    std::shared_ptr<session_store<>> sessions;
    std::shared_ptr<token_lookup> tokens; ///< keys, tokens of sessions, the operator's
    std::shared_ptr<local_users const> users;
    std::shared_ptr<origin_rules const> origins;
    std::shared_ptr<mcp_provider::request_rules const> request_rules;
    std::shared_ptr<block_table> blocks;
    /// For `/admin` alone, where guesses are counted: an operator who blocks his own user can still undo it.
    std::shared_ptr<block_table> admin_blocks;
    std::shared_ptr<exchange_metrics> metrics;
    std::shared_ptr<events::feed> feed;
    session_watch watch;
    health_monitor health;
    state_keeper keeper;
    std::unique_ptr<playbook> actions;
    std::shared_ptr<incident_monitor> monitor;
    std::optional<alert_sender> alerts; ///< made before the server starts
    asio::thread_pool background{1};    ///< for what would hold a worker up; the first to end

private:
    [[nodiscard]] levers make_levers();
    [[nodiscard]] std::shared_ptr<identity const> identity_of(std::string_view id) const;
};

} // namespace mcp_provider::server
