// The built program with agents that it starts: over both APIs, and while somebody kills them.
#include "server/program.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

environment with_agents(scratch const& folder, environment more = {}) {
    char const* const program = std::getenv("MCP_PROVIDER_FAKE_AGENT");
    more.emplace("STATE_DIR", folder.path().string());
    more.emplace("AGENT", "acp");
    more.emplace("AGENT_COMMAND",
                 std::string{program != nullptr ? program : "fake_agent"} + " models");
    more.emplace("ENABLE_RATE_LIMITING", "false");
    more.emplace("MAX_REQUESTS_PER_SESSION", "100000");
    return more;
}

std::string request(std::uint16_t port, std::string_view path, std::string_view body) {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
           "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}
std::string chat(std::string_view text, bool streamed = false, std::string_view more = {}) {
    return R"({"model":"agent","stream":)" + std::string{streamed ? "true" : "false"} +
           std::string{more} + R"(,"messages":[{"role":"user","content":")" + std::string{text} +
           R"("}]})";
}
std::string ask(running_server const& of, std::string_view text, bool streamed = false,
                std::string_view more = {}) {
    return exchange_bytes(
        of.port(), request(of.port(), "/v1/chat/completions", chat(text, streamed, more)), 15s);
}

std::vector<int> children_of(int process) {
    std::vector<int> all;
    std::error_code gone;
    std::filesystem::path const tasks = "/proc/" + std::to_string(process) + "/task";
    for (auto const& task : std::filesystem::directory_iterator{tasks, gone}) {
        std::ifstream in{task.path() / "children"};
        for (int child = 0; in >> child;) all.push_back(child);
    }
    return all;
}
/// Behind each child of the server, its guardian, stands an agent.
std::vector<int> agents_of(running_server const& of) {
    std::vector<int> all;
    for (int const guardian : children_of(of.pid()))
        for (int const agent : children_of(guardian)) all.push_back(agent);
    return all;
}
char state_of(int process) {
    std::ifstream in{"/proc/" + std::to_string(process) + "/stat"};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    std::size_t const name_end = text.rfind(')');
    return name_end == std::string::npos ? ' ' : text[name_end + 2];
}
std::size_t descriptors_of(running_server const& of) {
    std::error_code gone;
    std::filesystem::directory_iterator const all{"/proc/" + std::to_string(of.pid()) + "/fd",
                                                  gone};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}
bool comes_true(std::function<bool()> const& what) {
    for (auto const until = std::chrono::steady_clock::now() + 15s;
         std::chrono::steady_clock::now() < until;) {
        if (what()) return true;
        std::this_thread::sleep_for(10ms);
    }
    return what();
}

/// Whether a response says all that it should: an answer to its end, or an error.
bool is_verdict(std::string const& response, bool streamed) {
    int const status = status_of(response);
    std::size_t const head = response.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    if (status != 200) return response.find("\"message\":\"", head) != std::string::npos;
    if (!streamed) return response.find("\"finish_reason\":\"stop\"", head) != std::string::npos;
    return response.ends_with("data: [DONE]\n\n\r\n0\r\n\r\n") ||
           response.find("data: {\"error\":{\"message\":\"", head) != std::string::npos;
}

} // namespace

TEST_CASE("an agent answers over both APIs, and its models are listed under plain names") {
    scratch const folder;
    running_server const server{with_agents(folder, {{"MODEL_ALIASES", "codestral=small"}})};
    CHECK(comes_true([&] {
        return exchange_bytes(server.port(), "GET /api/tags HTTP/1.1\r\nHost: 127.0.0.1:" +
                                                 std::to_string(server.port()) +
                                                 "\r\nConnection: close\r\n\r\n")
                   .find("\"claude-1m\"") != std::string::npos;
    }));

    std::string const whole = ask(server, "say hello there");
    CHECK(whole.find("\"content\":\"hello there\"") != std::string::npos);
    std::string const stream = ask(server, "say hello there", true);
    CHECK(stream.find("\"content\":\"hello\"") != std::string::npos);
    CHECK(stream.find("\"content\":\" there\"") != std::string::npos);
    std::string const native = exchange_bytes(
        server.port(),
        request(server.port(), "/api/chat",
                R"({"model":"codestral","messages":[{"role":"user","content":"model"}]})"),
        15s);
    CHECK(native.find("\"content\":\"small\"") != std::string::npos);
    CHECK(native.find("\"done\":true") != std::string::npos);
}

