#include "agents/make_agent.hpp"

#include "agents/echo.hpp"
#include "agents/openai_upstream.hpp"

#include <string>
#include <utility>

namespace mcp_provider::server {

namespace {

chosen_agent make_openai(config const& from) {
    agents::openai_settings to;
    to.url = from.agent.openai_url;
    to.key = secret{std::string{from.agent.openai_key.reveal()}};
    to.ca_file = from.agent.openai_ca_file.string();
    to.models = from.agent.openai_models;
    for (model_alias const& one : from.agent.aliases) to.aliases.emplace_back(one.name, one.model);
    to.request_time = from.request.timeout;
    to.stream_time = from.request.stream_timeout;
    auto made = std::make_shared<agents::openai_upstream>(std::move(to));
    return {made, [made](asio::io_context& on) { made->start(on); }, [made] { made->stop(); }};
}

} // namespace

chosen_agent make_agent(config const& from) {
    switch (from.agent.kind) {
    case agent_kind::echo: return {std::make_shared<agents::echo>(), {}, {}};
    case agent_kind::openai: return make_openai(from);
    default: return {};
    }
}

} // namespace mcp_provider::server
