#include "operations.hpp"

#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/preflight.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "parameters.hpp"

#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <utility>

namespace mcp_provider::server {

void add_operations(router& to, server_state const& state, http::error_renderer render) {
    using http::method;
    to.add(method::get, "/health", unguarded(state, render, "/health", only_security, [&state] {
               return state.health.answer();
           }));
    to.add(method::get, "/health/ready",
           unguarded(state, render, "/health/ready", only_security,
                     [&state] { return state.health.answer_ready(); }));
    to.add(method::get, "/health/live", unguarded(state, render, "/health/live", only_security, [] {
               return health_monitor::answer_live();
           }));
    // What could not be read has no Host and no Origin that could be judged; it is refused whoever sent it.
    to.malformed(pipeline(audit_log{*state.sink, audit_choice_of(*state.settings)},
                          metrics{state.metrics, "malformed"}, access_log{state.logs.access()})
                     .errors(render)
                     .handle([](http::request const& asked) -> result<http::response> {
                         return *asked.malformation();
                     }));
    if (!state.settings->features.metrics) return;
    auto shown = std::make_shared<metrics_collector const>(state.metrics);
    auto const answer = [shown] {
        return http::response{200, "text/plain; version=0.0.4; charset=utf-8",
                              prometheus::TextSerializer{}.Serialize(shown->Collect())};
    };
    authenticate scraper{state.tokens, state.users};
    if (state.settings->access.metrics_open)
        scraper = std::move(scraper).or_anonymous(scope::metrics);
    to.add(method::get, "/metrics",
           pipeline(audit_log{*state.sink, only_security}, metrics{state.metrics, "/metrics"},
                    access_log{state.logs.access()}, announce_security{state.feed},
                    watch_incidents{state.monitor}, local_origin{state.origins},
                    request_limits{state.request_rules}, address_block{state.blocks},
                    std::move(scraper), require_scope{scope::metrics})
               .errors(render)
               .handle(answer));
}

result<http::response> answer_unknown(router const& routes, http::request const& asked) {
    if (asked.verb() == http::method::options) return preflight(asked);
    if (std::string const allowed = routes.allowed_methods(asked.path()); !allowed.empty())
        return rejection{rejection_code::method_not_allowed, "this path does not take " +
                                                                 std::string{asked.method_name()} +
                                                                 ", but " + allowed}
            .with_field("Allow", allowed);
    return rejection{rejection_code::not_found, "there is nothing at this path"};
}

} // namespace mcp_provider::server
