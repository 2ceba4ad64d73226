#include "agents/child_agent.hpp"

#include "mcp_provider/core/rejection.hpp"

#include <chrono>
#include <cstring>
#include <system_error>

namespace mcp_provider::server::agents {

namespace {

constexpr std::chrono::milliseconds own_end{
    500}; // for one that closed its output, before it is ended
constexpr std::chrono::milliseconds margin{3'000}; // behind the grace time

std::string program_of(net::child_command const& command) {
    return command.arguments.empty() ? std::string{} : command.arguments.front();
}

std::string how_it_ended(net::child_exit const& how, net::child_command const& command) {
    std::string const value = std::to_string(how.value);
    switch (how.how) {
    case net::child_exit::kind::exited: return "it exited with status " + value;
    case net::child_exit::kind::killed: return "it was killed by signal " + value;
    case net::child_exit::kind::not_started:
        return program_of(command) +
               " cannot be run: " + std::generic_category().message(how.value);
    case net::child_exit::kind::unknown: break;
    }
    return {};
}

} // namespace

result<> launch_child(net::child_process& child, net::child_command const& command) {
    std::error_code const failed = child.start(command);
    if (!failed) return {};
    std::string const program = program_of(command);
    if (failed != std::errc::no_such_file_or_directory)
        return rejection{rejection_code::upstream_failed,
                         "the agent " + program + " cannot be started: " + failed.message()};
    std::string text = "the agent is not installed: there is no program " + program;
    if (program.find('/') == std::string::npos)
        text += " in PATH, which is " + std::string{command.variable("PATH")};
    return rejection{rejection_code::upstream_failed, std::move(text)}.because(
        "agent_not_installed");
}

asio::awaitable<std::string> end_of_child(net::child_process& child,
                                          net::child_command const& command, std::string why) {
    auto const begun = std::chrono::steady_clock::now();
    bool gone = co_await child.gone(begun + own_end);
    if (!gone) {
        child.end();
        gone = co_await child.gone(begun + own_end + command.grace + margin);
    }
    std::string const how = how_it_ended(child.exit(), command);
    if (how.empty()) co_return why;
    if (child.exit().how == net::child_exit::kind::not_started) co_return how;
    co_return why + "; " + how;
}

} // namespace mcp_provider::server::agents
