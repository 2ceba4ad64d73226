#include "bridge/bridge_app.hpp"

#include "bridge/errors.hpp"
#include "bridge/event_relay.hpp"
#include "bridge/events.hpp"
#include "bridge/link_wire.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/json_body.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "operations.hpp"
#include "parameters.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

bridge_app::bridge_app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent)
    : routes_{routes}, state_{state}, agent_{std::move(agent)},
      link_keys_{std::make_shared<bridge::link_keys>(*state.settings)},
      board_{std::make_shared<bridge::permission_board>(state.feed, *state.sink)}, endpoint_{
                                                                                       routes,
                                                                                       state,
                                                                                       agent_} {
    state_.health.add("bridge", [] { return health::healthy; });
    add_operations(routes_, state_, &bridge::render_error);
    add_link();
    add_events();
    add_fallbacks();
}

/// What an adapter's requests are allowed is judged by the adapter; here it is judged whether it is the operator's.
void bridge_app::add_link() {
    bridge::link_surroundings around;
    around.agent = agent_;
    around.keys = link_keys_;
    around.links = links_;
    around.on_event = [feed = state_.feed](std::string_view event) {
        bridge::publish_relayed(*feed, event);
    };
    around.is_heard = [feed = state_.feed] { return feed->is_heard(); };
    routes_.add(http::method::get, bridge::link_path,
                pipeline(audit_log{*state_.sink, audit_choice_of(*state_.settings)},
                         metrics{state_.metrics, bridge::link_path},
                         access_log{state_.logs.access()}, announce_security{state_.feed},
                         local_origin{state_.origins}, request_limits{state_.request_rules},
                         address_block{state_.blocks}, authenticate{link_keys_})
                    .errors(&bridge::render_error)
                    .handle(bridge::link_handler{std::move(around)}));
}

void bridge_app::add_events() {
    using http::method;
    routes_.add(method::get, "/events",
                pipeline(audit_log{*state_.sink, audit_choice_of(*state_.settings)},
                         metrics{state_.metrics, "/events"}, access_log{state_.logs.access()},
                         announce_security{state_.feed}, watch_incidents{state_.monitor},
                         local_origin{state_.origins}, request_limits{state_.request_rules},
                         address_block{state_.blocks}, authenticate{state_.tokens, state_.users},
                         require_scope{scope::events})
                    .errors(&bridge::render_error)
                    .handle(bridge::events_handler{state_.feed, board_, state_.keys}));
    routes_.add(method::post, "/events/answers",
                pipeline(audit_log{*state_.sink, audit_choice_of(*state_.settings)},
                         metrics{state_.metrics, "/events/answers"},
                         access_log{state_.logs.access()}, announce_security{state_.feed},
                         watch_incidents{state_.monitor}, local_origin{state_.origins},
                         request_limits{state_.request_rules}, address_block{state_.blocks},
                         authenticate{state_.tokens, state_.users}, require_scope{scope::events},
                         json_body<bridge::permission_answer>{})
                    .errors(&bridge::render_error)
                    .handle(bridge::answer_handler{board_}));
}

void bridge_app::add_fallbacks() {
    routes_.otherwise(
        unguarded(state_, &bridge::render_error, "other", audit_choice_of(*state_.settings),
                  [this](http::request const& asked) { return answer_unknown(routes_, asked); }));
}

} // namespace mcp_provider::server
