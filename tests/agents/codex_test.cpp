#include "agents/codex.hpp"
#include "agents/codex_wire.hpp"
#include "agents/played_agent.hpp"

#include <boost/json/parse.hpp>

#include <string>

#include <doctest/doctest.h>

namespace mcp_provider::server::agents {
namespace {

// The answers to what the bridge asks before the first turn; ids are counted from 0.
constexpr std::string_view greeting = R"(
next; say '{"id":0,"result":{"userAgent":"x"}}'; next
next; say '{"id":1,"result":{"account":{"type":"chatgpt"},"requiresOpenaiAuth":true}}'
next; say '{"id":2,"result":{"config":{"model":"gpt-x","mcp_servers":{"files":{},"a b":{}}}}}'
next; say '{"id":3,"result":{"data":[{"model":"gpt-x","displayName":"X"},{"model":"gpt-y","displayName":"Y"},{"model":"old","hidden":true}]}}'
next; say '{"id":4,"result":{"thread":{"id":"T"}}}'
)";

std::string after_greeting(std::string_view rest) {
    return std::string{greeting} + R"(
delta() { say '{"method":"item/agentMessage/delta","params":{"threadId":"T","turnId":"U","itemId":"'"$1"'","delta":"'"$2"'"}}'; }
used() { say '{"method":"thread/tokenUsage/updated","params":{"threadId":"T","tokenUsage":{"total":{"inputTokens":'"$1"',"outputTokens":'"$2"'}}}}'; }
ended() { say '{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"U","status":"'"$1"'"'"$2"'}}}'; }
)" + std::string{rest};
}

codex_settings settings_of(played_script const& script, bool may_use_tools = false) {
    codex_settings settings;
    settings.command = script.command();
    settings.environment = {"PATH=/usr/bin:/bin"};
    settings.grace = std::chrono::milliseconds{300};
    settings.may_use_tools = may_use_tools;
    return settings;
}

class codex_run {
public:
    explicit codex_run(std::string_view text, bool may_use_tools = false)
        : script{text}, driver{settings_of(script, may_use_tools)}, agent{driver, script.folder()} {
    }
    result<turn_end> ask(std::string words) {
        return agent.ask(agent_prompt{std::move(words)}, sink);
    }

    played_script script;
    codex_driver driver;
    noting_sink sink;
    played_agent agent;
};

TEST_CASE("codex streams its answer, its thoughts and its tokens") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
say '{"method":"item/reasoning/summaryTextDelta","params":{"threadId":"T","delta":"hm"}}'
delta m1 'Hel'; delta m1 'lo'; used 11 7; ended completed; next)")};

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
        run.script.heard("turn/start") ==
        R"({"id":5,"method":"turn/start","params":{"threadId":"T","input":[{"type":"text","text":"hi"}]}})");
}

TEST_CASE("codex lists the configured model first, and what is not hidden") {
    codex_run run{after_greeting("next")};

    REQUIRE(run.agent.greet());

    REQUIRE(run.agent.process->models().size() == 2);
    CHECK(run.agent.process->models()[0].id == "gpt-x");
    CHECK(run.agent.process->models()[1].id == "gpt-y");
    CHECK(run.agent.process->models()[1].title == "Y");
}

TEST_CASE("codex lists only what is configured where the models are another provider's") {
    auto const config =
        boost::json::parse(R"({"config":{"model":"llama","model_provider":"local"}})");
    auto const list = boost::json::parse(R"({"data":[{"model":"gpt-x"}]})");

    auto const models = codex::models_of(config, list);

    REQUIRE(models.size() == 1);
    CHECK(models[0].id == "llama");
    CHECK(codex::models_of(boost::json::value{}, boost::json::parse("[1]")).empty());
}

TEST_CASE(
    "codex without permissions has no tools, no MCP servers and no instructions but the caller's") {
    codex_run run{after_greeting("next")};
    agent_prompt first{"hi"};
    first.system = "You are \"kind\".";
    first.model = "gpt-y";

    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(first));

    auto const line = boost::json::parse(run.script.heard("thread/start"));
    auto const& params = line.at("params").as_object();
    CHECK(params.at("approvalPolicy") == "untrusted");
    CHECK(params.at("sandbox") == "read-only");
    CHECK(params.at("ephemeral") == true);
    CHECK(params.at("model") == "gpt-y");
    CHECK(params.at("cwd").as_string() == run.script.folder());
    CHECK(params.at("baseInstructions") == "You are \"kind\".");
    auto const& config = params.at("config").as_object();
    CHECK(config.at("features.shell_tool") == false);
    CHECK(config.at("web_search") == "disabled");
    CHECK(config.at("mcp_servers.files.enabled") == false);
    CHECK(config.at("mcp_servers.a b.enabled") == false);
}

