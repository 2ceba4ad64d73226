#include "ops/session_routes.hpp"

#include "incident/session_json.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "parameters.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::string_view json_type = "application/json";
constexpr std::string_view route = "/v1/sessions";

template <class Handler>
any_service guarded(server_state& state, http::error_renderer render, Handler handler) {
    return pipeline(audit_log{*state.sink, audit_choice_of(*state.settings)},
                    metrics{state.metrics, route}, access_log{state.logs.access()},
                    announce_security{state.feed}, watch_incidents{state.monitor},
                    local_origin{state.origins}, request_limits{state.request_rules},
                    address_block{state.blocks}, authenticate{state.tokens, state.users},
                    require_scope{scope::generate})
        .errors(render)
        .handle(std::move(handler));
}

result<http::response> open_session(session_store<>& sessions, principal const& who) {
    auto opened = sessions.open(who);
    if (!opened) return std::move(opened).error();
    boost::json::object shown;
    for (session_record const& one : sessions.list())
        if (one.id == opened->session.id()) shown = as_json(one);
    shown["token"] = opened->token->reveal();
    http::response answer{201, json_type, boost::json::serialize(shown)};
    answer.fields().set("Cache-Control", "no-store");
    return answer;
}

http::response list_own(session_store<> const& sessions, principal const& who) {
    boost::json::array own;
    for (session_record const& one : sessions.list())
        if (one.principal_id == who.id()) own.push_back(as_json(one));
    return http::response{
        200, json_type, boost::json::serialize(boost::json::object{{"sessions", std::move(own)}})};
}

result<http::response> end_own(session_store<>& sessions, std::string_view id,
                               principal const& who) {
    for (session_record const& one : sessions.list())
        if (one.id == id && one.principal_id == who.id()) {
            sessions.revoke(id);
            return http::response{204};
        }
    return rejection{rejection_code::not_found,
                     "there is no session " + std::string{id} + " of yours"}
        .because("session_not_found");
}

} // namespace

void add_session_routes(router& to, server_state& state, http::error_renderer render) {
    using http::method;
    session_store<>& sessions = *state.sessions;
    to.add(method::post, std::string{route},
           guarded(state, render,
                   [&sessions](principal const& who) { return open_session(sessions, who); }));
    to.add(method::get, std::string{route},
           guarded(state, render,
                   [&sessions](principal const& who) { return list_own(sessions, who); }));
    to.add(method::del, std::string{route} + "/*",
           guarded(state, render, [&sessions](http::request const& asked, principal const& who) {
               return end_own(sessions, asked.path().substr(route.size() + 1), who);
           }));
}

} // namespace mcp_provider::server