TEST_CASE("what an agent cannot honour is refused, or named where it is overlooked") {
    scratch const folder;
    running_server const server{with_agents(folder)};

    std::string const overlooked =
        ask(server, "say x", false, R"(,"temperature":0.5,"max_tokens":9)");
    CHECK(status_of(overlooked) == 200);
    CHECK(overlooked.find("X-Ignored-Parameters: max_tokens, temperature") != std::string::npos);
    std::string const tools = ask(
        server, "say x", false,
        R"(,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}])");
    CHECK(status_of(tools) == 400);
    CHECK(tools.find("does not support tools") != std::string::npos);
    CHECK(status_of(ask(server, "say x", false, R"(,"response_format":{"type":"json_object"})")) ==
          400);
    CHECK(status_of(ask(server, "say x", false, R"(,"n":2)")) == 400);
    std::string const stopped = ask(server, "say one two three", false, R"(,"stop":["wo th"])");
    CHECK(stopped.find("\"content\":\"one t\"") != std::string::npos);
}

TEST_CASE("a server whose agent is missing serves on, says so to callers, and is degraded") {
    scratch const folder;
    running_server const server{with_agents(folder, {{"AGENT_COMMAND", "no-such-agent acp"}})};

    std::string const got = ask(server, "say hello");

    CHECK(status_of(got) == 502);
    CHECK(got.find("there is no program no-such-agent in PATH") != std::string::npos);
    std::string const health = exchange_bytes(
        server.port(), "GET /health HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                           "\r\nConnection: close\r\n\r\n");
    CHECK(status_of(health) == 200);
    CHECK(comes_true([&] {
        return exchange_bytes(server.port(), "GET /health HTTP/1.1\r\nHost: 127.0.0.1:" +
                                                 std::to_string(server.port()) +
                                                 "\r\nConnection: close\r\n\r\n")
                   .find("degraded") != std::string::npos;
    }));
}

TEST_CASE("agents go with the server, however it ends") {
    for (int const number : {SIGTERM, SIGKILL}) {
        scratch const folder;
        running_server server{with_agents(folder, {{"AGENT_POOL", "3"}})};
        CHECK(comes_true([&] { return agents_of(server).size() == 3; }));
        std::vector<int> const agents = agents_of(server);

        server.signal(number);
        server.wait();

        for (int const agent : agents)
            CHECK(comes_true([&] { return ::kill(agent, 0) != 0 || state_of(agent) == 'Z'; }));
    }
}

TEST_CASE("a thousand requests while agents are killed: each gets an answer or a clear error") {
    scratch const folder;
    running_server const server{with_agents(
        folder, {{"AGENT_POOL", "4"}, {"MAX_CONCURRENT_REQUESTS", "64"}, {"AGENT_QUEUE", "64"}})};
    CHECK(comes_true([&] { return agents_of(server).size() == 4; }));
    CHECK(is_verdict(ask(server, "say warm"), false));
    CHECK(comes_true([&] { return descriptors_of(server) != 0; }));
    std::size_t const descriptors = descriptors_of(server);

    std::atomic<int> left = 1'000;
    std::atomic<int> answered = 0;
    std::atomic<int> refused = 0;
    std::atomic<int> unclear = 0;
    std::atomic<bool> over = false;
    std::vector<std::thread> clients;
    for (int i = 0; i != 16; ++i)
        clients.emplace_back([&] {
            for (int number = 0; (number = left.fetch_sub(1)) > 0;) {
                bool const streamed = number % 2 == 0;
                std::string const got =
                    ask(server, number % 3 == 0 ? "say hello" : "count 4 5", streamed);
                bool const failed =
                    status_of(got) != 200 || got.find("\"error\":") != std::string::npos;
                if (!is_verdict(got, streamed))
                    ++unclear;
                else
                    ++(failed ? refused : answered);
            }
        });
    int killed = 0;
    std::thread killer{[&] {
        std::mt19937 random{7};
        while (!over) {
            std::vector<int> const agents = agents_of(server);
            if (!agents.empty() && ::kill(agents[random() % agents.size()], SIGKILL) == 0) ++killed;
            std::this_thread::sleep_for(std::chrono::milliseconds{random() % 200});
        }
    }};
    for (std::thread& one : clients) one.join();
    over = true;
    killer.join();

    MESSAGE("answered " << answered.load() << ", failed " << refused.load() << ", killed "
                        << killed);
    CHECK(unclear == 0);
    CHECK(answered + refused == 1'000);
    CHECK(answered > 500);
    CHECK(killed > 20);
    CHECK(comes_true([&] { return agents_of(server).size() == 4; }));
    CHECK(comes_true([&] { return is_verdict(ask(server, "say hello"), false); }));
    for (int const guardian : children_of(server.pid())) CHECK(state_of(guardian) != 'Z');
    CHECK(comes_true([&] { return descriptors_of(server) <= descriptors; }));
}
