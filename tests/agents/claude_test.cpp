#include "agents/claude.hpp"
#include "agents/claude_wire.hpp"
#include "agents/played_agent.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace mcp_provider::server::agents {
namespace {

// The answers to what the bridge asks before the first turn; ids are counted from 1.
constexpr std::string_view greeting = R"(
answer() { say '{"type":"control_response","response":{"subtype":"success","request_id":"'"$1"'","response":'"$2"'}}'; }
event() { say '{"type":"stream_event","event":'"$1"',"parent_tool_use_id":null}'; }
delta() { event '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"'"$1"'"}}'; }
ended() { say '{"type":"result","subtype":"success","is_error":false,"stop_reason":"end_turn","result":"x","usage":{"input_tokens":3,"cache_read_input_tokens":8,"output_tokens":7}}'; }
next; answer 1 '{"models":[{"value":"default","displayName":"Default"},{"value":"opus","displayName":"Opus"},{"value":"haiku","displayName":"Haiku"}]}'
next; answer 2 '{"account":{"tokenSource":"none","apiKeySource":"ANTHROPIC_API_KEY","apiProvider":"firstParty"}}'
)";

std::string after_greeting(std::string_view rest) {
    return std::string{greeting} + std::string{rest};
}

claude_settings settings_of(played_script const& script, bool may_use_tools = false) {
    claude_settings settings;
    settings.command = script.command();
    settings.environment = {"PATH=/usr/bin:/bin"};
    settings.grace = std::chrono::milliseconds{300};
    settings.may_use_tools = may_use_tools;
    return settings;
}

class claude_run {
public:
    explicit claude_run(std::string_view text, bool may_use_tools = false)
        : script{text}, driver{settings_of(script, may_use_tools)}, agent{driver, script.folder()} {
    }
    result<turn_end> ask(std::string words) {
        return agent.ask(agent_prompt{std::move(words)}, sink);
    }

    played_script script;
    claude_driver driver;
    noting_sink sink;
    played_agent agent;
};

TEST_CASE("claude streams its answer, its thoughts and its tokens") {
    claude_run run{after_greeting(R"(
next; say '{"type":"system","subtype":"init","tools":[]}'
event '{"type":"message_start","message":{"role":"assistant","content":[]}}'
event '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}'
event '{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}'
event '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}'
delta 'Hel'; delta 'lo'; say '{"type":"assistant","message":{"role":"assistant","content":[{"type":"text","text":"Hello"}]}}'
ended; next)")};

    auto const end = run.ask("hi");

    REQUIRE(end);
    CHECK(run.sink.said == "Hello");
    CHECK(run.sink.pieces == 2);
    CHECK(run.sink.thought == "hm");
    CHECK(end->reason == agent::finish_reason::stop);
    CHECK(end->used_is_known);
    CHECK(end->used.prompt_tokens == 11);
    CHECK(end->used.completion_tokens == 7);
    CHECK_FALSE(end->was_cancelled);
    CHECK(
        run.script.heard(R"("type":"user")") ==
        R"({"type":"user","parent_tool_use_id":null,"message":{"role":"user","content":[{"type":"text","text":"hi"}]}})");
}

TEST_CASE("claude lists its models, but not the one that means none") {
    claude_run run{after_greeting("next")};

    REQUIRE(run.agent.greet());

    REQUIRE(run.agent.process->models().size() == 2);
    CHECK(run.agent.process->models()[0].id == "opus");
    CHECK(run.agent.process->models()[1].title == "Haiku");
}

TEST_CASE("claude has no tools and no settings of the user without permissions") {
    claude_run run{after_greeting("next")};
    agent_prompt first{"hi"};
    first.system = "You are ZEBRA.";

    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(first));

    std::string const arguments = run.script.heard().front();
    CHECK(arguments.ends_with(" --tools "));
    CHECK(arguments.find("--setting-sources  --disable-slash-commands") != std::string::npos);
    CHECK(arguments.find("--strict-mcp-config") != std::string::npos);
    CHECK(arguments.find("ZEBRA") == std::string::npos);
    CHECK(
        run.script.heard("initialize") ==
        R"({"type":"control_request","request_id":"2","request":{"subtype":"initialize","systemPrompt":"You are ZEBRA."}})");
}