TEST_CASE("codex with permissions keeps its tools and its own instructions, but no MCP servers") {
    codex_run run{after_greeting("next"), true};
    agent_prompt first{"hi"};
    first.system = "Be kind.";

    REQUIRE(run.agent.greet());
    REQUIRE(run.agent.open(first));

    auto const line = boost::json::parse(run.script.heard("thread/start"));
    auto const& params = line.at("params").as_object();
    CHECK_FALSE(params.contains("baseInstructions"));
    CHECK(params.at("developerInstructions") == "Be kind.");
    CHECK_FALSE(params.at("config").as_object().contains("features.shell_tool"));
    CHECK(params.at("config").as_object().at("mcp_servers.files.enabled") == false);
}

TEST_CASE("codex says that somebody has to log in") {
    codex_run run{R"(
next; say '{"id":0,"result":{}}'; next
next; say '{"id":1,"result":{"account":null,"requiresOpenaiAuth":true}}'; next)"};

    auto const greeted = run.agent.greet();

    REQUIRE_FALSE(greeted);
    CHECK(greeted.error().reason() == "agent_login");
    CHECK(greeted.error().message().find("codex login") != std::string::npos);
}

TEST_CASE("codex with a key in its environment needs no account") {
    played_script const script{greeting};
    codex_settings settings = settings_of(script);
    settings.environment.emplace_back("OPENAI_API_KEY=sk-1");
    codex_driver const driver{std::move(settings)};
    played_agent agent{driver, script.folder()};

    CHECK(agent.greet());
}

TEST_CASE("codex is told a past as messages, with images") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{}}'
next; say '{"id":6,"result":{"turn":{"id":"U"}}}'; ended completed; next)")};
    agent_prompt prompt{"and now?"};
    prompt.history.emplace_back(agent::role::user, "hello");
    prompt.history.back().images.emplace_back("image/jpeg", "QUJD");
    prompt.history.emplace_back(agent::role::assistant, "I am \"fine\"");
    prompt.images.emplace_back("", "REVG");
    prompt.effort = "low";

    REQUIRE(run.agent.ask(prompt, run.sink));

    auto const told = boost::json::parse(run.script.heard("inject_items"));
    auto const& items = told.at("params").at("items").as_array();
    REQUIRE(items.size() == 2);
    CHECK(items[0].at("role") == "user");
    CHECK(items[0].at("content").at(0).at("text") == "hello");
    CHECK(items[0].at("content").at(1).at("image_url") == "data:image/jpeg;base64,QUJD");
    CHECK(items[1].at("role") == "assistant");
    CHECK(items[1].at("content").at(0).at("type") == "output_text");
    CHECK(items[1].at("content").at(0).at("text") == "I am \"fine\"");
    auto const asked = boost::json::parse(run.script.heard("turn/start"));
    CHECK(asked.at("params").at("input").at(1).at("url") == "data:image/png;base64,REVG");
    CHECK(asked.at("params").at("effort") == "low");
}

TEST_CASE("codex counts the tokens of each turn, not of the whole thread") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; used 11 7; ended completed
next; say '{"id":6,"result":{"turn":{"id":"U"}}}'; used 31 12; ended completed; next)")};
    REQUIRE(run.ask("one"));

    auto const end = run.agent.ask(run.agent.session, agent_prompt{"two"}, run.sink);

    REQUIRE(end);
    CHECK(end->used.prompt_tokens == 20);
    CHECK(end->used.completion_tokens == 5);
}

TEST_CASE("codex keeps apart what it says before and after it did something") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
delta m1 'Let me see.'; delta m2 'It is '; delta m2 'here.'; ended completed; next)")};

    REQUIRE(run.ask("where?"));

    CHECK(run.sink.said == "Let me see.\n\nIt is here.");
}

