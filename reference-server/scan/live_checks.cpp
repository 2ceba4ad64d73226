#include "commands/health_probe.hpp"
#include "commands/loopback_call.hpp"
#include "incident/control_file.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/version.hpp"
#include "scan/checks.hpp"
#include "scan/rules.hpp"

#include <charconv>
#include <chrono>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::scan {

namespace {

constexpr std::chrono::seconds patience{5};

/// Whether a local address of /proc/net/tcp or tcp6 (proc(5)), in hexadecimal, is loopback.
bool is_loopback(std::string_view address) {
    constexpr std::string_view v6 = "00000000000000000000000001000000";
    constexpr std::string_view mapped = "0000000000000000FFFF0000";
    if (address.size() == 32 && address.starts_with(mapped)) address.remove_prefix(24);
    if (address.size() == 8) return address.ends_with("7F"); // the bytes are in the host's order
    return address == v6;
}

/// The addresses beyond loopback on which anybody listens at a port.
std::vector<std::string> wide_listeners(std::uint16_t port) {
    std::vector<std::string> found;
    for (char const* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream file{table};
        std::string line;
        std::getline(file, line);
        while (std::getline(file, line)) {
            std::istringstream columns{line};
            std::string slot, local, remote, state;
            columns >> slot >> local >> remote >> state;
            constexpr std::string_view listening = "0A";
            auto const colon = local.rfind(':');
            if (!columns || state != listening || colon == std::string::npos) continue;
            unsigned number = 0;
            std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16);
            if (number == port && !is_loopback(std::string_view{local}.substr(0, colon)))
                found.push_back(local.substr(0, colon));
        }
    }
    return found;
}

/// One part of the running server, as a client meets it.
class part {
public:
    part(report& into, loopback_url at) : into_{into}, at_{std::move(at)} {}

    void check() {
        check_bind();
        health_answer const health = probe_health(at_, patience);
        if (health.is == health_answer::verdict::not_there)
            return into_.skip(name() + ": it does not answer: " + health.text);
        if (health.is == health_answer::verdict::not_ours)
            return into_.add(rules::stranger, name(), health.text);
        check_version(health.text);
        refused(rules::rebinding, "GET", "/health/live", {{"Host", "rebound.example"}}, {403, 421},
                "a Host of rebound.example");
        refused(rules::foreign_origin, "GET", "/health/live", {{"Origin", "https://page.example"}},
                {403}, "an Origin of https://page.example");
        refused(rules::foreign_origin, "GET", "/health/live", {{"Sec-Fetch-Site", "cross-site"}},
                {403}, "a cross-site request");
    }
    void check_adapter() {
        refused(rules::open_admin, "GET", "/admin", {}, {401, 403}, "a request without a token");
        refused(rules::open_admin, "GET", "/admin", {{"Authorization", "Bearer mlp_wrong"}},
                {401, 403}, "a wrong token");
        refused(rules::management, "DELETE", "/api/delete", {}, {403, 404}, "DELETE /api/delete");
    }

private:
    [[nodiscard]] std::string name() const { return at_.host + ':' + std::to_string(at_.port); }

    void check_bind() {
        for (std::string const& address : wide_listeners(at_.port))
            into_.add(rules::wide_bind, "port " + std::to_string(at_.port),
                      "the kernel has a listener on " + address + " (hexadecimal)");
    }

    void check_version(std::string const& health) {
        auto const document = json::parse(health);
        if (!document) return;
        json::reading pass{*document};
        std::string_view const running = pass.root()["version"].text_or("");
        if (pass.ok() && running != version)
            into_.add(rules::other_version, name(),
                      "it is of version " + std::string{running} + ", and this program of " +
                          std::string{version});
    }

    void refused(rule const& held_to, std::string method, std::string path,
                 std::vector<std::pair<std::string, std::string>> fields, std::vector<int> good,
                 std::string_view what) {
        loopback_request ask{at_, std::move(method), std::move(fields)};
        ask.where.path = std::move(path);
        ask.limit = patience;
        loopback_answer const answer = call_loopback(ask);
        if (!answer.came) return into_.skip(name() + ": " + answer.why);
        for (int const one : good)
            if (answer.status == one) return;
        into_.add(held_to, name() + ask.where.path,
                  std::string{what} + " was answered with status " + std::to_string(answer.status));
    }

    report& into_;
    loopback_url at_;
};

/// A core dump would hold secrets.
void check_core_limit(report& into, int pid) {
    std::ifstream limits{"/proc/" + std::to_string(pid) + "/limits"};
    if (!limits)
        return into.skip("core dumps: /proc tells nothing of process " + std::to_string(pid));
    for (std::string line; std::getline(limits, line);) {
        if (!line.starts_with("Max core file size")) continue;
        std::istringstream columns{line.substr(18)};
        std::string soft;
        columns >> soft;
        if (soft != "0")
            into.add(rules::core_dumps, "process " + std::to_string(pid),
                     "its core files may be of " + soft + " bytes");
    }
}

} // namespace

void check_running_server(report& into, config const& settings) {
    bool any = false;
    for (run_mode const mode : {run_mode::serve, run_mode::bridge}) {
        auto const server = find_server(settings.state_directory, mode);
        if (!server || state_hold{settings.state_directory, mode}.is_held()) continue;
        auto const url = read_loopback_url(server->url);
        if (!url) continue;
        any = true;
        part one{into, *url};
        one.check();
        if (mode == run_mode::serve) one.check_adapter();
        check_core_limit(into, server->pid);
    }
    if (!any)
        into.skip("the running server: none runs with STATE_DIR " +
                  settings.state_directory.string());
}

} // namespace mcp_provider::server::scan
