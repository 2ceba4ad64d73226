#include "ops/admin.hpp"

#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/end_time.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/policy/require_scope.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::string_view json_type = "application/json";

template <class Handler>
any_service guarded(server_state& state, http::error_renderer render, Handler handler) {
    return pipeline(audit_log{*state.sink}, metrics{state.metrics, "/admin"},
                    access_log{state.logs.access()}, announce_security{state.feed},
                    watch_incidents{state.monitor}, local_origin{state.origins},
                    request_limits{state.request_rules}, address_block{state.admin_blocks},
                    authenticate{state.tokens, state.users}, require_scope{scope::admin})
        .errors(render)
        .handle(std::move(handler));
}

/// In an optional, for what is spawned must have a default value.
asio::awaitable<std::optional<result<boost::json::object>>>
in_background(server_state& state, std::string_view action, boost::json::object arguments,
              std::string by) {
    co_return state.actions->run(action, arguments, by);
}

http::response list_actions() {
    boost::json::array all;
    for (playbook::action const& one : playbook::actions())
        all.push_back(
            boost::json::object{{"action", one.name}, {"changes", one.changes}, {"does", one.doc}});
    return http::response{200, json_type,
                          boost::json::serialize(boost::json::object{{"actions", std::move(all)}})};
}

} // namespace

void add_admin(router& to, server_state& state, http::error_renderer render) {
    using http::method;
    to.add(method::get, "/admin", guarded(state, render, [] { return list_actions(); }));
    for (playbook::action const& one : playbook::actions()) {
        std::string const path = "/admin/" + std::string{one.name};
        auto const act = [&state, name = one.name](
                             http::body const& body,
                             principal const& who) -> asio::awaitable<result<http::response>> {
            if (auto const left = state.blocks->blocked_for(who.id(), real_clock{}.steady()))
                co_return shut_out("this key is blocked", *left, real_clock{}.system());
            boost::json::object arguments;
            if (!body.text.empty()) {
                auto document = json::parse(body.text, {4, 64 * std::size_t{1024}});
                if (!document) co_return std::move(document).error();
                if (!document->is_object())
                    co_return rejection{rejection_code::bad_request,
                                        "the body must be an object of arguments"};
                arguments = std::move(document->get_object());
            }
            // Files are written and logs checked there, not on the thread of other people's streams.
            auto work = in_background(state, name, std::move(arguments), who.id());
            auto done = co_await asio::co_spawn(state.background.get_executor(), std::move(work),
                                                asio::use_awaitable);
            if (!*done) co_return std::move(*done).error();
            co_return http::response{200, json_type, boost::json::serialize(**done)};
        };
        to.add(method::post, path, guarded(state, render, act));
        if (!one.changes) to.add(method::get, path, guarded(state, render, act));
    }
}

} // namespace mcp_provider::server
