// The adapter as one object: its routes, all its pipelines on one page.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/concurrency_limit.hpp"
#include "mcp_provider/policy/content_rule_set.hpp"
#include "mcp_provider/policy/rate_table.hpp"
#include "server_state.hpp"

#include <memory>

namespace mcp_provider::server {

/// The part that editors and SDKs talk to. *Lifetime*: must outlive the `net::server` that serves its routes, and not
/// the state.
class app {
public:
    /// Composes the pipelines, and adds them to a router that is served later.
    /// *Errors*: throws for rules that cannot be used; the server must not start then.
    app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent);
    app(app const&) = delete;
    app& operator=(app const&) = delete;

private:
    template <class Request, class Handler>
    any_service generation(http::error_renderer render, std::string_view route, Handler handler);
    template <class Handler>
    any_service discovery(http::error_renderer render, std::string_view route, Handler handler);
    template <class Request, class Handler>
    any_service lookup(http::error_renderer render, std::string_view route, Handler handler);
    [[nodiscard]] authenticate<token_lookup> discoverer() const;

    void add_openai();
    void add_ollama();
    void add_fallbacks();
    void watch_health();

    router& routes_;
    server_state& state_;
    config const& settings_;
    std::shared_ptr<agent::agent> agent_;
    std::shared_ptr<rate_table> rates_;
    std::shared_ptr<concurrency_gauge> running_;
    std::shared_ptr<generation_rules const> rules_;
    std::shared_ptr<content_rule_set const> content_;
};

} // namespace mcp_provider::server
