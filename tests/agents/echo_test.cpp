#include "agents/collected.hpp"
#include "agents/echo.hpp"
#include "mcp_provider/testing/run.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;

namespace {

agent::conversation
with_tool(std::string text,
          std::string parameters = R"({"type":"object","properties":{"city":{"type":"string"}}})") {
    agent::conversation chat = saying(std::move(text));
    chat.tools.emplace_back("get_weather", "Tells the weather", std::move(parameters));
    chat.tools.emplace_back(
        "other", "",
        R"({"type":"object","properties":{"n":{"type":"integer","minimum":3}},"required":["n"]})");
    return chat;
}

std::vector<float> vector_of(echo& of, std::string text, std::uint32_t dimensions = 0) {
    agent::embedding_request ask;
    ask.model = "echo-embed";
    ask.inputs.push_back(std::move(text));
    ask.dimensions = dimensions;
    auto const answer = ask_vectors(of, ask);
    REQUIRE(answer);
    REQUIRE(answer->vectors.size() == 1);
    return answer->vectors[0];
}

double cosine(std::vector<float> const& a, std::vector<float> const& b) {
    double dot = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        dot += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    return dot;
}

} // namespace

TEST_CASE("echo answers with text about what it was asked, a word a delta") {
    echo agent;

    collected const answer = ask(agent, saying("hello  big world\n"));

    CHECK(answer.opened);
    CHECK(answer.text == "You said: hello  big world\n");
    CHECK(answer.pieces ==
          std::vector<std::string>{"You", " said:", " hello", "  big", " world\n"});
    CHECK(answer.reason == agent::finish_reason::stop);
    CHECK(answer.used.prompt_tokens == 3);
    CHECK(answer.used.completion_tokens == 5);
}

TEST_CASE("echo gives the whole text at once to a caller that does not stream") {
    echo agent;
    agent::conversation chat = saying("hello big world");
    chat.streamed = false;

    collected const answer = ask(agent, chat);

    CHECK(answer.pieces == std::vector<std::string>{"You said: hello big world"});
    CHECK(answer.used.completion_tokens == 5);
}

TEST_CASE("echo says the same twice") {
    echo agent;
    CHECK(ask(agent, saying("why?")).text == ask(agent, saying("why?")).text);
}

TEST_CASE("echo repeats exactly, over lines and in any case of letters") {
    echo agent;
    CHECK(ask(agent, saying("Repeat exactly: X")).text == "X");
    CHECK(ask(agent, saying("repeat EXACTLY: a\n  b  \u00fc ")).text == "a\n  b  \u00fc ");
    CHECK(ask(agent, saying("Some context\nRepeat exactly: Fail now")).text == "Fail now");
    CHECK(ask(agent, saying("Repeat exactly:")).text.empty());
    CHECK(ask(agent, saying("Never Repeat exactly: X")).text ==
          "You said: Never Repeat exactly: X");
}

TEST_CASE("echo counts with one number a delta, 200 a second") {
    echo agent;
    auto const begin = std::chrono::steady_clock::now();

    collected const answer = ask(agent, saying("Count from 1 to 21"));

    auto const took = std::chrono::steady_clock::now() - begin;
    CHECK(answer.text == "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21");
    CHECK(answer.pieces.size() == 21);
    CHECK(answer.used.completion_tokens == 21);
    CHECK(took >= 100ms);
    CHECK(took < 2s);
}

TEST_CASE("echo gives what is there without a wait, and leaves only the pace of its counting to be "
          "awaited") {
    echo agent;
    audited const proof = testing::audited_access::make();
    agent::conversation const chat = saying("Count from 1 to 2");
    std::unique_ptr<agent::delta_stream> stream;
    auto const asking = [&]() -> asio::awaitable<void> {
        auto begun = co_await agent.generate(chat, proof);
        stream = *std::move(begun);
    };
    testing::run(asking());

    auto const opened = stream->take();
    REQUIRE(opened);
    CHECK((**opened).what == agent::delta::kind::opened);
    auto const one = stream->take();
    REQUIRE(one);
    CHECK((**one).text == "1");
    CHECK_FALSE(
        stream->take()); // the next is due in five milliseconds, and nothing is lost by asking
    auto const waiting = [&]() -> asio::awaitable<void> {
        auto const two = co_await stream->next();
        CHECK(two->text == " 2");
    };
    testing::run(waiting());
    auto const end = stream->take();
    REQUIRE(end);
    CHECK((**end).what == agent::delta::kind::finished);
}

TEST_CASE("echo stops counting at once when it is cancelled") {
    echo agent;
    agent::conversation const chat = saying("Count from 1 to 100000");
    auto const begin = std::chrono::steady_clock::now();

    try {
        collected const answer = testing::run(gather(agent, chat), 50ms);
        CHECK(answer.failed());
        CHECK(answer.why->code() == rejection_code::client_closed);
    } catch (std::system_error const& thrown) {
        CHECK(thrown.code() == asio::error::operation_aborted);
    }

    CHECK(std::chrono::steady_clock::now() - begin < 150ms);
}

