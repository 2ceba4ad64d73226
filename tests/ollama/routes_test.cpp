#include "mcp_provider/crypto/digest.hpp"
#include "ollama/asking.hpp"
#include "ollama/routes.hpp"

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace ollama_tests;
using namespace mcp_provider;
using namespace mcp_provider::server::ollama;
using testing::script;

/// An agent and the notes of one exchange.
class desk {
public:
    desk() : agents{models()} {
        agents.plays(script{}.opened().text("Hello").finished(agent::finish_reason::stop, 3, 1));
    }

    /// Reads a body and hands it to a handler as a pipeline does.
    template <class Request, class Handler>
    result<http::response> ask(std::string_view body, Handler const& handler,
                               principal const& who) {
        auto request = read<Request>(body);
        if (!request) return request.error();
        requests.push_back(std::make_shared<Request>(*std::move(request)));
        return testing::run(
            handler(*std::static_pointer_cast<Request>(requests.back()), who, proof));
    }
    result<http::response> chat(std::string_view body, principal const& who = caller()) {
        return ask<chat_request>(body, chat_handler{agents}, who);
    }
    result<http::response> generate(std::string_view body, principal const& who = caller()) {
        return ask<generate_request>(body, generate_handler{agents}, who);
    }
    result<http::response> embed(std::string_view body) {
        return ask<embed_request>(body, embed_handler{agents}, caller());
    }
    result<http::response> embeddings(std::string_view body) {
        return ask<embeddings_request>(body, embeddings_handler{agents}, caller());
    }

    testing::fake_agent agents;
    audited proof = testing::audited_access::make();

private:
    std::vector<std::shared_ptr<void>> requests; // outlive the responses' streams
};

std::string problem(result<http::response> const& answer) {
    return answer ? "answered"
                  : std::to_string(answer.error().status()) + ' ' + answer.error().message();
}

constexpr std::string_view hi = R"("messages":[{"role":"user","content":"hi"}])";

std::string chat_body(std::string_view model, std::string_view more = {}) {
    return R"({"model":")" + std::string{model} + "\"," + std::string{hi} + std::string{more} + '}';
}

} // namespace

TEST_CASE("chat answers with a stream that no proxy holds back") {
    desk test;
    auto const answer = test.chat(chat_body("all"));

    REQUIRE(answer);
    CHECK(answer->status() == 200);
    CHECK(answer->content_type() == "application/x-ndjson");
    CHECK(answer->fields().get("cache-control") == "no-cache");
    CHECK(answer->fields().get("x-accel-buffering") == "no");
    CHECK(test.agents.requests() == 0);
    CHECK(
        text_of(*answer) ==
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":"Hello"},"done":false})"
        "\n"
        R"({"model":"all","created_at":"T","message":{"role":"assistant","content":""},"done":true,)"
        R"("done_reason":"stop","total_duration":N,"load_duration":N,"prompt_eval_count":3,)"
        R"("prompt_eval_duration":N,"eval_count":1,"eval_duration":N})"
        "\n");
    CHECK(test.proof.notes().model == "all:latest");
    CHECK(test.proof.notes().prompt_hash == crypto::sha256("hi"));
}

TEST_CASE("chat that is not streamed is one object with everything") {
    desk test;
    test.agents.plays(script{}
                          .opened()
                          .reasoning("h")
                          .reasoning("m")
                          .text("Hel")
                          .text("lo")
                          .call(0, "call_1", "f", R"({"a":)")
                          .arguments(0, "1}")
                          .finished(agent::finish_reason::length, 3, 2));
    auto const answer = test.chat(chat_body("all:latest", R"(,"stream":false)"));

    REQUIRE(answer);
    CHECK(answer->content_type() == "application/json; charset=utf-8");
    CHECK(
        text_of(*answer) ==
        R"({"model":"all:latest","created_at":"T","message":{"role":"assistant","content":"Hello","thinking":"hm",)"
        R"("tool_calls":[{"id":"call_1","function":{"index":0,"name":"f","arguments":{"a":1}}}]},)"
        R"("done":true,"done_reason":"length","total_duration":N,"load_duration":N,"prompt_eval_count":3,)"
        R"("prompt_eval_duration":N,"eval_count":2,"eval_duration":N})");
    CHECK(test.proof.notes().completion_tokens == 2);
    CHECK(test.proof.notes().finish_reason == "length");
}

TEST_CASE(
    "generate that is not streamed is one object with a response and an empty context unless raw") {
    desk test;
    auto const cooked = test.generate(R"({"model":"all","prompt":"why?","stream":false})");
    REQUIRE(cooked);
    CHECK(
        text_of(*cooked) ==
        R"({"model":"all","created_at":"T","response":"Hello","done":true,"done_reason":"stop","context":[],)"
        R"("total_duration":N,"load_duration":N,"prompt_eval_count":3,"prompt_eval_duration":N,"eval_count":1,)"
        R"("eval_duration":N})");
    auto const raw = test.generate(R"({"model":"all","prompt":"why?","raw":true,"stream":false})");
    REQUIRE(raw);
    CHECK(raw->text().find("context") == std::string::npos);
}