TEST_CASE("claude keeps its tools and its own instructions with permissions") {
    claude_run run{after_greeting("next"), true};
    agent_prompt first{"hi"};
    first.system = "Be kind.";

    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(first));

    CHECK(run.script.heard().front().find("--tools") == std::string::npos);
    CHECK(run.script.heard("initialize").find(R"("appendSystemPrompt":"Be kind.")") !=
          std::string::npos);
}

TEST_CASE("claude reads no file that a prompt mentions, whatever the environment says") {
    auto const variables =
        claude::environment({"HOME=/home/a", "CLAUDE_CODE_DISABLE_ATTACHMENTS=0"});

    auto const has = [&](std::string_view one) {
        return std::count(variables.begin(), variables.end(), one) == 1;
    };
    CHECK(has("HOME=/home/a"));
    CHECK(has("CLAUDE_CODE_DISABLE_ATTACHMENTS=1"));
    CHECK_FALSE(has("CLAUDE_CODE_DISABLE_ATTACHMENTS=0"));
    CHECK(has("CLAUDE_CODE_DISABLE_CLAUDE_MDS=1"));
}

TEST_CASE("claude is told which model shall answer, and how hard it shall think") {
    claude_run run{after_greeting(R"(next; answer 3 '{}'; next; ended; next)")};
    agent_prompt prompt{"hi"};
    prompt.model = "haiku";
    prompt.effort = "low";

    REQUIRE(run.agent.ask(prompt, run.sink));

    CHECK(
        run.script.heard("apply_flag_settings") ==
        R"({"type":"control_request","request_id":"3","request":{"subtype":"apply_flag_settings","settings":{"model":"haiku","effortLevel":"low"}}})");
}

TEST_CASE("claude is shown images before the words") {
    claude_run run{after_greeting("next; ended; next")};
    agent_prompt prompt{"what is this?"};
    prompt.images.emplace_back("", "QUJD");

    REQUIRE(run.agent.ask(prompt, run.sink));

    auto const line = boost::json::parse(run.script.heard(R"("type":"user")"));
    auto const& content = line.at("message").at("content");
    CHECK(content.at(0).at("source").at("media_type") == "image/png");
    CHECK(content.at(0).at("source").at("data") == "QUJD");
    CHECK(content.at(1).at("text") == "what is this?");
}

TEST_CASE("claude says that somebody has to log in") {
    claude_run run{R"(
next; say '{"type":"control_response","response":{"subtype":"success","request_id":"1","response":{"models":[]}}}'
next; say '{"type":"control_response","response":{"subtype":"success","request_id":"2","response":{"account":{"tokenSource":"none","apiProvider":"firstParty"}}}}'
next)"};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().reason() == "agent_login");
}

