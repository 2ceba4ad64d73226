#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"
#include "openai/stream.hpp"
#include "pulling.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using asking::pull;
using asking::pulled;
using testing::pace;
using testing::script;

constexpr std::string_view start =
    R"(data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"echo","choices":[)";
constexpr std::string_view role =
    R"({"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]})"
    "\n\n";
constexpr std::string_view done = "data: [DONE]\n\n";

std::string delta(std::string_view members) {
    return std::string{start} + R"({"index":0,"delta":{)" + std::string{members} +
           R"(},"finish_reason":null}]})" + "\n\n";
}
std::string end(std::string_view reason) {
    return std::string{start} + R"({"index":0,"delta":{},"finish_reason":")" + std::string{reason} +
           "\"}]}\n\n";
}
std::string first() { return std::string{start} + std::string{role}; }

class asked_of {
public:
    explicit asked_of(script answer, pace how = pace::split)
        : proof{testing::audited_access::make()} {
        agent.plays(std::move(answer), how);
    }

    pulled chat(bool include_usage = false) {
        auto const body = openai::stream_chat(agent, ask, proof, head, include_usage);
        return testing::run(pull(*body));
    }
    pulled completion(bool include_usage = false) {
        auto const body = openai::stream_completion(agent, ask, proof, head, include_usage);
        return testing::run(pull(*body));
    }

    testing::fake_agent agent{{}};
    agent::conversation ask;
    audited proof;
    openai::answer_head head{"chatcmpl-1", 7, "echo"};
};

script greeting() {
    script answer;
    answer.opened().text("Hel").text("lo\n\"you\"").finished(agent::finish_reason::stop, 3, 2);
    return answer;
}

std::string const greeted = first() + delta(R"("content":"Hel")") +
                            delta(R"("content":"lo\n\"you\"")") + end("stop") + std::string{done};

} // namespace

TEST_CASE("stream_chat writes the role, each text, the reason and [DONE], and no event lines") {
    asked_of chat{greeting()};

    auto const went_out = chat.chat();

    CHECK(went_out.text == greeted);
    CHECK(went_out.text.find("event:") == std::string::npos);
    CHECK_FALSE(went_out.broken);
}

TEST_CASE("stream_chat writes the same bytes whether deltas come one by one or all at once") {
    asked_of split{greeting(), pace::split};
    asked_of coalesced{greeting(), pace::coalesced};

    auto const one_by_one = split.chat();
    auto const at_once = coalesced.chat();

    CHECK(one_by_one.text == at_once.text);
    CHECK(one_by_one.writes.size() == 4); // role, two texts, end
    CHECK(at_once.writes.size() == 1);
}

TEST_CASE("stream_chat gathers what is ready, but no more than about 32 KiB in one pull") {
    script answer;
    answer.opened();
    for (int i = 0; i != 200; ++i) answer.text(std::string(1000, 'x'));
    answer.finished();
    asked_of chat{std::move(answer), pace::coalesced};
    auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);

    int pulls = 0;
    for (bool ended = false; !ended; ++pulls) {
        std::string out;
        auto const step = testing::run(body->next(out));
        REQUIRE(step);
        ended = *step == http::stream_step::end;
        CHECK(out.size() < 34 * 1024);
        CHECK((ended || out.size() >= 32 * 1024));
    }
    CHECK(pulls > 5);
}

TEST_CASE("stream_chat gives usage in a last chunk of its own, only where it was wished for") {
    asked_of wished{greeting()};
    asked_of plain{greeting()};

    auto const with_usage = wished.chat(true);

    std::string const usage =
        std::string{start} +
        R"(],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})" + "\n\n";
    CHECK(with_usage.text ==
          greeted.substr(0, greeted.size() - done.size()) + usage + std::string{done});
    CHECK(plain.chat().text.find("usage") == std::string::npos);
}

TEST_CASE("stream_chat gives reasoning under both names") {
    script answer;
    answer.opened().reasoning("Hm\xC3\xA9").text("4").finished();
    asked_of chat{std::move(answer)};

    auto const went_out = chat.chat();

    CHECK(went_out.text ==
          first() + delta("\"reasoning\":\"Hm\xC3\xA9\",\"reasoning_content\":\"Hm\xC3\xA9\"") +
              delta(R"("content":"4")") + end("stop") + std::string{done});
}

TEST_CASE("stream_chat gives id and name of each tool call once, and counts from 0") {
    script answer;
    answer.opened()
        .call(0, "call_a", "get_weather")
        .arguments(0, R"({"city":)")
        .arguments(0, R"("Bonn"})")
        .call(1, "call_b", "get_time", R"({"zone":"CET"})")
        .arguments(1, "")
        .finished(agent::finish_reason::tool_calls);
    asked_of chat{std::move(answer)};

    auto const went_out = chat.chat();

    CHECK(
        went_out.text ==
        first() +
            delta(
                R"("tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"get_weather","arguments":""}}])") +
            delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}}])") +
            delta(R"("tool_calls":[{"index":0,"function":{"arguments":"\"Bonn\"}"}}])") +
            delta(
                R"("tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"get_time","arguments":""}}])") +
            delta(R"("tool_calls":[{"index":1,"function":{"arguments":"{\"zone\":\"CET\"}"}}])") +
            end("tool_calls") + std::string{done});
}

