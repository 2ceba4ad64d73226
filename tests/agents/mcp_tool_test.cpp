#include "agents/agent_runtime.hpp"
#include "agents/collected.hpp"
#include "agents/mcp_tool.hpp"
#include "agents/running_agents.hpp"
#include "net/scripted_upstream.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;

namespace {

/// A server over stdio, that a shell plays: it shakes hands, lists its tool, and does `$answer` for each call, whose line is
/// in `$line` and whose id in `$n`.
std::vector<std::string> tool_server(std::string const& answer, std::string const& tools = "") {
    std::string script = R"(
say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$n" "$1"; }
text() { say "{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":$1}]}"; }
next() { IFS= read -r line || exit 0; n=$((n+1)); }
n=0
next; say '{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}}}'
next; say '{"resultType":"complete","tools":[)";
    script +=
        tools.empty()
            ? R"({"name":"ask","inputSchema":{"type":"object","properties":{"prompt":{"type":"string"}},"required":["prompt"]}})"
            : tools;
    script += "]}'\nwhile :; do next; " + answer + "\ndone\n";
    return {"/bin/sh", "-c", script};
}

/// A runtime with the tool, on a thread of its own as in the server.
class running_tool {
public:
    using change = std::function<void(mcp_tool_settings&, runtime_settings&)>;

    explicit running_tool(std::vector<std::string> command, change const& changed = {}) {
        mcp_tool_settings how;
        how.command = std::move(command);
        how.environment = {"PATH=/usr/bin:/bin"};
        how.tool = "ask";
        how.grace = 200ms;
        runtime_settings settings;
        settings.pool.processes = 1;
        settings.pool.scratch = folder_.path() / "scratch";
        settings.pool.grace = how.grace;
        settings.pool.start_time = 5s;
        if (changed) changed(how, settings);
        runtime_ = std::make_unique<agent_runtime>(
            std::make_shared<mcp_tool_driver>(std::move(how)), std::move(settings));
        runtime_->start(context_);
        thread_ = std::thread{[this] { context_.run(); }};
    }
    running_tool(running_tool const&) = delete;
    running_tool& operator=(running_tool const&) = delete;
    ~running_tool() {
        runtime_->stop();
        guard_.reset();
        thread_.join();
        runtime_.reset();
    }

    [[nodiscard]] agent_runtime& runtime() noexcept { return *runtime_; }
    collected ask(agent::conversation const& what) {
        return mcp_provider::server::agents::ask(*runtime_, what);
    }
    collected ask(std::string text) { return ask(saying(std::move(text), "agent:latest")); }
    std::string failure(std::string text = "hi") {
        collected const got = ask(std::move(text));
        return got.why ? got.why->message() : "answered: " + got.text;
    }

private:
    test_folder folder_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
    std::unique_ptr<agent_runtime> runtime_;
    std::thread thread_;
};

} // namespace

TEST_CASE("a tool's text is the answer, and the prompt is its argument") {
    running_tool tool{tool_server(
        R"(case $line in *'"arguments":{"prompt":"hello"}'*) text '"you said hello"';; *) text '"what?"';; esac)")};
    collected const got = tool.ask("hello");
    CHECK(got.opened);
    CHECK(got.text == "you said hello");
    CHECK(got.reason == agent::finish_reason::stop);
    CHECK(got.used.completion_tokens > 0);
}

TEST_CASE("a tool is told the whole conversation in each turn, since it remembers none") {
    running_tool tool{tool_server(
        R"(case $line in *'Who are you?'*'A tool.'*'Really?'*) text '"yes"';; *) text '"A tool."';; esac)")};
    agent::conversation talk = saying("Who are you?", "agent:latest");
    CHECK(tool.ask(talk).text == "A tool.");
    talk.messages.emplace_back(agent::role::assistant, "A tool.");
    talk.messages.emplace_back(agent::role::user, "Really?");
    CHECK(tool.ask(talk).text == "yes");
    CHECK(tool.runtime().state().sessions == 0);
}

TEST_CASE("a tool is offered under its name, and says what it cannot be told") {
    running_tool tool{tool_server("text '\"hi\"'")};
    CHECK(comes_true([&] { return tool.runtime().models()->size() == 2; }));
    auto const models = tool.runtime().models();
    REQUIRE(models->size() == 2);
    CHECK((*models)[1].name == "ask");
    CHECK((*models)[1].lacks(agent::limitation::sampling));
    CHECK((*models)[1].lacks(agent::limitation::max_tokens));
    CHECK((*models)[1].lacks(agent::limitation::format));
    CHECK_FALSE((*models)[1].has(agent::capability::tools));
    CHECK(tool.ask(saying("x", "ask")).text == "hi");
}

TEST_CASE("structured content stands in for a text, and nothing at all is an error") {
    running_tool structured{tool_server(R"(say '{"content":[],"structuredContent":{"a":1}}')")};
    CHECK(structured.ask("x").text == R"({"a":1})");
    running_tool silent{
        tool_server(R"(say '{"content":[{"type":"image","data":"","mimeType":"image/png"}]}')")};
    CHECK(silent.failure() == "the tool ask answered without a text");
}

TEST_CASE("a tool that fails, and a server that refuses, are told from each other, and go on") {
    running_tool failing{
        tool_server(R"(say '{"isError":true,"content":[{"type":"text","text":"no\nluck"}]}')")};
    CHECK(failing.failure() == "the tool ask failed: no luck");
    CHECK(failing.failure() == "the tool ask failed: no luck");
    running_tool refusing{tool_server(
        R"(printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"bad"}}\n' "$n")")};
    CHECK(refusing.failure() == "the MCP server answered with error -32602: bad");
    CHECK(refusing.runtime().state().ready == 1);
}

