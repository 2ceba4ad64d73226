// health: whether the server is there and well, by exit code; for container and service health
// checks.
#include "commands/command_list.hpp"
#include "commands/exit_code.hpp"
#include "commands/health_probe.hpp"
#include "config/problem.hpp"

#include <chrono>
#include <memory>
#include <ostream>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr int exit_not_ours = 2;

struct health_options {
    std::string url;
    std::uint32_t seconds = 5;
    bool as_json = false;
};

std::string url_of(listen_settings const& where) {
    return "http://" + (where.host == "::1" ? "[::1]" : where.host) + ":" +
           std::to_string(where.port) + "/health";
}

int ask(health_options const& options, sources const& from, surroundings const& around) {
    std::string url = options.url;
    if (url.empty()) {
        loaded const outcome = load_only(from, {"ADAPTER_HOST", "ADAPTER_PORT"});
        if (!outcome.settings) {
            print(around.err, outcome.problems, around.colour);
            return exit_configuration;
        }
        url = url_of(outcome.settings->adapter.listen);
    }
    auto const where = read_loopback_url(url);
    if (!where) {
        around.err << program_name << ": " << url
                   << " is no http:// URL on loopback with a port other than 0; --url takes one\n";
        return exit_usage;
    }
    health_answer const answer = probe_health(*where, std::chrono::seconds{options.seconds});
    using verdict = health_answer::verdict;
    if (answer.is == verdict::not_there || answer.is == verdict::not_ours) {
        around.err << program_name << ": " << url << ": " << answer.text << '\n';
        return exit_not_ours;
    }
    if (options.as_json)
        around.out << answer.text << '\n';
    else
        around.out << (answer.is == verdict::healthy    ? "healthy\n"
                       : answer.is == verdict::degraded ? "degraded\n"
                                                        : "unhealthy\n");
    return answer.is == verdict::unhealthy ? exit_found : exit_done;
}

} // namespace

void add_health_command(command_tree& to) {
    auto const chosen = std::make_shared<health_options>();
    CLI::App& command = to.add(
        to.root(), "health",
        "Ask a running server: exit 0 healthy or degraded, 1 unhealthy, 2 not ours or not there",
        [chosen](sources const& from, surroundings const& around) {
            return ask(*chosen, from, around);
        });
    command
        .add_option("--url", chosen->url,
                    "Where to ask, on loopback; else the adapter of the configuration")
        ->type_name("URL");
    command.add_option("--timeout", chosen->seconds, "How many seconds to wait at most")
        ->type_name("SECONDS")
        ->capture_default_str()
        ->check(CLI::Range(1, 600));
    command.add_flag("--json", chosen->as_json, "Print the whole answer");
}

} // namespace mcp_provider::server