TEST_CASE("stream_chat keeps the fragments of interleaved tool calls apart") {
    script answer;
    answer.opened()
        .call(0, "a", "f")
        .call(1, "b", "g")
        .arguments(0, "{}")
        .arguments(1, "{}")
        .finished();
    asked_of chat{std::move(answer)};

    auto const went_out = chat.chat();

    CHECK(went_out.text.find(R"({"index":0,"function":{"arguments":"{}"}})") != std::string::npos);
    CHECK(went_out.text.find(R"({"index":1,"function":{"arguments":"{}"}})") != std::string::npos);
    CHECK(went_out.text.find(end("tool_calls")) !=
          std::string::npos); // stopped after calls means stopped for them
}

TEST_CASE(
    "stream_chat gives a tool call without arguments an empty object, so that no client drops it") {
    script answer;
    answer.opened().call(0, "", "now").finished(agent::finish_reason::tool_calls);
    asked_of chat{std::move(answer)};

    auto const went_out = chat.chat();

    CHECK(went_out.text.find(delta(R"("tool_calls":[{"index":0,"function":{"arguments":"{}"}}])") +
                             end("tool_calls")) != std::string::npos);
    CHECK(went_out.text.find(R"("id":"call_)") !=
          std::string::npos); // and an id, where the agent gives none
}

TEST_CASE("stream_chat says tool_calls only where there are some") {
    script answer;
    answer.opened().text("x").finished(agent::finish_reason::tool_calls);
    asked_of chat{std::move(answer)};

    CHECK(chat.chat().text.find(end("stop")) != std::string::npos);
}

TEST_CASE("stream_chat says length and content_filter as the agent does, and notes the end") {
    for (auto const& [reason, name] :
         {std::pair{agent::finish_reason::length, "length"},
          std::pair{agent::finish_reason::content_filter, "content_filter"}}) {
        script answer;
        answer.opened().text("x").finished(reason, 11, 13);
        asked_of chat{std::move(answer)};

        auto const went_out = chat.chat();

        CHECK(went_out.text.find(end(name)) != std::string::npos);
        CHECK(chat.proof.notes().finish_reason == name);
        CHECK(chat.proof.notes().prompt_tokens == 11);
        CHECK(chat.proof.notes().completion_tokens == 13);
    }
}

TEST_CASE("stream_chat leaves out empty deltas, and an answer without words still has its role and "
          "reason") {
    script answer;
    answer.opened().text("").reasoning("").finished();
    asked_of chat{std::move(answer)};

    CHECK(chat.chat().text == first() + end("stop") + std::string{done});
}

TEST_CASE("stream_chat replaces bytes that are no UTF-8, so that every line is JSON") {
    script answer;
    answer.opened().text("a\xFFz").finished();
    asked_of chat{std::move(answer)};

    CHECK(chat.chat().text.find(delta("\"content\":\"a\xEF\xBF\xBDz\"")) != std::string::npos);
}

TEST_CASE("stream_chat asks the agent in the first pull and not before") {
    asked_of chat{greeting()};

    auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);

    CHECK(chat.agent.requests() == 0);
    auto const went_out = testing::run(pull(*body));
    CHECK(chat.agent.requests() == 1);
    CHECK(chat.agent.abandoned() == 0);
}

TEST_CASE(
    "an agent that refuses at once leaves the head unsent, so that the answer gets its status") {
    asked_of chat{greeting()};
    chat.agent.refuses(rejection{rejection_code::overloaded, "full"});

    auto const went_out = chat.chat();

    REQUIRE(went_out.before_head);
    CHECK(went_out.before_head->code() == rejection_code::overloaded);
    CHECK(went_out.text.empty());
}

TEST_CASE("an agent that fails instead of opening leaves the head unsent, too") {
    script answer;
    answer.fails(rejection{rejection_code::upstream_failed, "gone"});
    asked_of chat{std::move(answer)};

    CHECK(chat.chat().before_head);
}

TEST_CASE("a stream that breaks off ends with an error event and without [DONE]") {
    for (pace const how : {pace::split, pace::coalesced}) {
        script answer;
        answer.opened().text("par").fails(
            rejection{rejection_code::upstream_failed, "the agent broke off"});
        asked_of chat{std::move(answer), how};

        auto const went_out = chat.chat();

        CHECK(
            went_out.text ==
            first() + delta(R"("content":"par")") +
                R"(data: {"error":{"message":"the agent broke off","type":"api_error","param":null,"code":null}})" +
                "\n\n");
        REQUIRE(went_out.broken);
        CHECK(chat.proof.notes().finish_reason.empty());
    }
}

