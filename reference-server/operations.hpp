// The routes that every part has: health, metrics, and what becomes of requests that are for nobody.
#pragma once

#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "server_state.hpp"

#include <string_view>
#include <utility>

namespace mcp_provider::server {

/// What is polled every few seconds would drown the audit log: of it only what concerns security is recorded.
inline constexpr audit_choice only_security{.requests = false, .errors = false};

/// A pipeline that needs no identity: health, and what is refused to everybody.
template <class Handler>
any_service unguarded(server_state const& state, http::error_renderer render,
                      std::string_view route, audit_choice recorded, Handler handler) {
    return pipeline(audit_log{*state.sink, recorded}, metrics{state.metrics, route},
                    access_log{state.logs.access()}, announce_security{state.feed},
                    watch_incidents{state.monitor}, local_origin{state.origins},
                    request_limits{state.request_rules})
        .errors(render)
        .handle(std::move(handler));
}

/// Adds `/health`, `/health/live`, `/health/ready`, `/metrics`, and the answer to what could not be read.
/// *Lifetime*: the state must outlive the routes.
void add_operations(router& to, server_state const& state, http::error_renderer render);

/// The refusal of a path that no route has, or has for other methods only; the preflight of a browser is answered.
[[nodiscard]] result<http::response> answer_unknown(router const& routes,
                                                    http::request const& asked);

} // namespace mcp_provider::server
