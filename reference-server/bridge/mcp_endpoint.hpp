// `/mcp`: the bridge as an MCP server.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/mcp/server.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "server_state.hpp"

#include <memory>
#include <string_view>

namespace mcp_provider::server::bridge {

/// Needs `principal`: the scope `agent`, for everything but the probe with which modern clients begin, since one that is
/// refused there does not even say why. The probe is known by header fields that the endpoint holds against the body.
/// *Errors*: `forbidden`. *Thread safety*: safe.
class host_scope {
public:
    static constexpr std::string_view name = "host_scope";

    result<> on_request(http::request const& asked, principal const& who) const;
};

static_assert(policy<host_scope>);

/// Adds `/mcp` for POST, GET and DELETE. What it offers depends on the agent, which adds its tools to `server()`.
/// *Lifetime*: must outlive the services of the routes, and not the state.
class mcp_endpoint {
public:
    mcp_endpoint(router& to, server_state& state, std::shared_ptr<agent::agent> agent);
    mcp_endpoint(mcp_endpoint const&) = delete;
    mcp_endpoint& operator=(mcp_endpoint const&) = delete;

    [[nodiscard]] mcp::server& server() noexcept { return server_; }

private:
    mcp::server server_;
    mcp::streamable_http endpoint_;
};

} // namespace mcp_provider::server::bridge