TEST_CASE("progress is a sign of life and no part of the answer") {
    running_tool tool{
        tool_server(
            R"(i=0; while [ $i -lt 8 ]; do printf '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":%s,"progress":%s,"message":"working"}}\n' "$n" "$i"; sleep 0.1; i=$((i+1)); done; text '"done"')"),
        [](mcp_tool_settings&, runtime_settings& settings) {
            settings.request_time = settings.stream_time = 400ms;
        }};
    CHECK(tool.ask("x").text == "done");

    running_tool mute{tool_server("sleep 5"), [](mcp_tool_settings&, runtime_settings& settings) {
                          settings.request_time = settings.stream_time = 200ms;
                      }};
    CHECK(comes_true([&] { return mute.runtime().state().ready == 1; }));
    CHECK(mute.failure() == "the agent showed no sign of life for too long");
}

TEST_CASE("a client that leaves cancels the call at the server") {
    running_tool tool{
        tool_server(
            R"(case $line in *tools/call*) ;; *cancelled*) echo "$line" >> "$OUT"; n=$((n-1));; esac)"),
        [](mcp_tool_settings& how, runtime_settings& settings) {
            how.environment.push_back("OUT=" +
                                      (settings.pool.scratch.parent_path() / "seen").string());
        }};
    CHECK(comes_true([&] { return tool.runtime().state().ready == 1; }));
    auto const leave = [&]() -> asio::awaitable<void> {
        audited const proof = testing::audited_access::make();
        agent::conversation const ask = saying("x", "agent:latest");
        auto stream = co_await tool.runtime().generate(ask, proof);
        REQUIRE(stream.has_value());
        auto const first = co_await (*stream)->next();
        CHECK(first->what == agent::delta::kind::opened);
    };
    testing::run(leave());
    CHECK(comes_true([&] { return tool.runtime().state().turns == 0; }));
}

TEST_CASE("a server that ends is started again, and one that cannot serve says why") {
    running_tool dying{tool_server("text '\"bye\"'; exit 3")};
    CHECK(dying.ask("x").text == "bye");
    // A call may still meet the one that is about to end.
    CHECK(comes_true([&] { return dying.ask("x").text == "bye"; }));

    running_tool other{tool_server("next", R"({"name":"other","inputSchema":{}})")};
    CHECK(other.failure() == "the MCP server has no tool ask; it has other");
    running_tool deaf{
        tool_server("next", R"({"name":"ask","inputSchema":{"properties":{"question":{}}}})")};
    CHECK(deaf.failure() == "the tool ask has no argument prompt; it has question");
    running_tool greedy{tool_server(
        "next",
        R"({"name":"ask","inputSchema":{"properties":{"prompt":{},"mood":{}},"required":["mood"]}})")};
    CHECK(greedy.failure() == "the tool ask needs the argument mood, which nobody gives it");
    running_tool absent{{"/nowhere/server"}};
    CHECK(absent.failure() == "the MCP server cannot be started: No such file or directory");
}

TEST_CASE("an answer of many pieces is handed over as the client reads") {
    running_tool tool{tool_server(
        R"(x=0123456789abcdef; i=0; while [ $i -lt 12 ]; do x=$x$x; i=$((i+1)); done; text "\"$x\"")")};
    collected const got = tool.ask("x");
    CHECK(got.text.size() == 65536);
    CHECK(got.pieces.size() == 4);
}

TEST_CASE("a tool over HTTP is called with its token") {
    asio::io_context context{1};
    std::vector<std::string> requests;
    auto const play = [&](testing::upstream_side& side) -> asio::awaitable<void> {
        for (int n = 1;; ++n) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            requests.push_back(request);
            std::string body = R"({"jsonrpc":"2.0","id":)" + std::to_string(n) + R"(,"result":)";
            if (n == 1)
                body +=
                    R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}})";
            if (n == 2)
                body +=
                    R"({"resultType":"complete","tools":[{"name":"ask","inputSchema":{"properties":{"q":{"type":"string","x-mcp-header":"Q"}}}}]}})";
            if (n > 2)
                body +=
                    R"({"resultType":"complete","content":[{"type":"text","text":"over HTTP"}]}})";
            co_await side.say(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
        }
    };
    testing::scripted_upstream upstream{context, play};
    std::string const url = upstream.url("/mcp");
    asio::executor_work_guard<asio::io_context::executor_type> const guard{context.get_executor()};
    std::thread thread{[&] { context.run(); }};
    std::string text;
    {
        running_tool tool{{}, [&](mcp_tool_settings& how, runtime_settings&) {
                              how.to = *net::origin::parse(url);
                              how.token = secret{"tok-1"};
                              how.argument = "q";
                          }};
        text = tool.ask("hello").text;
    }
    context.stop();
    thread.join();
    CHECK(text == "over HTTP");
    REQUIRE(requests.size() == 3);
    CHECK(requests[2].find("\r\nAuthorization: Bearer tok-1\r\n") != std::string::npos);
    CHECK(requests[2].find("\r\nMcp-Name: ask\r\n") != std::string::npos);
    CHECK(requests[2].find("\r\nMcp-Param-Q: hello\r\n") != std::string::npos);
}
