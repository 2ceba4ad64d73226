#include "ollama/asking.hpp"
#include "ollama/stream.hpp"

#include <asio/error.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace ollama_tests;
using namespace mcp_provider;
using namespace mcp_provider::server::ollama;
using testing::pace;
using testing::script;

/// A stream and everything that must outlive it.
class playing {
public:
    explicit playing(script what, pace how = pace::split, answer_form form = answer_form::chat,
                     bool thinking = true)
        : agents{models()}, stream{agents, ask, proof, answer_writer{form, "all"}, thinking} {
        agents.plays(std::move(what), how);
    }

    drained to_its_end() { return testing::run(drain(stream)); }
    std::string text() { return scrubbed(to_its_end().text); }

    testing::fake_agent agents;
    agent::conversation ask;
    audited proof = testing::audited_access::make();
    answer_stream stream;
};

rejection broken() { return rejection{rejection_code::upstream_failed, "the upstream hung up"}; }

/// Pulls once and returns whether the stream goes on.
bool pull(answer_stream& stream, std::string& out) {
    auto const step = testing::run(stream.next(out));
    return step && *step == http::stream_step::more;
}

} // namespace

TEST_CASE("a chat is streamed as one object a line, with counts and durations in the last") {
    playing exchange{
        script{}.opened().text("Hel").text("lo\n\"").finished(agent::finish_reason::stop, 11, 2)};

    CHECK(
        exchange.text() ==
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"Hel"},"done":false})"
        "\n"
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"lo\n\""},"done":false})"
        "\n"
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":""},"done":true,)"
        R"("done_reason":"stop","total_duration":N,"load_duration":N,"prompt_eval_count":11,)"
        R"("prompt_eval_duration":N,"eval_count":2,"eval_duration":N})"
        "\n");
    CHECK(exchange.proof.notes().prompt_tokens == 11);
    CHECK(exchange.proof.notes().completion_tokens == 2);
    CHECK(exchange.proof.notes().finish_reason == "stop");
}

TEST_CASE("a generated text is streamed in response, and ends with an empty context unless raw") {
    std::string const text = R"({"model":"all","created_at":"T","response":"x","done":false})"
                             "\n";
    std::string const counts = R"("total_duration":N,"load_duration":N,"prompt_eval_count":0,)"
                               R"("prompt_eval_duration":N,"eval_count":0,"eval_duration":N})"
                               "\n";
    auto const words = script{}.opened().text("x").finished(agent::finish_reason::length);

    playing cooked{words, pace::split, answer_form::generate};
    CHECK(cooked.text() == text +
                               R"({"model":"all","created_at":"T","response":"","done":true,)"
                               R"("done_reason":"length","context":[],)" +
                               counts);
    playing raw{words, pace::split, answer_form::raw};
    CHECK(raw.text() == text +
                            R"({"model":"all","created_at":"T","response":"","done":true,)"
                            R"("done_reason":"length",)" +
                            counts);
}

TEST_CASE("reasoning is streamed as thinking, unless the caller does not want it") {
    auto const words = script{}.opened().reasoning("hm").text("x").finished();

    playing shown{words};
    CHECK(shown.text().starts_with(
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"","thinking":"hm"},"done":false})"));
    playing generated{words, pace::split, answer_form::generate};
    CHECK(generated.text().starts_with(
        R"({"model":"all","created_at":"T","response":"","thinking":"hm","done":false})"));
    playing hidden{words, pace::split, answer_form::chat, false};
    CHECK(hidden.text().find("hm") == std::string::npos);
}

TEST_CASE("tool calls come whole in one chunk, with objects for arguments, however their fragments "
          "are mixed") {
    playing exchange{script{}
                         .opened()
                         .call(0, "call_a", "weather")
                         .call(1, "call_b", "time", "{\n")
                         .arguments(0, R"({"city": "Ro)")
                         .arguments(1, " }")
                         .arguments(0, R"(me"})")
                         .finished(agent::finish_reason::tool_calls)};

    std::string const text = exchange.text();
    CHECK(text.starts_with(
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"","tool_calls":[)"
        R"({"id":"call_a","function":{"index":0,"name":"weather","arguments":{"city":"Rome"}}},)"
        R"({"id":"call_b","function":{"index":1,"name":"time","arguments":{}}}]},"done":false})"
        "\n"));
    CHECK(text.find(R"("done_reason":"stop")") != std::string::npos);
    CHECK(exchange.proof.notes().finish_reason == "tool_calls");
}

TEST_CASE(
    "a tool call without id or arguments is given an id of Ollama's form and an empty object") {
    playing exchange{script{}.opened().call(0, "", "now").finished()};
    std::string const text = exchange.text();
    auto const at = text.find(R"("tool_calls":[{"id":"call_)");
    REQUIRE(at != std::string::npos);
    CHECK(text.substr(at + 26 + 8)
              .starts_with(R"(","function":{"index":0,"name":"now","arguments":{}}}])"));
}

TEST_CASE("a tool call whose arguments are no JSON object breaks the stream off instead of "
          "reaching the client") {
    for (std::string_view const arguments : {"{\"a\":", "[1]", "\"x\"", "5", "{} {}"}) {
        CAPTURE(arguments);
        playing exchange{script{}.opened().text("x").call(0, "1", "f", arguments).finished()};
        std::string const text = exchange.text();
        CHECK(text.find("tool_calls") == std::string::npos);
        CHECK(text.ends_with(
            "{\"error\":\"the agent calls tool 'f' with arguments that are no JSON object\"}\n"));
    }
    playing nameless{script{}.opened().call(0, "1", "", "{}").finished()};
    CHECK(nameless.to_its_end().refused == "the agent calls a tool without a name");
}