TEST_CASE("codex is interrupted by the name of its turn") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; delta m1 'One'
next; say '{"id":6,"result":{}}'; ended interrupted; next)")};
    run.sink.on_text = [&] { run.agent.process->cancel("T"); };

    auto const end = run.ask("count");

    REQUIRE(end);
    CHECK(end->was_cancelled);
    CHECK(run.script.heard("turn/interrupt") ==
          R"({"id":6,"method":"turn/interrupt","params":{"threadId":"T","turnId":"U"}})");
}

TEST_CASE("codex is interrupted as soon as its turn has a name") {
    codex_run run{after_greeting(R"(
next; say '{"method":"item/reasoning/textDelta","params":{"threadId":"T","delta":"hm"}}'
delta m1 'early'
say '{"method":"turn/started","params":{"threadId":"T","turn":{"id":"U"}}}'
say '{"id":5,"result":{"turn":{"id":"U"}}}'
next; ended interrupted; next)")};
    run.sink.on_text = [&] {
        run.agent.process->cancel("T");
        run.agent.process->cancel("T");
    };

    auto const end = run.ask("count");

    REQUIRE(end);
    CHECK(end->was_cancelled);
    CHECK(run.script.heard().back().find("turn/interrupt") != std::string::npos);
}

constexpr std::string_view wants_a_command = R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
say '{"id":77,"method":"item/commandExecution/requestApproval","params":{"threadId":"T","turnId":"U","command":"rm -rf x"}}'
next; delta m1 'done'; ended completed; next)";

TEST_CASE("codex is refused what the rules refuse, and goes on") {
    codex_run run{after_greeting(wants_a_command)};

    REQUIRE(run.ask("clean up"));

    REQUIRE(run.sink.asked.size() == 1);
    CHECK(run.sink.asked[0].kind == "execute");
    CHECK(run.sink.asked[0].tool == "shell");
    CHECK(run.sink.asked[0].title == "rm -rf x");
    CHECK(run.script.heard("\"id\":77") == R"({"id":77,"result":{"decision":"decline"}})");
    CHECK(run.sink.said == "done");
}

TEST_CASE("codex is allowed a command for this once") {
    codex_run run{after_greeting(wants_a_command), true};
    run.sink.verdict = permission_verdict::allow;

    REQUIRE(run.ask("clean up"));

    CHECK(run.script.heard("\"id\":77") == R"({"id":77,"result":{"decision":"accept"}})");
}

TEST_CASE("codex gets an answer to whatever it asks") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
say '{"id":"a","method":"item/permissions/requestApproval","params":{"threadId":"T"}}'; next
say '{"id":"b","method":"mcpServer/elicitation/request","params":{"threadId":"T","serverName":"s"}}'; next
say '{"id":"c","method":"item/tool/requestUserInput","params":{"threadId":"T"}}'; next
say '{"id":"d","method":"item/tool/call","params":{"threadId":"T"}}'; next
say '{"id":"e","method":"item/fileChange/requestApproval","params":{"threadId":"elsewhere"}}'; next
say '{"id":"f","method":"no/such/thing"}'; next
ended completed; next)")};
    run.sink.verdict = permission_verdict::allow;

    REQUIRE(run.ask("ask me"));

    CHECK(run.script.heard(R"("id":"a")") == R"({"id":"a","result":{"permissions":{}}})");
    CHECK(run.script.heard(R"("id":"b")") == R"({"id":"b","result":{"action":"decline"}})");
    CHECK(run.script.heard(R"("id":"c")") == R"({"id":"c","result":{"answers":{}}})");
    CHECK(run.script.heard(R"("id":"d")").find("-32601") != std::string::npos);
    CHECK(run.script.heard(R"("id":"e")") == R"({"id":"e","result":{"decision":"decline"}})");
    CHECK(run.script.heard(R"("id":"f")").find("-32601") != std::string::npos);
    CHECK(run.sink.asked.empty());
}