TEST_CASE("generate asks the agent to fill in the middle as Void means it") {
    desk test;
    std::string seen;
    test.agents.on_generate([&](agent::conversation const& ask) {
        seen = ask.model + '|' + ask.prompt + '|' + ask.suffix +
               (ask.is_completion ? "|completion" : "");
    });
    auto const answer = test.generate(
        R"({"model":"all","prompt":"a","suffix":"b","options":{"stop":[],"num_predict":300},"raw":true,"stream":true})");
    REQUIRE(answer);
    CHECK(text_of(*answer).starts_with(
        R"({"model":"all","created_at":"T","response":"Hello","done":false})"));
    CHECK(seen == "all:latest|a|b|completion");
}

TEST_CASE("nothing to answer loads or unloads at once, in one object, without asking the agent") {
    desk test;
    auto const load = test.chat(R"({"model":"all"})");
    REQUIRE(load);
    CHECK(load->content_type() == "application/json; charset=utf-8");
    CHECK(text_of(*load) ==
          R"({"model":"all","created_at":"T","message":{"role":"assistant","content":""},)"
          R"("done":true,"done_reason":"load"})");
    CHECK(text_of(*test.chat(R"({"model":"all","messages":[],"keep_alive":0})"))
              .find(R"("done_reason":"unload")") != std::string::npos);
    CHECK(text_of(*test.generate(R"({"model":"all","keep_alive":"0s","stream":true})")) ==
          R"({"model":"all","created_at":"T","response":"","done":true,"done_reason":"unload"})");
    CHECK(
        text_of(*test.generate(R"({"model":"all","prompt":""})")).find(R"("done_reason":"load")") !=
        std::string::npos);
    CHECK(test.agents.requests() == 0);
    CHECK(problem(test.chat(R"({"model":"none"})")) == "404 model 'none' not found");
}

TEST_CASE("a model that is unknown, not allowed or not able is refused before the head, in "
          "Ollama's words") {
    desk test;
    CHECK(problem(test.chat(chat_body("none:7b"))) == "404 model 'none:7b' not found");
    CHECK(problem(test.generate(R"({"model":"none","prompt":"x"})")) ==
          "404 model 'none' not found");
    CHECK(problem(test.chat(chat_body("all"), caller({"plain:7b"}))).starts_with("403 "));
    CHECK(problem(test.chat(chat_body("all"), caller({"all"}))) == "answered");
    CHECK(problem(test.chat(chat_body("vectors"))) == "400 \"vectors\" does not support chat");
    CHECK(problem(test.generate(R"({"model":"vectors","prompt":"x"})")) ==
          "400 \"vectors\" does not support generate");
    CHECK(problem(test.chat(chat_body("plain:7b", R"(,"think":true)"))) ==
          "400 \"plain:7b\" does not support thinking");
    CHECK(problem(test.chat(chat_body("plain:7b", R"(,"think":"low")"))) ==
          "400 \"plain:7b\" does not support thinking");
    CHECK(problem(test.chat(chat_body("plain:7b", R"(,"think":false)"))) == "answered");
    CHECK(problem(test.chat(chat_body("plain:7b", R"(,"tools":[{"function":{"name":"f"}}])"))) ==
          "400 \"plain:7b\" does not support tools");
    CHECK(problem(test.generate(R"({"model":"plain:7b","prompt":"x","suffix":"y"})")) ==
          "400 \"plain:7b\" does not support insert");
    CHECK(problem(test.generate(R"({"model":"plain:7b","prompt":"x","images":["/9j/"]})")) ==
          "400 \"plain:7b\" does not support vision");
    CHECK(problem(test.embed(R"({"model":"all","input":"x"})")) ==
          "400 \"all\" does not support embeddings");
    CHECK(test.agents.requests() == 0);
}

TEST_CASE("a failing agent is the caller's refusal when nothing is streamed") {
    desk test;
    test.agents.plays(script{}.opened().text("x").fails(
        rejection{rejection_code::upstream_failed, "it hung up"}));
    CHECK(problem(test.chat(chat_body("all", R"(,"stream":false)"))) == "502 it hung up");
    test.agents.plays(script{}.opened().call(0, "", "f", "{").finished());
    CHECK(problem(test.chat(chat_body("all", R"(,"stream":false)")))
              .starts_with("502 the agent calls tool 'f'"));
    test.agents.refuses(rejection{rejection_code::timed_out, "too slow"});
    CHECK(problem(test.chat(chat_body("all", R"(,"stream":false)"))) == "504 too slow");
}