TEST_CASE("a stream takes 128 tool calls and 1 MiB of arguments, and not more") {
    script calls;
    calls.opened();
    for (std::uint32_t i = 0; i != 128; ++i) calls.call(i, "", "f");
    playing full{script{calls}.finished()};
    CHECK(full.text().find(R"("index":127)") != std::string::npos);
    playing over{script{calls}.call(128, "", "f").finished()};
    CHECK(over.to_its_end().refused == "the agent calls too many tools at once");

    std::string const most(1024 * 1024 - 2, ' ');
    playing long_one{script{}.opened().call(0, "", "f", "{" + most + "}").finished()};
    CHECK(long_one.text().find(R"("arguments":{})") != std::string::npos);
    playing too_long{
        script{}.opened().call(0, "", "f", "{" + most + "}").arguments(0, " ").finished()};
    CHECK(too_long.to_its_end().refused == "the agent calls tools with too long arguments");
}

TEST_CASE("the agent is asked at the first pull, and opened lets the head go with nothing") {
    playing exchange{script{}.opened().text("x").finished()};
    CHECK(exchange.agents.requests() == 0);
    std::string out;
    CHECK(pull(exchange.stream, out));
    CHECK(exchange.agents.requests() == 1);
    CHECK(out.empty());
    CHECK(pull(exchange.stream, out));
    CHECK(out.ends_with("\"content\":\"x\"},\"done\":false}\n"));
    CHECK_FALSE(pull(exchange.stream, out));
}

TEST_CASE("what is ready goes out in one pull, up to 32 KiB") {
    playing small{script{}.opened().text("a").text("b").finished(), pace::coalesced};
    CHECK(small.to_its_end().pulls == 1);

    script words;
    words.opened();
    for (int i = 0; i != 40; ++i) words.text(std::string(4096, 'x'));
    playing large{words.finished(), pace::coalesced};
    std::string out;
    CHECK(pull(large.stream, out));
    CHECK(out.size() >= 32 * 1024);
    CHECK(out.size() < 40 * 1024);
    CHECK(large.stream.ready());
}

TEST_CASE("a refusal before the first byte is the caller's, with nothing written") {
    playing refused{script{}};
    refused.agents.refuses(rejection{rejection_code::overloaded, "full"});
    CHECK(refused.to_its_end().refused == "full");

    playing late{script{}.opened().fails(broken())};
    CHECK(late.to_its_end().refused == "the upstream hung up");
    playing at_once{script{}.opened().fails(broken()), pace::coalesced};
    CHECK(at_once.to_its_end().refused == "the upstream hung up");
}

TEST_CASE("a stream that breaks off ends with an error line, after all that came before") {
    for (pace const how : {pace::split, pace::coalesced}) {
        playing exchange{script{}.opened().text("x").fails(broken()), how};
        CHECK(
            exchange.text() ==
            R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"x"},"done":false})"
            "\n"
            R"({"error":"the upstream hung up"})"
            "\n");
        CHECK(exchange.proof.notes().finish_reason == "");
    }
}

TEST_CASE("what came before a failure is let out by itself, though both were there at once") {
    playing exchange{script{}.opened().text("x").fails(broken()), pace::coalesced};
    std::string out;
    CHECK(pull(exchange.stream, out));
    CHECK(out.find("\"content\":\"x\"") != std::string::npos);
    CHECK_FALSE(
        exchange.stream
            .ready()); // else a connection pulls on, and has to choose between text and failure
    out.clear();
    CHECK_FALSE(pull(exchange.stream, out));
    CHECK(out.empty());
}

TEST_CASE(
    "a failure in a later pull does not take the text with it that the connection still holds") {
    script words;
    words.opened();
    for (int i = 0; i != 9; ++i) words.text(std::string(4096, 'x'));
    playing exchange{words.fails(broken()), pace::coalesced};
    std::string out;
    while (pull(exchange.stream, out) && exchange.stream.ready()) {
    }
    CHECK(out.size() > 9 * 4096);
    CHECK_FALSE(pull(exchange.stream, out));
}

TEST_CASE("no line but a failure has an error member, and none is blank") {
    playing exchange{
        script{}.opened().text("").reasoning("").text("error").call(0, "", "f").finished()};
    std::string const text = exchange.text();
    CHECK(text.find("\n\n") == std::string::npos);
    CHECK(text.find("\"error\":") == std::string::npos);
    CHECK(text.find(R"("content":""},"done":false)") == std::string::npos);
}

TEST_CASE("a heartbeat is a chunk without text") {
    playing exchange{script{}.opened().waits()};
    std::string out;
    exchange.stream.heartbeat(out);
    CHECK(
        scrubbed(out) ==
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":""},"done":false})"
        "\n");
    playing generated{script{}, pace::split, answer_form::generate};
    out.clear();
    generated.stream.heartbeat(out);
    CHECK(scrubbed(out) == R"({"model":"all","created_at":"T","response":"","done":false})"
                           "\n");
}

TEST_CASE("a client that leaves stops the agent") {
    using namespace std::chrono_literals;
    auto exchange = std::make_unique<playing>(script{}.opened().waits());
    std::string out;
    CHECK(pull(exchange->stream, out));
    CHECK_THROWS_AS(testing::run(exchange->stream.next(out), 5ms), std::system_error);
    exchange->stream.fail(rejection{rejection_code::client_closed, "gone"}, out);
    CHECK(exchange->agents.abandoned() == 1);
    CHECK(out == "{\"error\":\"request canceled\"}\n");
}

TEST_CASE("text that is no UTF-8 does not make a line invalid") {
    playing exchange{script{}
                         .opened()
                         .text("a\xFF"
                               "b")
                         .finished()};
    CHECK(exchange.text().find("\"content\":\"a\xEF\xBF\xBD"
                               "b\"") != std::string::npos);
}
