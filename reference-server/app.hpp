// The reference server as one object: its state, and every pipeline it serves.
#pragma once

#include "config/config.hpp"
#include "dialect/rules.hpp"
#include "keys/key_ring.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/concurrency_limit.hpp"
#include "mcp_provider/policy/content_rule_set.hpp"
#include "mcp_provider/policy/exchange_metrics.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/origin_rules.hpp"
#include "mcp_provider/policy/rate_table.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/session/session_store.hpp"
#include "ops/health.hpp"
#include "ops/logs.hpp"

#include <memory>

namespace mcp_provider::server {

/// What the adapter is made of. Made once from a configuration; the routes refer to it.
/// *Lifetime*: must outlive the `net::server` that serves its routes. *Thread safety*: `routes` from every worker.
class app {
public:
    /// Opens the audit log and the keys, and composes the pipelines.
    /// *Errors*: throws what those throw: files that cannot be used; the server must not start then.
    app(std::shared_ptr<config const> settings, std::shared_ptr<agent::agent> agent);

    [[nodiscard]] router const& routes() const noexcept { return routes_; }

    /// What has to be done now and then: looks for changed keys, forgets ended sessions, looks after the parts' health.
    /// Called about once a second from one thread.
    void every_second();
    /// SIGHUP: opens the log files again.
    void reopen_logs();

private:
    template <class Request, class Handler>
    any_service generation(http::error_renderer render, std::string_view route, Handler handler);
    template <class Handler>
    any_service discovery(http::error_renderer render, std::string_view route, Handler handler);
    template <class Request, class Handler>
    any_service lookup(http::error_renderer render, std::string_view route, Handler handler);
    template <class Handler>
    any_service unguarded(http::error_renderer render, std::string_view route,
                          audit_choice recorded, Handler handler);
    [[nodiscard]] authenticate<key_ring> discoverer() const;

    void add_openai();
    void add_ollama();
    void add_operations();
    void add_fallbacks();
    void watch_health();

    std::shared_ptr<config const> settings_;
    logs logs_;
    std::shared_ptr<agent::agent> agent_;
    std::unique_ptr<audit::sink> sink_;
    audit::json_lines* log_ = nullptr; ///< the sink, where it is a file
    std::shared_ptr<key_ring> keys_;
    std::shared_ptr<local_users const> users_;
    std::shared_ptr<origin_rules const> origins_;
    std::shared_ptr<request_rules const> request_rules_;
    std::shared_ptr<block_table> blocks_;
    std::shared_ptr<rate_table> rates_;
    std::shared_ptr<concurrency_gauge> running_;
    std::shared_ptr<session_store<>> sessions_;
    std::shared_ptr<generation_rules const> rules_;
    std::shared_ptr<content_rule_set const> content_;
    std::shared_ptr<exchange_metrics> metrics_;
    health_monitor health_;
    router routes_;
};

} // namespace mcp_provider::server
