#include "agents/make_agent.hpp"

#include "agents/acp_process.hpp"
#include "agents/agent_environment.hpp"
#include "agents/agent_runtime.hpp"
#include "agents/claude.hpp"
#include "agents/codex.hpp"
#include "agents/echo.hpp"
#include "agents/mcp_pull.hpp"
#include "agents/mcp_pull_tools.hpp"
#include "agents/mcp_sampling.hpp"
#include "agents/mcp_tool.hpp"
#include "agents/openai_upstream.hpp"
#include "mcp_provider/net/command_line.hpp"
#include "mcp_provider/net/origin.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
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
    chosen_agent chosen;
    chosen.agent = made;
    chosen.start = [made](asio::io_context& on) { made->start(on); };
    chosen.stop = [made] { made->stop(); };
    return chosen;
}

agents::runtime_settings runtime_settings_of(config const& from) {
    agents::runtime_settings to;
    to.pool.processes = from.agent.pool;
    to.pool.scratch = from.state_directory / "scratch";
    to.max_waiting = from.agent.queue;
    to.max_sessions = from.agent.sessions;
    to.session_time = from.agent.session_time;
    to.request_time = from.request.timeout;
    to.stream_time = from.request.stream_timeout;
    to.permissions = agents::permission_rules{from.agent.permissions};
    to.environment = agents::agent_environment(environ, from.agent.environment);
    for (model_alias const& one : from.agent.aliases) to.aliases.emplace_back(one.name, one.model);
    return to;
}

/// Runs agent processes of a kind.
chosen_agent run_agents(std::shared_ptr<agents::agent_driver const> driver,
                        agents::runtime_settings settings) {
    auto made = std::make_shared<agents::agent_runtime>(std::move(driver), std::move(settings));
    chosen_agent chosen;
    chosen.agent = made;
    chosen.start = [made](asio::io_context& on) { made->start(on); };
    chosen.stop = [made] { made->stop(); };
    chosen.look = [made] {
        agents::runtime_state const now = made->state();
        return now.ready == 0 && !now.failure.empty() ? health::degraded : health::healthy;
    };
    chosen.announce = [made](std::shared_ptr<events::feed> to) {
        made->tell_states_to([to = std::move(to)](std::string_view state, std::string_view why) {
            to->publish(events::topic::agent, "agent.state",
                        [&](events::members& out) { out.add("state", state).add("why", why); });
        });
    };
    chosen.use_desk = [made](std::shared_ptr<agents::permission_desk> desk) {
        made->use_desk(std::move(desk));
    };
    return chosen;
}

/// The settings of a driver: how its program is started.
template <class Settings>
Settings program_of(config const& from, agents::runtime_settings const& settings,
                    std::string_view otherwise) {
    Settings how;
    std::string_view const line =
        from.agent.command.empty() ? otherwise : std::string_view{from.agent.command};
    how.command = net::split_command_line(line).value_or(std::vector<std::string>{});
    how.environment = settings.environment;
    how.grace = settings.pool.grace;
    return how;
}

chosen_agent make_acp(config const& from) {
    agents::runtime_settings settings = runtime_settings_of(from);
    auto how = program_of<agents::acp_settings>(from, settings, {});
    return run_agents(std::make_shared<agents::acp_driver>(std::move(how)), std::move(settings));
}

chosen_agent make_codex(config const& from) {
    agents::runtime_settings settings = runtime_settings_of(from);
    auto how = program_of<agents::codex_settings>(from, settings, "codex app-server");
    how.may_use_tools = settings.permissions.may_allow();
    return run_agents(std::make_shared<agents::codex_driver>(std::move(how)), std::move(settings));
}

chosen_agent make_claude(config const& from) {
    agents::runtime_settings settings = runtime_settings_of(from);
    auto how = program_of<agents::claude_settings>(from, settings, "claude");
    how.may_use_tools = settings.permissions.may_allow();
    return run_agents(std::make_shared<agents::claude_driver>(std::move(how)), std::move(settings));
}

/// Prompts wait a little less than their clients, so that these learn what was missing.
std::chrono::milliseconds just_before(std::chrono::seconds limit) {
    return limit - std::chrono::milliseconds{250};
}

agents::pull_settings pull_settings_of(config const& from) {
    agents::pull_settings to;
    to.limits.max_prompts = std::max<std::size_t>(1, from.agent.queue);
    to.limits.lease_time = from.agent.lease_time;
    to.limits.request_time = just_before(from.request.timeout);
    to.limits.stream_time = just_before(from.request.stream_timeout);
    for (model_alias const& one : from.agent.aliases) to.aliases.emplace_back(one.name, one.model);
    return to;
}

/// Lets hosts bring the answers, with the tools that `add_tools` gives them.
chosen_agent let_hosts_answer(agents::pull_settings settings,
                              void (*add_tools)(mcp::server&,
                                                std::shared_ptr<agents::prompt_queue>)) {
    auto const made = std::make_shared<agents::mcp_pull>(std::move(settings));
    chosen_agent chosen;
    chosen.agent = made;
    chosen.start = [made](asio::io_context& on) { made->start(on); };
    chosen.stop = [made] { made->stop(); };
    chosen.offer = [made, add_tools](mcp::server& to) { add_tools(to, made->queue()); };
    return chosen;
}

chosen_agent make_mcp_tool(config const& from) {
    agents::runtime_settings settings = runtime_settings_of(from);
    agents::mcp_tool_settings how;
    how.environment = settings.environment;
    how.grace = settings.pool.grace;
    if (from.agent.mcp_url.empty()) {
        how.command =
            net::split_command_line(from.agent.mcp_command).value_or(std::vector<std::string>{});
    } else {
        auto to = net::origin::parse(from.agent.mcp_url);
        if (!to) throw std::runtime_error{"AGENT_MCP_URL: " + to.error().message()};
        how.to = *std::move(to);
        how.token = secret{std::string{from.agent.mcp_token.reveal()}};
    }
    how.tool = from.agent.mcp_tool;
    how.argument = from.agent.mcp_argument;
    return run_agents(std::make_shared<agents::mcp_tool_driver>(std::move(how)),
                      std::move(settings));
}

} // namespace

chosen_agent make_agent(config const& from) {
    switch (from.agent.kind) {
    case agent_kind::echo: {
        chosen_agent chosen;
        chosen.agent = std::make_shared<agents::echo>();
        return chosen;
    }
    case agent_kind::openai: return make_openai(from);
    case agent_kind::acp: return make_acp(from);
    case agent_kind::codex: return make_codex(from);
    case agent_kind::claude: return make_claude(from);
    case agent_kind::mcp_pull:
        return let_hosts_answer(pull_settings_of(from), &agents::add_pull_tools);
    case agent_kind::mcp_sampling: {
        agents::pull_settings settings = pull_settings_of(from);
        settings.write = &agents::sampling_params;
        settings.cannot = agent::limitation::sampling | agent::limitation::format;
        return let_hosts_answer(std::move(settings), &agents::add_sampling_tool);
    }
    case agent_kind::mcp_tool: return make_mcp_tool(from);
    }
    return {};
}

} // namespace mcp_provider::server