TEST_CASE("claude keeps apart what it says before and after it did something") {
    claude_run run{after_greeting(R"(
next; event '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
delta 'Let me see.'
event '{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}'
delta 'It is here.'; ended; next)")};

    REQUIRE(run.ask("where?"));

    CHECK(run.sink.said == "Let me see.\n\nIt is here.");
}

TEST_CASE("claude's own helpers are no part of its answer") {
    claude_run run{after_greeting(R"(
next; say '{"type":"stream_event","event":{"type":"content_block_delta","delta":{"type":"text_delta","text":"aside"}},"parent_tool_use_id":"toolu_1"}'
delta 'mine'; ended; next)")};

    REQUIRE(run.ask("hi"));

    CHECK(run.sink.said == "mine");
}

TEST_CASE("claude is interrupted once") {
    claude_run run{after_greeting(R"(
next; delta 'One'; next
say '{"type":"result","subtype":"error_during_execution","is_error":true,"stop_reason":null,"errors":["x"]}'
next)")};
    run.sink.on_text = [&] {
        run.agent.process->cancel("1");
        run.agent.process->cancel("1");
    };

    auto const end = run.ask("count");

    REQUIRE(end);
    CHECK(end->was_cancelled);
    auto const heard = run.script.heard();
    CHECK(std::count_if(heard.begin(), heard.end(), [](std::string const& line) {
              return line.find("interrupt") != std::string::npos;
          }) == 1);
}

constexpr std::string_view wants_to_write = R"(
next
say '{"type":"control_request","request_id":"q","request":{"subtype":"can_use_tool","tool_name":"Write","input":{"file_path":"/x","content":"y"}}}'
next; delta 'done'; ended; next)";

TEST_CASE("claude is refused what the rules refuse, and goes on") {
    claude_run run{after_greeting(wants_to_write), true};

    REQUIRE(run.ask("write"));

    REQUIRE(run.sink.asked.size() == 1);
    CHECK(run.sink.asked[0].kind == "edit");
    CHECK(run.sink.asked[0].tool == "Write");
    CHECK(run.sink.asked[0].title == "Write: /x");
    CHECK(run.script.heard(R"("request_id":"q")").find(R"("behavior":"deny")") !=
          std::string::npos);
    CHECK(run.sink.said == "done");
}

TEST_CASE("claude is allowed a tool as it asked for it") {
    claude_run run{after_greeting(wants_to_write), true};
    run.sink.verdict = permission_verdict::allow;

    REQUIRE(run.ask("write"));

    CHECK(
        run.script.heard(R"("request_id":"q")") ==
        R"({"type":"control_response","response":{"subtype":"success","request_id":"q","response":{"behavior":"allow","updatedInput":{"file_path":"/x","content":"y"}}}})");
}

TEST_CASE("claude gets an answer to whatever it asks") {
    claude_run run{after_greeting(R"(
say '{"type":"control_request","request_id":"early","request":{"subtype":"can_use_tool","tool_name":"Bash","input":{}}}'; next
next
say '{"type":"control_request","request_id":"odd","request":{"subtype":"mcp_message"}}'; next
say '{"type":"control_request","request_id":"none"}'; next
ended; next)")};

    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(agent_prompt{"hi"}));
    CHECK(run.agent.run_until([&] { return !run.script.heard("early").empty(); }));
    REQUIRE(run.agent.ask("1", agent_prompt{"hi"}, run.sink));

    CHECK(run.script.heard("early").find(R"("behavior":"deny")") != std::string::npos);
    CHECK(run.script.heard(R"("odd")").find(R"("subtype":"error")") != std::string::npos);
    CHECK(run.script.heard(R"("none")").find(R"("subtype":"error")") != std::string::npos);
    CHECK(run.sink.asked.empty());
}

TEST_CASE("claude tells why its model failed") {
    claude_run run{after_greeting(R"(
next; say '{"type":"system","subtype":"api_retry","attempt":1}'
say '{"type":"result","subtype":"success","is_error":true,"stop_reason":"stop_sequence","result":"API Error: no such model"}'
next)")};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().code() == rejection_code::upstream_failed);
    CHECK(end.error().message() == "claude failed: API Error: no such model");
    CHECK(run.sink.signs_of_life == 0);
}

TEST_CASE("claude's ends are told apart") {
    auto const of = [](std::string_view line) {
        return claude::end_of(boost::json::parse(line), false);
    };

    CHECK(of(R"({"stop_reason":"max_tokens"})")->reason == agent::finish_reason::length);
    CHECK(of(R"({"stop_reason":"refusal"})")->reason == agent::finish_reason::content_filter);
    CHECK(of(R"({"subtype":"error_max_turns","is_error":true})")->reason ==
          agent::finish_reason::length);
    CHECK(of(R"({"terminal_reason":"aborted_streaming","is_error":true})")->was_cancelled);
    CHECK_FALSE(of(R"({"stop_reason":"end_turn"})")->used_is_known);
    CHECK(of(R"({"is_error":true,"api_error_status":529,"result":"busy"})").error().code() ==
          rejection_code::overloaded);
    CHECK(of(R"({"is_error":true,"errors":[7]})").error().message() ==
          "claude failed: it does not say why");
}

TEST_CASE("claude that dies in the middle ends the turn at once") {
    claude_run run{after_greeting("next; delta 'Hel'; kill -9 $$")};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().code() == rejection_code::upstream_failed);
    CHECK(end.error().message() == "the agent claude ended in the middle of its answer");
    CHECK(run.agent.run_until([&] { return run.agent.is_over; }));
    CHECK(run.agent.why.find("killed by signal 9") != std::string::npos);
}

TEST_CASE("claude that is silent, or gone, is not waited for") {
    claude_run silent{"next; next"};
    auto const late = silent.agent.greet(std::chrono::milliseconds{30});
    REQUIRE_FALSE(late);
    CHECK(late.error().code() == rejection_code::timed_out);

    claude_run gone{"next; exit 1"};
    auto const ended = gone.agent.greet();
    REQUIRE_FALSE(ended);
    CHECK(ended.error().message() == "the agent claude ended before it answered");
}

TEST_CASE("claude that refuses a request is quoted") {
    claude_run run{
        R"(next; say '{"type":"control_response","response":{"subtype":"error","request_id":"1","error":"too old"}}'; next)"};

    auto const greeted = run.agent.greet();

    REQUIRE_FALSE(greeted);
    CHECK(greeted.error().message() == "claude refused a request: too old");
}

TEST_CASE("claude may print what is no message, but not a broken one, and no line without end") {
    claude_run chatty{"echo Welcome; echo; " + after_greeting("next; ended; next")};
    CHECK(chatty.ask("hi"));

    claude_run broken{after_greeting(R"(next; say '{"type":'; next)")};
    CHECK_FALSE(broken.ask("hi"));
    CHECK(broken.agent.run_until([&] { return broken.agent.is_over; }));
    CHECK(broken.agent.why.find("cannot be read") != std::string::npos);

    claude_run endless{after_greeting(R"(next; head -c 9000000 /dev/zero | tr '\0' x; next)")};
    CHECK_FALSE(endless.ask("hi"));
    CHECK(endless.agent.run_until([&] { return endless.agent.is_over; }));
    CHECK(endless.agent.why.find("too long") != std::string::npos);
}

TEST_CASE("claude spoils a conversation in which it speaks behind the end of its turn") {
    claude_run run{after_greeting("next; ended; delta 'late'; next")};
    REQUIRE(run.ask("hi"));

    CHECK(run.agent.run_until([&] { return run.agent.process->is_spoilt("1"); }));
}

TEST_CASE("claude waits while its reader has no room") {
    claude_run run{after_greeting("next; delta 'one'; delta 'two'; ended; next")};
    run.sink.on_text = [&] { run.sink.room = false; };
    std::optional<result<turn_end>> end;
    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(agent_prompt{"hi"}));

    run.agent.begin("1", agent_prompt{"hi"}, run.sink, end);
    CHECK(run.agent.run_until([&] { return run.sink.pieces == 1; }));
    run.agent.run_for(std::chrono::milliseconds{30});
    CHECK(run.sink.pieces == 1);
    run.sink.on_text = {};
    run.sink.room = true;
    run.agent.process->read_on();

    CHECK(run.agent.run_until([&] { return end.has_value(); }));
    CHECK(run.sink.said == "onetwo");
}

} // namespace
} // namespace mcp_provider::server::agents