TEST_CASE("echo honours max_tokens and stop while it counts") {
    echo agent;
    agent::conversation chat = saying("Please count from 1 to 2000 now");
    chat.max_tokens = 12;
    collected answer = ask(agent, chat);
    CHECK(answer.text == "1 2 3 4 5 6 7 8 9 10 11 12");
    CHECK(answer.reason == agent::finish_reason::length);

    chat.stop = {"7", "5 6"};
    answer = ask(agent, chat);
    CHECK(answer.text == "1 2 3 4 ");
    CHECK(answer.reason == agent::finish_reason::stop);
    CHECK(answer.used.completion_tokens == 4);

    chat.stop = {"13"}; // beyond max_tokens
    CHECK(ask(agent, chat).reason == agent::finish_reason::length);

    chat = saying("Count from 1 to 3");
    chat.max_tokens = 3;
    CHECK(ask(agent, chat).reason == agent::finish_reason::stop);
    chat.max_tokens = 2;
    CHECK(ask(agent, chat).reason == agent::finish_reason::length);
}

TEST_CASE("echo finds a stop sequence over the border of its counting blocks") {
    echo agent;
    agent::conversation chat = saying("Count from 1 to 1001");
    chat.stop = {"1000 1001"};
    chat.max_tokens = 3;
    CHECK(ask(agent, chat).text == "1 2 3");
}

TEST_CASE("echo honours max_tokens at n and at n + 1 words") {
    echo agent;
    agent::conversation chat = saying("Repeat exactly: one two three");
    chat.max_tokens = 3;
    CHECK(ask(agent, chat).reason == agent::finish_reason::stop);

    chat.max_tokens = 2;
    collected const cut = ask(agent, chat);
    CHECK(cut.text == "one two");
    CHECK(cut.reason == agent::finish_reason::length);
    CHECK(cut.used.completion_tokens == 2);
}

TEST_CASE("echo stops at the earliest stop sequence, also within and over words") {
    echo agent;
    agent::conversation chat = saying("Repeat exactly: one two three");
    chat.stop = {"three", "o t", ""};
    collected const cut = ask(agent, chat);
    CHECK(cut.text == "one tw");
    CHECK(cut.reason == agent::finish_reason::stop);
}

TEST_CASE("echo fails now, before anything was opened") {
    echo agent;
    collected const answer = ask(agent, saying("Fail now"));
    REQUIRE(answer.failed());
    CHECK(answer.why->status() == 502);
    CHECK_FALSE(answer.opened);
}

TEST_CASE("echo fails midway, after one delta") {
    echo agent;
    collected const answer = ask(agent, saying("Fail midway"));
    REQUIRE(answer.failed());
    CHECK(answer.why->status() == 502);
    CHECK(answer.opened);
    CHECK(answer.pieces.size() == 1);
}

TEST_CASE("echo calls the first tool once for each city of a question about the weather") {
    echo agent;
    collected const answer =
        ask(agent, with_tool("What is the weather in Paris, New York and London?"));
    REQUIRE(answer.calls.size() == 3);
    CHECK(answer.calls[0].name == "get_weather");
    CHECK(answer.calls[0].arguments == R"({"city": "Paris"})");
    CHECK(answer.calls[1].arguments == R"({"city": "New York"})");
    CHECK(answer.calls[2].arguments == R"({"city": "London"})");
    CHECK(answer.calls[0].id.starts_with("call_"));
    CHECK(answer.calls[0].id != answer.calls[1].id);
    CHECK(answer.calls[1].id != answer.calls[2].id);
    CHECK(answer.reason == agent::finish_reason::tool_calls);
    CHECK(answer.text.empty());
    CHECK(answer.call_deltas == 9);
}

TEST_CASE("echo calls no tool without the weather, without tools, or where the choice is none") {
    echo agent;
    CHECK(ask(agent, with_tool("What is the capital of France?")).calls.empty());
    CHECK(ask(agent, saying("What is the weather in Paris?")).text ==
          "You said: What is the weather in Paris?");
    agent::conversation chat = with_tool("What is the weather in Paris?");
    chat.choice = agent::tool_choice{agent::tool_choice::kind::none};
    CHECK(ask(agent, chat).calls.empty());
}

TEST_CASE("echo calls a tool that it must call, with arguments of the tool's schema") {
    echo agent;
    agent::conversation chat = with_tool("Hello");
    chat.choice = agent::tool_choice{agent::tool_choice::kind::named, "other"};
    collected answer = ask(agent, chat);
    REQUIRE(answer.calls.size() == 1);
    CHECK(answer.calls[0].name == "other");
    CHECK(answer.calls[0].arguments == R"({"n": 3})");

    chat.choice = agent::tool_choice{agent::tool_choice::kind::required};
    answer = ask(agent, chat);
    REQUIRE(answer.calls.size() == 1);
    CHECK(answer.calls[0].name == "get_weather");
    CHECK(answer.calls[0].arguments == R"({"city": "city"})");

    chat.choice = agent::tool_choice{agent::tool_choice::kind::named, "missing"};
    answer = ask(agent, chat);
    REQUIRE(answer.failed());
    CHECK(answer.why->status() == 400);
}

