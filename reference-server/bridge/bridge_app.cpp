#include "bridge/bridge_app.hpp"

#include "bridge/errors.hpp"
#include "bridge/events.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "operations.hpp"
#include "parameters.hpp"

#include <memory>
#include <utility>

namespace mcp_provider::server {

bridge_app::bridge_app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent)
    : routes_{routes}, state_{state}, agent_{std::move(agent)} {
    state_.health.add("bridge", [] { return health::healthy; });
    add_operations(routes_, state_, &bridge::render_error);
    add_events();
    add_fallbacks();
}

void bridge_app::add_events() {
    routes_.add(http::method::get, "/events",
                pipeline(audit_log{*state_.sink, audit_choice_of(*state_.settings)},
                         metrics{state_.metrics, "/events"}, access_log{state_.logs.access()},
                         announce_security{state_.feed}, watch_incidents{state_.monitor},
                         local_origin{state_.origins}, request_limits{state_.request_rules},
                         address_block{state_.blocks}, authenticate{state_.tokens, state_.users},
                         require_scope{scope::events})
                    .errors(&bridge::render_error)
                    .handle(bridge::events_handler{state_.feed, state_.keys}));
}

void bridge_app::add_fallbacks() {
    routes_.otherwise(
        unguarded(state_, &bridge::render_error, "other", audit_choice_of(*state_.settings),
                  [this](http::request const& asked) { return answer_unknown(routes_, asked); }));
}

} // namespace mcp_provider::server
