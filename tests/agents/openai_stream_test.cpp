#include "agents/collected.hpp"
#include "agents/openai_stream.hpp"
#include "agents/scripted_openai.hpp"
#include "net/scripted_upstream.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;
using testing::run_on;
using testing::run_until;
using testing::scripted_upstream;
using testing::upstream_side;

TEST_CASE("openai_upstream streams text, and tells why it ended and what was used") {
    for (bool const slowly : {false, true}) {
        setting at{stream_head +
                       chunk(words("Hel") + words("lo \\u00fc\\n") + finish() + usage + done) +
                       "0\r\n\r\n",
                   slowly};

        collected const answer = at.ask();

        CHECK(answer.opened);
        CHECK(answer.pieces == std::vector<std::string>{"Hel", "lo \u00fc\n"});
        CHECK(answer.finished);
        CHECK(answer.reason == agent::finish_reason::stop);
        CHECK(answer.used.prompt_tokens == 7);
        CHECK(answer.used.completion_tokens == 2);
    }
}

TEST_CASE(
    "openai_upstream uses its connection again after a stream, whenever the last chunk comes") {
    for (bool const slowly : {false, true}) {
        setting at{stream_head + chunk(words("x") + finish()) + chunk(done) + "0\r\n\r\n", slowly};
        for (int i = 0; i < 3; ++i) CHECK(at.ask().text == "x");
        if (!slowly) CHECK(at.connections() == 1);
    }
}

TEST_CASE("openai_upstream asks for and reads a whole answer where nobody streams") {
    setting at{json_answer(
        R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm",)"
        R"("tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},)"
        R"("finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":1}})")};
    agent::conversation chat = saying("hello", "m");
    chat.streamed = false;

    collected const answer = at.ask(chat);

    CHECK(at.body().find("stream") == std::string::npos);
    CHECK(answer.opened);
    CHECK(answer.text == "Hello");
    CHECK(answer.reasoning == "hm");
    REQUIRE(answer.calls.size() == 1);
    CHECK(answer.calls[0].id == "c1");
    CHECK(answer.calls[0].name == "f");
    CHECK(answer.calls[0].arguments == R"({"a":1})");
    CHECK(answer.reason == agent::finish_reason::tool_calls);
    CHECK(answer.used.prompt_tokens == 3);
}

TEST_CASE("openai_upstream reads an answer in the form in which it comes, not in the one that was "
          "asked for") {
    setting whole{
        json_answer(R"({"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]})")};
    CHECK(whole.ask().text == "all");

    setting streamed{stream_head + chunk(words("a") + words("b") + finish() + done) + "0\r\n\r\n"};
    agent::conversation chat = saying("hello", "m");
    chat.streamed = false;
    CHECK(streamed.ask(chat).text == "ab");
}

TEST_CASE("openai_upstream asks for completions of texts, with what follows the gap") {
    setting at{
        stream_head +
        chunk(
            event(
                R"({"object":"text_completion","choices":[{"text":"0;","index":0,"finish_reason":"length"}]})") +
            done) +
        "0\r\n\r\n"};
    agent::conversation completion;
    completion.model = "m";
    completion.is_completion = true;
    completion.streamed = true;
    completion.prompt = "return ";
    completion.suffix = "}";

    collected const answer = at.ask(completion);

    CHECK(at.request().starts_with("POST /v1/completions "));
    CHECK(at.body().starts_with(R"({"model":"m","prompt":"return ","suffix":"}",)"));
    CHECK(answer.text == "0;");
    CHECK(answer.reason == agent::finish_reason::length);
}

TEST_CASE("openai_upstream gives reasoning once, under whichever name it comes") {
    setting at{
        stream_head +
        chunk(
            event(R"({"choices":[{"delta":{"reasoning":"a"}}]})") +
            event(R"({"choices":[{"delta":{"reasoning_content":"b"}}]})") +
            event(
                R"({"choices":[{"delta":{"reasoning":"c","reasoning_content":"c","content":"d"}}]})") +
            finish() + done) +
        "0\r\n\r\n"};
    collected const answer = at.ask();
    CHECK(answer.reasoning == "abc");
    CHECK(answer.text == "d");
}