TEST_CASE("echo makes one call where parallel calls are not wanted") {
    echo agent;
    agent::conversation chat = with_tool("weather in Paris and Rome?");
    chat.parallel_tool_calls = false;
    CHECK(ask(agent, chat).calls.size() == 1);
}

TEST_CASE("echo tells what the tools said, and calls none again") {
    echo agent;
    agent::conversation chat = with_tool("What is the weather in Paris and Rome?");
    chat.messages.emplace_back(agent::role::assistant, "");
    chat.messages.emplace_back(agent::role::tool, "15 degrees");
    chat.messages.back().tool_name = "get_weather";
    chat.messages.emplace_back(agent::role::tool, "rain");
    collected const answer = ask(agent, chat);
    CHECK(answer.calls.empty());
    CHECK(answer.text == "get_weather said: 15 degrees\nThe tool said: rain");
}

TEST_CASE("echo answers a wish for JSON with JSON") {
    echo agent;
    agent::conversation chat = saying("say \"hi\"");
    chat.format = agent::answer_format{agent::answer_format::kind::json};
    CHECK(ask(agent, chat).text == R"({"answer": "You said: say \"hi\""})");

    chat.format = agent::answer_format{
        agent::answer_format::kind::schema,
        R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"}},"required":["name","age"]})"};
    collected const answer = ask(agent, chat);
    CHECK(answer.text == R"({"name": "name", "age": 0})");
    CHECK(answer.pieces.size() == 4);

    chat.format = agent::answer_format{agent::answer_format::kind::schema, "false"};
    collected const refused = ask(agent, chat);
    REQUIRE(refused.failed());
    CHECK(refused.why->status() == 400);
}

TEST_CASE("echo fills the gap of a completion with a suffix, and continues one without") {
    echo agent;
    agent::conversation completion;
    completion.model = "echo";
    completion.is_completion = true;
    completion.streamed = true;
    completion.prompt = "int main() {\n    return ";
    CHECK(ask(agent, completion).text == "You said: int main() {\n    return ");

    completion.suffix = ";\n}\n";
    CHECK(ask(agent, completion).text == "echo fills the gap between 'return' and ';'");

    completion.prompt = "Repeat exactly: 0";
    CHECK(ask(agent, completion).text == "0");
}

TEST_CASE("echo names the images that it was shown") {
    echo agent;
    agent::conversation chat = saying("look");
    chat.messages.back().images.emplace_back("image/png", "AAAA");
    CHECK(ask(agent, chat).text == "You said: look (and showed 1 image)");
}

TEST_CASE("echo knows its two models, by their full and their short names") {
    echo agent;
    agent::model_list const models = agent.models();
    REQUIRE(models->size() == 2);
    CHECK((*models)[0].name == "echo:latest");
    CHECK((*models)[0].can ==
          (agent::capability::completion | agent::capability::tools | agent::capability::insert));
    CHECK((*models)[1].name == "echo-embed:latest");
    CHECK((*models)[1].can == agent::capability::embedding);
    CHECK((*models)[1].embedding_length == 384);

    CHECK(ask(agent, saying("hi", "echo")).finished);
    collected const unknown = ask(agent, saying("hi", "gpt"));
    REQUIRE(unknown.failed());
    CHECK(unknown.why->reason() == "model_not_found");
    collected const unable = ask(agent, saying("hi", "echo-embed"));
    REQUIRE(unable.failed());
    CHECK(unable.why->message() == "\"echo-embed\" does not support chat");
}

TEST_CASE("echo turns texts into unit vectors that are the same for the same text") {
    echo agent;
    std::vector<float> const sky = vector_of(agent, "the sky is blue");
    CHECK(sky.size() == 384);
    CHECK(std::abs(cosine(sky, sky) - 1.0) < 1e-5);
    CHECK(sky == vector_of(agent, "The  sky is blue\n"));
    CHECK(cosine(sky, vector_of(agent, "the sky is grey")) > 0.5);
    CHECK(cosine(sky, vector_of(agent, "compile error in main")) < 0.3);
    CHECK(std::abs(cosine(vector_of(agent, ""), vector_of(agent, "")) - 1.0) < 1e-5);
    CHECK(vector_of(agent, "x", 8).size() == 8);
    CHECK(std::abs(cosine(vector_of(agent, "x", 1), vector_of(agent, "x", 1)) - 1.0) < 1e-5);
}

TEST_CASE("echo refuses more dimensions than it has, and texts too long to embed whole") {
    echo agent;
    agent::embedding_request ask;
    ask.model = "echo-embed:latest";
    ask.dimensions = 4097;
    ask.inputs.emplace_back("x");
    CHECK(ask_vectors(agent, ask).error().status() == 400);

    ask.dimensions = 0;
    ask.inputs[0].clear();
    for (int i = 0; i < 8193; ++i) ask.inputs[0] += "w ";
    CHECK(ask_vectors(agent, ask)->prompt_tokens == 8192);
    ask.truncate = false;
    CHECK(ask_vectors(agent, ask).error().status() == 400);
}
