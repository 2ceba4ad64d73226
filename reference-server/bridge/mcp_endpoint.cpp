#include "bridge/mcp_endpoint.hpp"

#include "incident/monitor.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/protocol.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/policy/require_scope.hpp"
#include "mcp_provider/version.hpp"
#include "parameters.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

namespace mcp_provider::server::bridge {

namespace {

mcp::server_limits limits_of_mcp(config const& from) {
    mcp::server_limits out;
    out.max_message_bytes =
        std::min<std::size_t>(out.max_message_bytes, from.request.max_body_bytes);
    out.answer_time = from.request.stream_timeout; // whoever asked a model does not wait longer
    return out;
}

mcp::implementation ourselves() {
    return {"mcp-local-provider", std::string{version}, "MCP Local Provider"};
}

std::string models_as_json(agent::agent const& agent) {
    std::string out = R"({"models":[)";
    for (agent::model const& one : *agent.models()) {
        if (out.back() != '[') out += ',';
        out += R"({"name":)";
        json::append_quoted(out, one.name);
        out += R"(,"family":)";
        json::append_quoted(out, one.family);
        out += '}';
    }
    out += "]}";
    return out;
}

} // namespace

result<> host_scope::on_request(http::request const& asked, principal const& who) const {
    auto const version = asked.field(mcp::field_name::protocol_version);
    auto const spoken = version ? mcp::revision_of(*version) : std::nullopt;
    bool const is_probe = spoken && mcp::is_modern(*spoken) &&
                          asked.field(mcp::field_name::method) == "server/discover";
    if (is_probe) return {};
    return require_scope{scope::agent}.on_request(who);
}

mcp_endpoint::mcp_endpoint(router& to, server_state& state, std::shared_ptr<agent::agent> agent)
    : server_{ourselves(), limits_of_mcp(*state.settings)}, endpoint_{server_} {
    server_.set_instructions(
        "This server stands between programs that speak the APIs of OpenAI or Ollama and an agent "
        "of its own, which answers their prompts; the resource models://list names its models. It "
        "has no tools for other agents: those that fetch prompts come with AGENT=mcp-pull.");
    server_.report_faults_to([](std::string_view where, std::string const& what) {
        spdlog::error("{} has failed: {}", where, what);
    });
    mcp::resource models{"models://list", "models", "The models on offer, as JSON",
                         "application/json"};
    server_.add(std::move(models), [agent = std::move(agent)](mcp::call const&) {
        return mcp::resource_contents::text("models://list", "application/json",
                                            models_as_json(*agent));
    });
    for (auto const verb : {http::method::post, http::method::get, http::method::del})
        to.add(verb, "/mcp",
               pipeline(audit_log{*state.sink, audit_choice_of(*state.settings)},
                        metrics{state.metrics, "/mcp"}, access_log{state.logs.access()},
                        announce_security{state.feed}, watch_incidents{state.monitor},
                        local_origin{state.origins}, request_limits{state.request_rules},
                        address_block{state.blocks}, authenticate{state.tokens, state.users},
                        host_scope{})
                   .errors(&mcp::render_error)
                   .handle(endpoint_.handler()));
}

} // namespace mcp_provider::server::bridge