TEST_CASE("openai_upstream streams tool calls") {
    auto const call = [](std::string_view piece) {
        return event(R"({"choices":[{"delta":{"content":null,"tool_calls":[)" + std::string{piece} +
                     "]}}]}");
    };
    setting at{
        stream_head +
        chunk(
            call(
                R"({"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}})") +
            call(R"({"index":0,"function":{"arguments":"{\"a\":"}})") +
            call(R"({"index":0,"function":{"arguments":"1}"}})") +
            call(
                R"({"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}})") +
            finish("tool_calls") + done) +
        "0\r\n\r\n"};
    collected const answer = at.ask();
    REQUIRE(answer.calls.size() == 2);
    CHECK(answer.calls[0].id == "c1");
    CHECK(answer.calls[0].name == "f");
    CHECK(answer.calls[0].arguments == R"({"a":1})");
    CHECK(answer.calls[1].id == "c2");
    CHECK(answer.calls[1].arguments == "{}");
    CHECK(answer.call_deltas == 4);
    CHECK(answer.reason == agent::finish_reason::tool_calls);
}

TEST_CASE("openai_upstream says tool_calls where the upstream called tools and says stop") {
    setting at{
        stream_head +
        chunk(
            event(
                R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]})") +
            finish("stop") + done) +
        "0\r\n\r\n"};
    CHECK(at.ask().reason == agent::finish_reason::tool_calls);
}

TEST_CASE("openai_upstream needs no [DONE] after a reason to finish, nor a proper end") {
    CHECK(setting{stream_head + chunk(words("x") + finish()) + "0\r\n\r\n"}.ask().finished);
    std::string const until_close =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    asio::io_context context{1};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        co_await side.say(stream_head + chunk(words("x") + finish()));
    };
    scripted_upstream upstream{context, play};
    openai_upstream agent{settings_for(upstream)};
    agent::conversation const chat = saying("x", "m");
    collected got;
    auto const asking = [&]() -> asio::awaitable<void> { got = co_await gather(agent, chat); };
    run_on(context, asking());
    CHECK(got.finished);
    CHECK(got.text == "x");
}

TEST_CASE("openai_upstream fails where the upstream breaks off, errs, or sends something else") {
    for (std::string const& body : {
             words("x"),                                                     // cut
             words("x") + event(R"({"error":{"message":"out of memory"}})"), // OpenAI's error
             words("x") + event(R"({"error":"out of memory"})"),             // Ollama's
             words("x") + "event: error\n" + event(R"({"message":"out of memory"})"), // llama.cpp's
             words("x") + event("{"),
             words("x") + event("null null"),
         }) {
        CAPTURE(body);
        setting at{stream_head + chunk(body) + "0\r\n\r\n"};
        collected const answer = at.ask();
        CHECK(answer.text == "x");
        REQUIRE(answer.failed());
        CHECK(answer.why->code() == rejection_code::upstream_failed);
        if (body.find("memory") != std::string::npos)
            CHECK(answer.why->message().find("out of memory") != std::string::npos);
    }
    setting whole{json_answer("{}")};
    CHECK(whole.ask().failed());
    setting text{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"};
    CHECK(text.ask().failed());
}

TEST_CASE("openai_upstream is ready exactly as long as a delta needs no waiting") {
    asio::io_context context{1};
    asio::steady_timer go{context, steady_time::max()};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        // A comment, an empty delta and half an event follow the second word: none of them makes a delta.
        co_await side.say(stream_head + chunk(words("a") + words("b") + ": keep-alive\n\n" +
                                              words("") + "data: {\"choi"));
        std::error_code ignored;
        co_await go.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_await side.say(chunk("ces\":[{\"delta\":{\"content\":\"c\\n\"}}]}\n\n" + words("d") +
                                finish() + done) +
                          "0\r\n\r\n");
    };
    scripted_upstream upstream{context, play};
    openai_upstream agent{settings_for(upstream)};
    agent::conversation const chat = saying("x", "m");
    audited const proof = testing::audited_access::make();
    auto const asking = [&]() -> asio::awaitable<void> {
        auto begun = co_await agent.generate(chat, proof);
        REQUIRE(begun);
        agent::delta_stream& stream = **begun;
        CHECK(stream.ready());
        CHECK((co_await stream.next())->what == agent::delta::kind::opened);
        // The body may have come with the head, or may not.
        CHECK((co_await stream.next())->text == "a");
        CHECK(stream.ready());
        CHECK((co_await stream.next())->text == "b");
        CHECK_FALSE(stream.ready());
        go.cancel();
        auto const third = co_await stream.next();
        CHECK(third->text == "c\n");
        CHECK(stream.ready());
        CHECK(third->text == "c\n"); // looking ahead has not touched it
        CHECK((co_await stream.next())->text == "d");
        CHECK(stream.ready());
        CHECK((co_await stream.next())->what == agent::delta::kind::finished);
    };
    run_on(context, asking());
}
