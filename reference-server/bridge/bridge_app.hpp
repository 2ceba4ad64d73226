// The bridge as one object: its routes, all its pipelines on one page.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "server_state.hpp"

#include <memory>

namespace mcp_provider::server {

/// The part that agents talk to, and through which an adapter in another process reaches them.
/// *Lifetime*: must outlive the `net::server` that serves its routes, and not the state.
class bridge_app {
public:
    /// Composes the pipelines, and adds them to a router that is served later.
    bridge_app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent);
    bridge_app(bridge_app const&) = delete;
    bridge_app& operator=(bridge_app const&) = delete;

private:
    void add_events();
    void add_fallbacks();

    router& routes_;
    server_state& state_;
    std::shared_ptr<agent::agent> agent_;
};

} // namespace mcp_provider::server