TEST_CASE("an answer that does not end is given up") {
    desk test;
    script endless;
    endless.opened();
    for (int i = 0; i != 17; ++i) endless.text(std::string(1024 * 1024, 'x'));
    test.agents.plays(endless.finished());
    CHECK(problem(test.chat(chat_body("all", R"(,"stream":false)"))) ==
          "502 the agent's answer does not end");
}

TEST_CASE("thinking that the caller switched off is not shown") {
    desk test;
    test.agents.plays(script{}.opened().reasoning("hm").text("x").finished());
    CHECK(text_of(*test.chat(chat_body("all", R"(,"think":false)"))).find("hm") ==
          std::string::npos);
    CHECK(text_of(*test.chat(chat_body("all", R"(,"think":false,"stream":false)"))).find("hm") ==
          std::string::npos);
    CHECK(text_of(*test.chat(chat_body("all"))).find("hm") != std::string::npos);
}

TEST_CASE("embed gives one vector a text, in order, with counts") {
    desk test;
    std::size_t asked = 0;
    test.agents.on_embed([&](agent::embedding_request const& ask) {
        asked = ask.inputs.size();
        CHECK(ask.model == "vectors:latest");
        CHECK(ask.dimensions == 2);
        CHECK_FALSE(ask.truncate);
    });
    test.agents.embeds({{0.1F, -1.0F}, {0.0F, 1e-20F}}, 5);
    auto const answer =
        test.embed(R"({"model":"vectors","input":["a","b"],"dimensions":2,"truncate":false})");
    REQUIRE(answer);
    CHECK(
        text_of(*answer) ==
        R"({"model":"vectors","embeddings":[[0.1,-1],[0,1e-20]],"total_duration":N,"load_duration":N,)"
        R"("prompt_eval_count":5})");
    CHECK(asked == 2);
    CHECK(test.proof.notes().prompt_tokens == 5);
    CHECK(test.proof.notes().model == "vectors:latest");
}

TEST_CASE("embed of nothing is an empty list, without asking the agent") {
    desk test;
    auto const answer = test.embed(R"({"model":"vectors","input":[]})");
    REQUIRE(answer);
    CHECK(text_of(*answer).starts_with(R"({"model":"vectors","embeddings":[],)"));
    CHECK(text_of(*test.embeddings(R"({"model":"vectors","prompt":""})")) == R"({"embedding":[]})");
    CHECK(test.agents.requests() == 0);
    CHECK(problem(test.embed(R"({"model":"none"})")) == "404 model 'none' not found");
}

TEST_CASE("embeddings gives the one vector") {
    desk test;
    test.agents.embeds({{0.5F, 0.25F, 0.125F}}, 1);
    CHECK(text_of(*test.embeddings(R"({"model":"vectors","prompt":"a"})")) ==
          R"({"embedding":[0.5,0.25,0.125]})");
}

TEST_CASE("vectors that are too few or no numbers are the agent's fault") {
    desk test;
    test.agents.embeds({{1.0F}}, 1);
    CHECK(problem(test.embed(R"({"model":"vectors","input":["a","b"]})")) ==
          "502 the agent gave 1 vectors for 2 texts");
    test.agents.embeds({{std::numeric_limits<float>::quiet_NaN()}}, 1);
    CHECK(problem(test.embed(R"({"model":"vectors","input":"a"})")).starts_with("502 "));
    CHECK(problem(test.embeddings(R"({"model":"vectors","prompt":"a"})")).starts_with("502 "));
    test.agents.refuses(rejection{rejection_code::overloaded, "full"});
    CHECK(problem(test.embed(R"({"model":"vectors","input":"a"})")) == "503 full");
}

TEST_CASE("pull is done at once for what is on offer, and refused for the rest") {
    testing::fake_agent agents{models()};
    pull_handler const handler{agents};
    auto const pull = [&](std::string_view body, principal const& who) {
        return handler(*read<pull_request>(body), who);
    };

    CHECK(pull(R"({"name":"all"})", caller())->text() == "{\"status\":\"success\"}\n");
    CHECK(pull(R"({"name":"all"})", caller())->content_type() == "application/x-ndjson");
    CHECK(pull(R"({"model":"all:latest","stream":false})", caller())->text() ==
          R"({"status":"success"})");
    CHECK(problem(pull(R"({"model":"llama3"})", caller())).starts_with("403 "));
    CHECK(problem(pull(R"({"model":"all"})", caller({"plain:7b"}))).starts_with("403 "));
}

TEST_CASE("managing models is refused") {
    CHECK(problem(management_handler{}(http::request{})).starts_with("403 "));
}
