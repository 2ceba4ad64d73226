// The bridge as one object: its routes, all its pipelines on one page.
#pragma once

#include "bridge/link_server.hpp"
#include "bridge/link_token.hpp"
#include "bridge/mcp_endpoint.hpp"
#include "bridge/permission_board.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "server_state.hpp"

#include <chrono>
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

    /// Lets the requests of linked adapters finish, for `patience` at most; then the agent may be stopped.
    void drain(std::chrono::milliseconds patience) { links_->drain(patience); }
    /// What has to be done now and then: looks for another token of the link. Called about once a second from one thread.
    void every_second() { link_keys_->reload(); }
    /// Where agents ask for permissions.
    [[nodiscard]] std::shared_ptr<agents::permission_desk> desk() const noexcept { return board_; }
    /// Where agents offer tools to MCP hosts.
    [[nodiscard]] mcp::server& mcp_server() noexcept { return endpoint_.server(); }

private:
    void add_link();
    void add_events();
    void add_fallbacks();

    router& routes_;
    server_state& state_;
    std::shared_ptr<agent::agent> agent_;
    std::shared_ptr<bridge::link_keys> link_keys_;
    std::shared_ptr<bridge::open_links> links_ = std::make_shared<bridge::open_links>();
    std::shared_ptr<bridge::permission_board> board_;
    bridge::mcp_endpoint endpoint_;
};

} // namespace mcp_provider::server
