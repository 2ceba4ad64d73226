#include "bridge/bridge_app.hpp"

#include "bridge/errors.hpp"
#include "operations.hpp"
#include "parameters.hpp"

#include <memory>
#include <utility>

namespace mcp_provider::server {

bridge_app::bridge_app(router& routes, server_state& state, std::shared_ptr<agent::agent> agent)
    : routes_{routes}, state_{state}, agent_{std::move(agent)} {
    state_.health.add("bridge", [] { return health::healthy; });
    add_operations(routes_, state_, &bridge::render_error);
    add_fallbacks();
}

void bridge_app::add_fallbacks() {
    routes_.otherwise(
        unguarded(state_, &bridge::render_error, "other", audit_choice_of(*state_.settings),
                  [this](http::request const& asked) { return answer_unknown(routes_, asked); }));
}

} // namespace mcp_provider::server