TEST_CASE("a failure waits until what came before it has gone out, and must not become a status") {
    script answer;
    answer.opened().text("par").fails(rejection{rejection_code::upstream_failed, "gone"});
    asked_of chat{std::move(answer), pace::coalesced};
    auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);

    std::string out;
    auto const before = testing::run(body->next(out));
    bool const goes_on = body->ready(); // a connection would pull again before it writes
    auto const after = testing::run(body->next(out));

    CHECK(before.has_value());
    CHECK_FALSE(goes_on);
    CHECK(out == first() + delta(R"("content":"par")"));
    REQUIRE_FALSE(after);
    CHECK(after.error().message() == "gone");
}

TEST_CASE("a tool call out of order or without a name breaks the stream off") {
    script skips;
    skips.opened().call(1, "a", "f").finished();
    script nameless;
    nameless.opened().call(0, "a", "").finished();
    script early;
    early.opened().arguments(0, "{}").finished();
    for (script* const one : {&skips, &nameless, &early}) {
        asked_of chat{std::move(*one), pace::coalesced};

        auto const went_out = chat.chat();

        REQUIRE(went_out.broken);
        CHECK(went_out.broken->code() == rejection_code::upstream_failed);
        CHECK(went_out.text.find("[DONE]") == std::string::npos);
    }
}

TEST_CASE("a heartbeat is a comment, and not the one at which Continue stops reading") {
    asked_of chat{greeting()};
    auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);

    std::string out;
    body->heartbeat(out);

    CHECK(out == ": keep-alive\n\n");
    CHECK_FALSE(out.starts_with(": ping"));
}

TEST_CASE("a stream that is cancelled while it waits stops at once, and lets go of the agent") {
    script answer;
    answer.opened().text("x").waits();
    asked_of chat{std::move(answer)};
    {
        auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);
        CHECK_THROWS(testing::run(pull(*body), std::chrono::milliseconds{20}));
        CHECK(chat.agent.abandoned() == 0);
    }
    CHECK(chat.agent.abandoned() == 1);
}

TEST_CASE("a stream is ready exactly when its agent is") {
    script answer;
    answer.opened().text("x").waits();
    asked_of chat{std::move(answer), pace::coalesced};
    auto const body = openai::stream_chat(chat.agent, chat.ask, chat.proof, chat.head, false);

    CHECK_FALSE(body->ready());
    std::string out;
    auto const step = testing::run(body->next(out));
    CHECK(step.has_value());
    CHECK_FALSE(body->ready());
    CHECK(out == first() + delta(R"("content":"x")"));
}

TEST_CASE(
    "stream_completion writes text_completion objects, and the reason in one with an empty text") {
    asked_of completion{greeting()};

    auto const went_out = completion.completion(true);

    std::string const begin =
        R"(data: {"id":"chatcmpl-1","object":"text_completion","created":7,"model":"echo","choices":[)";
    CHECK(went_out.text ==
          begin + R"({"index":0,"text":"Hel","logprobs":null,"finish_reason":null}]})" + "\n\n" +
              begin + R"({"index":0,"text":"lo\n\"you\"","logprobs":null,"finish_reason":null}]})" +
              "\n\n" + begin + R"({"index":0,"text":"","logprobs":null,"finish_reason":"stop"}]})" +
              "\n\n" + begin +
              R"(],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}})" + "\n\n" +
              std::string{done});
    CHECK(went_out.writes.front().empty()); // `opened` lets the head go
}

TEST_CASE(
    "stream_completion leaves out reasoning and tool calls, for which its objects have no place") {
    script answer;
    answer.opened()
        .reasoning("hm")
        .call(0, "a", "f")
        .text("x")
        .finished(agent::finish_reason::tool_calls);
    asked_of completion{std::move(answer)};

    auto const went_out = completion.completion();

    CHECK(went_out.text.find("hm") == std::string::npos);
    CHECK(went_out.text.find(R"("text":"x")") != std::string::npos);
    CHECK(went_out.text.find(R"("finish_reason":"stop")") != std::string::npos);
}

TEST_CASE("every event of a stream is JSON on one line, whatever the agent says") {
    script answer;
    std::string all_bytes;
    for (int i = 0; i != 256; ++i) all_bytes += static_cast<char>(i);
    answer.opened()
        .text(all_bytes)
        .reasoning(all_bytes)
        .call(0, all_bytes, all_bytes, all_bytes)
        .finished();
    asked_of chat{std::move(answer)};

    std::string const text = chat.chat(true).text;

    std::size_t events = 0;
    for (std::size_t at = 0; at < text.size(); ++events) {
        std::size_t const stop = text.find("\n\n", at);
        REQUIRE(stop != std::string::npos);
        std::string_view const line = std::string_view{text}.substr(at, stop - at);
        REQUIRE(line.starts_with("data: "));
        CHECK(line.find('\n') == std::string_view::npos);
        if (line != "data: [DONE]") CHECK(json::parse(line.substr(6)));
        at = stop + 2;
    }
    CHECK(events == 8); // role, text, reasoning, two of the call, reason, usage, [DONE]
}
