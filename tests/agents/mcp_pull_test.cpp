#include "agents/collected.hpp"
#include "agents/mcp_pull.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/executor_work_guard.hpp>
#include <boost/json/parse.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;
using mcp_provider::agent::role;

namespace {

boost::json::object told(agent::conversation const& ask) {
    return boost::json::parse("{" + prompt_text(ask) + "}").as_object();
}

agent::conversation chat(bool streamed = true) {
    agent::conversation out;
    out.model = "agent:latest";
    out.streamed = streamed;
    out.messages.emplace_back(role::user, "hello");
    return out;
}

/// An agent whose hosts are played by `plays`, on the bridge's thread.
class bridge {
public:
    explicit bridge(prompt_limits limits = {},
                    std::vector<std::pair<std::string, std::string>> aliases = {}) {
        pull_settings settings;
        settings.limits = limits;
        settings.aliases = std::move(aliases);
        agent = std::make_shared<mcp_pull>(std::move(settings));
        agent->start(context_);
        thread_ = std::thread{[this] { context_.run(); }};
    }
    ~bridge() {
        agent->stop();
        held_.reset();
        thread_.join();
    }

    /// Fetches one prompt, at most two seconds from now.
    given_prompt fetch() {
        auto const until = std::chrono::steady_clock::now() + 2s;
        auto const place = agent->queue()->wait([] {}, std::chrono::steady_clock::now());
        for (;;) {
            if (auto given = place->take()) return *std::move(given);
            if (std::chrono::steady_clock::now() > until) return {};
            std::this_thread::yield();
        }
    }

    std::shared_ptr<mcp_pull> agent;

private:
    asio::io_context context_{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> held_{
        asio::make_work_guard(context_)};
    std::thread thread_;
};

} // namespace

TEST_CASE("a host is told the system text apart, and who said what") {
    agent::conversation ask = chat();
    ask.messages.clear();
    ask.messages.emplace_back(role::system, "be kind");
    ask.messages.emplace_back(role::system, "be brief");
    ask.messages.emplace_back(role::user, "the weather \"here\"?");
    ask.messages.emplace_back(role::assistant, "");
    ask.messages.back().tool_calls.emplace_back("call_1", "weather", R"({"city":"Bonn"})");
    ask.messages.emplace_back(role::tool, "rain");

    auto const one = told(ask);

    CHECK(one.at("model") == "agent:latest");
    CHECK(one.at("system") == "be kind\n\nbe brief");
    auto const& messages = one.at("messages").as_array();
    REQUIRE(messages.size() == 3);
    CHECK(messages[0].at("role") == "user");
    CHECK(messages[0].at("content") == "the weather \"here\"?");
    CHECK(messages[1].at("role") == "assistant");
    CHECK(messages[1].at("tool_calls").at(0).at("name") == "weather");
    CHECK(messages[1].at("tool_calls").at(0).at("arguments") == R"({"city":"Bonn"})");
    CHECK(messages[2].at("role") == "tool");
    CHECK(messages[2].at("content") == "rain");
}

TEST_CASE("a host is told to continue a text where that is what is asked") {
    agent::conversation ask;
    ask.model = "agent:latest";
    ask.is_completion = true;
    ask.prompt = "Once upon";
    auto const one = told(ask);
    CHECK(one.at("messages").at(0).at("content") == "Once upon");
    CHECK(one.at("system").as_string().find("continuation") != std::string::npos);
    CHECK(!told(chat()).contains("system"));
}

TEST_CASE("mcp-pull offers agent:latest and the operator's names for it, and makes no vectors") {
    bridge one{{}, {{"gpt-4o", "agent:latest"}}};
    std::vector<std::string> names;
    for (agent::model const& each : *one.agent->models()) names.push_back(each.name);
    CHECK(names == std::vector<std::string>{"gpt-4o", "agent:latest"});
    agent::conversation question = chat();
    question.model = "other";
    CHECK(ask(*one.agent, question).why->status() == 404);
    agent::embedding_request const texts;
    CHECK(ask_vectors(*one.agent, texts).error().status() == 400);
}

TEST_CASE("an answer comes from a host on another thread, piece by piece") {
    bridge one;
    agent::conversation const question = chat();
    std::thread host{[&] {
        auto const given = one.fetch();
        auto const now = std::chrono::steady_clock::now();
        (void)one.agent->queue()->append(given.id, "Hel", now);
        (void)one.agent->queue()->submit(given.id, "lo", agent::finish_reason::length);
    }};
    auto const got = ask(*one.agent, question);
    host.join();
    CHECK(got.text == "Hello");
    CHECK(got.reason == agent::finish_reason::length);
    CHECK(!got.failed());
}

TEST_CASE("an answer ends at a stop sequence, wherever its pieces are cut") {
    bridge one;
    agent::conversation question = chat();
    question.stop.push_back("END");
    auto verdict = delivery_verdict::unknown;
    std::thread host{[&] {
        auto const given = one.fetch();
        auto const now = std::chrono::steady_clock::now();
        (void)one.agent->queue()->append(given.id, "one E", now);
        (void)one.agent->queue()->append(given.id, "ND two", now);
        verdict = one.agent->queue()->append(given.id, "three", now);
    }};
    auto const got = ask(*one.agent, question);
    host.join();
    CHECK(got.text == "one ");
    CHECK(got.reason == agent::finish_reason::stop);
    CHECK(verdict == delivery_verdict::answered);
}

TEST_CASE("a client that leaves cancels its prompt") {
    bridge one;
    agent::conversation const question = chat();
    bool ended = false;
    try {
        ended = testing::run(gather(*one.agent, question), 20ms).finished;
    } catch (std::exception const&) { // cancelled, as a connection does it
    }
    CHECK(!ended);
    auto const until = std::chrono::steady_clock::now() + 2s;
    while (one.agent->queue()->prompts() != 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();
    CHECK(one.agent->queue()->prompts() == 0);
}

TEST_CASE("a prompt that nobody fetches fails on the agent's own clock") {
    bridge one{prompt_limits{.request_time = 150ms}};
    agent::conversation const question = chat();
    auto const got = ask(*one.agent, question);
    REQUIRE(got.failed());
    CHECK(got.why->status() == 504);
    CHECK(got.why->reason() == "no_agent");
}

TEST_CASE("a server that stops fails what waits") {
    bridge one;
    agent::conversation const question = chat();
    std::thread stopping{[&] {
        while (one.agent->queue()->prompts() == 0) std::this_thread::yield();
        one.agent->stop();
    }};
    auto const got = ask(*one.agent, question);
    stopping.join();
    REQUIRE(got.failed());
    CHECK(got.why->status() == 503);
}