TEST_CASE("codex tells why its model failed, in words") {
    codex_run run{after_greeting(R"JSON(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
say '{"method":"error","params":{"threadId":"T","willRetry":true,"error":{"message":"again"}}}'
ended failed ',"error":{"message":"{\"error\":{\"message\":\"no such model\"}}","codexErrorInfo":"other"}'; next)JSON")};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().code() == rejection_code::upstream_failed);
    CHECK(end.error().message() == "codex failed: no such model");
    CHECK(run.sink.signs_of_life == 1);
}

TEST_CASE("codex that is over its limits is busy, not broken") {
    auto const full = boost::json::parse(
        R"({"message":"come back at noon","codexErrorInfo":"usageLimitExceeded"})");
    auto const too_long =
        boost::json::parse(R"({"message":"too long","codexErrorInfo":"contextWindowExceeded"})");

    CHECK(codex::failure_of(&full).code() == rejection_code::overloaded);
    CHECK(codex::failure_of(&too_long).code() == rejection_code::bad_request);
    CHECK(codex::failure_of(nullptr).message() == "codex failed: it does not say why");
}

TEST_CASE("codex that refuses a turn is quoted") {
    codex_run run{after_greeting(
        R"(next; say '{"id":5,"error":{"code":-32600,"message":"unknown effort"}}'; next)")};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().message() == "codex refused turn/start: unknown effort");
}

TEST_CASE("codex that dies in the middle ends the turn at once") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; delta m1 'Hel'; kill -9 $$)")};

    auto const end = run.ask("hi");

    REQUIRE_FALSE(end);
    CHECK(end.error().code() == rejection_code::upstream_failed);
    CHECK(end.error().message() == "the agent codex ended in the middle of its answer");
    CHECK(run.agent.run_until([&] { return run.agent.is_over; }));
    CHECK(run.agent.why.find("killed by signal 9") != std::string::npos);
}

TEST_CASE("codex that dies before it answers is not waited for") {
    codex_run run{"next; exit 3"};

    auto const greeted = run.agent.greet();

    REQUIRE_FALSE(greeted);
    CHECK(greeted.error().message() == "the agent codex ended before it answered initialize");
}

TEST_CASE("codex that is silent is given up in time") {
    codex_run run{"next; next"};

    auto const greeted = run.agent.greet(std::chrono::milliseconds{30});

    REQUIRE_FALSE(greeted);
    CHECK(greeted.error().code() == rejection_code::timed_out);
}

TEST_CASE("codex may print what is no message, but not a broken one, and no line without end") {
    codex_run chatty{"echo Welcome; echo; " + after_greeting("next")};
    CHECK(chatty.agent.greet());

    codex_run broken{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; say '{"method":'; next)")};
    CHECK_FALSE(broken.ask("hi"));
    CHECK(broken.agent.run_until([&] { return broken.agent.is_over; }));
    CHECK(broken.agent.why.find("cannot be read") != std::string::npos);

    codex_run endless{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; head -c 9000000 /dev/zero | tr '\0' x; next)")};
    CHECK_FALSE(endless.ask("hi"));
    CHECK(endless.agent.run_until([&] { return endless.agent.is_over; }));
    CHECK(endless.agent.why.find("too long") != std::string::npos);
}

TEST_CASE("codex spoils a thread in which it speaks behind the end of its turn") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'; ended completed; sleep 0.1; delta m1 'late'; next)")};
    REQUIRE(run.ask("hi"));

    CHECK(run.agent.run_until([&] { return run.agent.process->is_spoilt("T"); }));
    run.agent.process->close_session("T");
    CHECK_FALSE(run.agent.process->is_spoilt("T"));
}

TEST_CASE("codex does not end a turn by the end of another one") {
    codex_run run{after_greeting(R"(
next; say '{"id":5,"result":{"turn":{"id":"U"}}}'
say '{"method":"turn/completed","params":{"threadId":"T","turn":{"id":"before","status":"completed"}}}'
delta m1 'mine'; ended completed; next)")};

    REQUIRE(run.ask("hi"));

    CHECK(run.sink.said == "mine");
}

TEST_CASE("codex that is not installed is named") {
    codex_settings settings;
    settings.command = {"codex-that-is-not-there", "app-server"};
    settings.environment = {"PATH=/nowhere"};
    codex_driver const driver{std::move(settings)};
    played_agent const agent{driver, "/tmp"};

    REQUIRE_FALSE(agent.launched);
    CHECK(agent.launched.error().reason() == "agent_not_installed");
    CHECK(agent.launched.error().message().find("codex-that-is-not-there") != std::string::npos);
}

} // namespace
} // namespace mcp_provider::server::agents
