#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"
#include "openai/answer.hpp"

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using testing::pace;
using testing::script;

result<openai::collected> collect(script answer, pace how = pace::split) {
    testing::fake_agent agent{{}};
    agent.plays(std::move(answer), how);
    agent::conversation const ask;
    audited const proof = testing::audited_access::make();
    return testing::run(openai::collect(agent, ask, proof));
}

openai::answer_head const head{"chatcmpl-1", 7, "echo"};

} // namespace

TEST_CASE("collect puts deltas together, whether they come one by one or all at once") {
    for (pace const how : {pace::split, pace::coalesced}) {
        script answer;
        answer.opened()
            .reasoning("h")
            .reasoning("m")
            .text("a")
            .text("b")
            .call(0, "x", "f", "{")
            .call(1, "y", "g")
            .arguments(0, "}")
            .finished(agent::finish_reason::length, 1, 2);

        auto const whole = collect(std::move(answer), how);

        REQUIRE(whole);
        CHECK(whole->text == "ab");
        CHECK(whole->reasoning == "hm");
        REQUIRE(whole->calls.size() == 2);
        CHECK(whole->calls[0].id == "x");
        CHECK(whole->calls[0].arguments == "{}");
        CHECK(whole->calls[1].name == "g");
        CHECK(whole->calls[1].arguments == "{}"); // none were given
        CHECK(whole->reason == agent::finish_reason::length);
        CHECK(whole->used.completion_tokens == 2);
    }
}

TEST_CASE("collect fails with the agent, before and in the middle of an answer") {
    script at_once;
    at_once.fails(rejection{rejection_code::timed_out, "slow"});
    script midway;
    midway.opened().text("x").fails(rejection{rejection_code::upstream_failed, "gone"});

    auto const first = collect(std::move(at_once));
    auto const second = collect(std::move(midway));

    REQUIRE_FALSE(first);
    CHECK(first.error().code() == rejection_code::timed_out);
    REQUIRE_FALSE(second);
    CHECK(second.error().message() == "gone");
}

TEST_CASE("collect refuses tool calls out of order or without a name") {
    script skips;
    skips.opened().call(1, "a", "f").finished();
    script nameless;
    nameless.opened().call(0, "a", "").finished();

    for (script* const one : {&skips, &nameless}) {
        auto const whole = collect(std::move(*one));
        REQUIRE_FALSE(whole);
        CHECK(whole.error().code() == rejection_code::upstream_failed);
    }
}

TEST_CASE("collect takes 16 MiB and refuses one byte more") {
    std::string const half(openai::most_collected_bytes / 2, 'x');
    script full;
    full.opened().text(half).text(half).finished();
    script over;
    over.opened().text(half).text(half).text("x").finished();

    CHECK(collect(std::move(full)));
    auto const refused = collect(std::move(over));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == rejection_code::upstream_failed);
}

TEST_CASE("write_chat_answer writes a text") {
    openai::collected answer;
    answer.text = "Hi \"you\"";
    answer.used = {3, 2};

    CHECK(
        openai::write_chat_answer(head, answer) ==
        R"({"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"echo","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":"Hi \"you\"","refusal":null},"logprobs":null,)"
        R"("finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})");
}

TEST_CASE("write_chat_answer writes reasoning under both names, and null for the content of bare "
          "tool calls") {
    openai::collected answer;
    answer.reasoning = "hm";
    answer.calls.emplace_back("call_1", "f", R"({"a":1})");
    answer.calls.emplace_back("call_2", "g", "{}");

    CHECK(
        openai::write_chat_answer(head, answer) ==
        R"({"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"echo","choices":[{"index":0,)"
        R"("message":{"role":"assistant","content":null,"refusal":null,"reasoning":"hm","reasoning_content":"hm",)"
        R"("tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},)"
        R"({"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]},"logprobs":null,)"
        R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}})");
}

TEST_CASE("write_chat_answer writes an empty answer as an empty text and not as null") {
    CHECK(openai::write_chat_answer(head, openai::collected{}).find(R"("content":"","refusal")") !=
          std::string::npos);
}

TEST_CASE("write_completion_answer writes the text in one choice") {
    openai::collected answer;
    answer.text = "a\n";
    answer.reason = agent::finish_reason::length;
    answer.used = {1, 1};

    CHECK(
        openai::write_completion_answer(head, answer) ==
        R"({"id":"chatcmpl-1","object":"text_completion","created":7,"model":"echo","choices":[{"index":0,)"
        R"("text":"a\n","logprobs":null,"finish_reason":"length"}],)"
        R"("usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}})");
}

TEST_CASE("answer_head gives every answer an identifier of its own, and the time in seconds") {
    system_time const when{std::chrono::seconds{1'700'000'000} + std::chrono::milliseconds{900}};
    std::set<std::string> seen;

    for (int i = 0; i != 1000; ++i)
        seen.insert(openai::answer_head::make("chatcmpl-", "m", when).id);

    CHECK(seen.size() == 1000);
    CHECK(seen.begin()->starts_with("chatcmpl-"));
    CHECK(seen.begin()->size() == 31);
    CHECK(openai::answer_head::make("cmpl-", "m", when).created == 1'700'000'000);
}
