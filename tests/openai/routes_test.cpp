#include "asking.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"
#include "openai/routes.hpp"
#include "pulling.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using asking::read;
using asking::somebody;
using testing::script;

agent::model model_of(std::string name, std::uint8_t can, std::uint32_t embedding_length = 0) {
    agent::model one{std::move(name), can, 4096, "echo"};
    one.embedding_length = embedding_length;
    one.modified = std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}};
    return one;
}

/// As an agent process is: it takes a prompt, and no more.
agent::model deaf() {
    agent::model one = model_of("agent:latest", agent::capability::completion);
    one.cannot =
        agent::limitation::sampling | agent::limitation::max_tokens | agent::limitation::format;
    return one;
}

std::vector<agent::model> offer() {
    using namespace agent::capability;
    return {model_of("echo:latest", completion | tools | insert), model_of("plain", completion),
            model_of("org/sight:7b", completion | vision | thinking),
            model_of("echo-embed:latest", embedding, 4), deaf()};
}

/// A server of one agent that says `Hi`.
class gateway {
public:
    gateway() {
        script answer;
        answer.opened().text("H").text("i").finished(agent::finish_reason::stop, 3, 2);
        agents.plays(std::move(answer));
        agents.on_generate([this](agent::conversation const& asked) {
            asked_model = asked.model;
            asked_caller = asked.caller;
        });
    }

    result<http::response> chat(std::string const& text, principal const& who = somebody()) {
        return ask<openai::chat_request>(openai::chat_handler{agents}, text, who);
    }
    result<http::response> completion(std::string const& text) {
        return ask<openai::completion_request>(openai::completion_handler{agents}, text,
                                               somebody());
    }
    result<http::response> embedding(std::string const& text) {
        return ask<openai::embedding_request>(openai::embedding_handler{agents}, text, somebody());
    }
    result<http::response> model(std::string_view target, principal const& who = somebody()) {
        http::request asked;
        asked.set_line("GET", target, 1);
        openai::model_handler const handler{agents};
        return handler(asked, who);
    }

    testing::fake_agent agents{offer()};
    audited proof = testing::audited_access::make();
    std::string asked_model;
    std::string asked_caller;

private:
    template <class Request, class Handler>
    result<http::response> ask(Handler const& handler, std::string const& text,
                               principal const& who) {
        auto const asked = read<Request>(text);
        if (!asked) return asked.error();
        auto answer = testing::run(handler(*asked, who, proof));
        if (answer && answer->stream() != nullptr)
            streamed = testing::run(asking::pull(*answer->stream())).text;
        return answer;
    }

public:
    std::string streamed;
};

std::string chat_to(std::string_view model, std::string_view members = {}) {
    std::string text = R"({"model":")" + std::string{model} +
                       R"(","messages":[{"role":"user","content":"hello"}])";
    if (!members.empty()) text += ',';
    text += members;
    return text + '}';
}

} // namespace

TEST_CASE("chat_handler answers with one object, and the model as it was asked for") {
    gateway server;

    auto const answer = server.chat(chat_to("echo"));

    REQUIRE(answer);
    CHECK(answer->status() == 200);
    CHECK(answer->content_type() == "application/json");
    auto const body = json::parse(answer->text());
    REQUIRE(body);
    CHECK(body->at("model") == "echo");
    CHECK(body->at_pointer("/choices/0/message/content") == "Hi");
    CHECK(body->at_pointer("/usage/total_tokens") == 5);
    CHECK(body->at("id").as_string().starts_with("chatcmpl-"));
    CHECK(server.asked_model == "echo:latest"); // as the agent knows it
}

TEST_CASE("chat_handler streams with the fields that keep proxies from buffering") {
    gateway server;

    auto const answer = server.chat(
        chat_to("echo:latest", R"("stream":true,"stream_options":{"include_usage":true})"));

    REQUIRE(answer);
    CHECK(answer->status() == 200);
    CHECK(answer->content_type() == "text/event-stream");
    CHECK(answer->fields().get("Cache-Control") == "no-cache");
    CHECK(answer->fields().get("X-Accel-Buffering") == "no");
    CHECK(server.streamed.starts_with(R"(data: {"id":"chatcmpl-)"));
    CHECK(server.streamed.find(
              R"("usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5})") !=
          std::string::npos);
    CHECK(server.streamed.ends_with("data: [DONE]\n\n"));
}

TEST_CASE("chat_handler notes model, hash of the prompt, tokens and reason, streamed or not") {
    for (auto const* members : {R"("stream":false)", R"("stream":true)"}) {
        gateway server;

        REQUIRE(server.chat(chat_to("echo", members)));

        generation_notes const& notes = server.proof.notes();
        CHECK(notes.model == "echo:latest");
        CHECK(notes.prompt_hash == crypto::sha256("hello"));
        CHECK(notes.prompt_tokens == 3);
        CHECK(notes.completion_tokens == 2);
        CHECK(notes.finish_reason == "stop");
    }
}

TEST_CASE("chat_handler refuses a model that is unknown, not for this caller, or that cannot do "
          "it, before it asks") {
    struct {
        std::string text;
        principal who;
        rejection_code code;
        std::string_view message;
        std::string_view where;
    } const refusals[] = {
        {chat_to("gpt-5"), somebody(), rejection_code::not_found, "model 'gpt-5' not found", ""},
        {chat_to("plain"), somebody({"echo"}), rejection_code::forbidden,
         "this key may not use model 'plain'", ""},
        {chat_to("echo-embed"), somebody(), rejection_code::bad_request,
         "\"echo-embed\" does not support chat", ""},
        {chat_to("plain", R"("tools":[{"type":"function","function":{"name":"f"}}])"), somebody(),
         rejection_code::bad_request, "\"plain\" does not support tools", "/tools"},
        {chat_to("plain", R"("reasoning_effort":"high")"), somebody(), rejection_code::bad_request,
         "\"plain\" does not support thinking", "/reasoning_effort"},
        {R"({"model":"plain","messages":[{"role":"user","content":[{"type":"image_url","image_url":)"
         R"("data:image/png;base64,QQ=="}]}]})",
         somebody(), rejection_code::bad_request, "\"plain\" does not support images",
         "/messages/0/content"},
    };
    for (auto const& one : refusals) {
        CAPTURE(one.text);
        gateway server;

        auto const answer = server.chat(one.text, one.who);

        REQUIRE_FALSE(answer);
        CHECK(answer.error().code() == one.code);
        CHECK(answer.error().message() == one.message);
        CHECK(answer.error().where() == one.where);
        CHECK(server.agents.requests() == 0);
    }
}

TEST_CASE("chat_handler lets pass what the model can do, and tools that must not be used") {
    gateway server;

    CHECK(server.chat(chat_to("echo", R"("tools":[{"type":"function","function":{"name":"f"}}])")));
    CHECK(server.chat(
        chat_to("plain", R"("tools":[{"function":{"name":"f"}}],"tool_choice":"none")")));
    CHECK(server.chat(chat_to("plain", R"("reasoning_effort":"none")")));
    CHECK(server.chat(chat_to("org/sight:7b", R"("reasoning_effort":"low")")));
    CHECK(server.chat(
        R"({"model":"org/sight:7b","messages":[{"role":"user","content":[{"type":"image_url",)"
        R"("image_url":"data:image/png;base64,QQ=="}]}]})"));
}

TEST_CASE("chat_handler passes on an agent's refusal, streamed or not") {
    for (auto const* members : {R"("stream":false)", R"("stream":true)"}) {
        gateway server;
        server.agents.refuses(rejection{rejection_code::overloaded, "full"});

        auto const answer = server.chat(chat_to("echo", members));

        CHECK(answer.has_value() == (std::string_view{members} == R"("stream":true)"));
        if (!answer) CHECK(answer.error().code() == rejection_code::overloaded);
        CHECK(server.streamed.empty());
    }
}

TEST_CASE("completion_handler answers with a text, streamed or not") {
    gateway server;

    auto const whole = server.completion(R"({"model":"echo","prompt":"p","suffix":"s"})");
    auto const stream = server.completion(R"({"model":"echo","prompt":"p","stream":true})");

    REQUIRE(whole);
    auto const body = json::parse(whole->text());
    REQUIRE(body);
    CHECK(body->at("object") == "text_completion");
    CHECK(body->at("id").as_string().starts_with("cmpl-"));
    CHECK(body->at_pointer("/choices/0/text") == "Hi");
    CHECK(body->at_pointer("/choices/0/finish_reason") == "stop");
    REQUIRE(stream);
    CHECK(stream->content_type() == "text/event-stream");
    CHECK(server.streamed.find(R"("object":"text_completion")") != std::string::npos);
    CHECK(server.streamed.ends_with("data: [DONE]\n\n"));
    CHECK(server.proof.notes().finish_reason == "stop");
}

TEST_CASE("completion_handler refuses a suffix for a model that cannot fill in") {
    gateway server;

    auto const refused = server.completion(R"({"model":"plain","prompt":"p","suffix":"s"})");

    REQUIRE_FALSE(refused);
    CHECK(refused.error().where() == "/suffix");
    CHECK(refused.error().message() == "\"plain\" does not support insert");
    CHECK(server.completion(R"({"model":"plain","prompt":"p","suffix":""})"));
    CHECK_FALSE(server.completion(R"({"model":"echo-embed","prompt":"p"})"));
    CHECK_FALSE(server.completion(R"({"model":"nobody","prompt":"p"})"));
}

TEST_CASE("embedding_handler writes numbers") {
    gateway server;
    server.agents.embeds({{1.0F, -0.5F, 1e-9F, 0.1F}, {0.0F, 0.0F, 0.0F, 1.0F}}, 7);

    auto const answer = server.embedding(R"({"model":"echo-embed","input":["a","b"]})");

    REQUIRE(answer);
    CHECK(
        answer->text() ==
        R"({"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,-0.5,1e-09,0.1]},)"
        R"({"object":"embedding","index":1,"embedding":[0,0,0,1]}],"model":"echo-embed",)"
        R"("usage":{"prompt_tokens":7,"total_tokens":7}})");
    CHECK(server.proof.notes().model == "echo-embed:latest");
    CHECK(server.proof.notes().prompt_tokens == 7);
}

TEST_CASE("embedding_handler writes base64 of little-endian floats") {
    gateway server;
    server.agents.embeds({{1.0F, -2.0F}}, 1);

    auto const answer = server.embedding(
        R"({"model":"echo-embed","input":"a","encoding_format":"base64","dimensions":2})");

    REQUIRE(answer);
    // 00 00 80 3f, 00 00 00 c0
    CHECK(answer->text().find(R"("embedding":"AACAPwAAAMA=")") != std::string::npos);
}

TEST_CASE("embedding_handler takes the model's dimensions and refuses one more") {
    gateway server;
    server.agents.embeds({{1.0F, 0.0F, 0.0F, 0.0F}}, 1);

    CHECK(server.embedding(R"({"model":"echo-embed","input":"a","dimensions":4})"));
    auto const refused = server.embedding(R"({"model":"echo-embed","input":"a","dimensions":5})");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().where() == "/dimensions");
    CHECK(refused.error().message() == "/dimensions must be at most 4 for this model");
}

TEST_CASE("embedding_handler calls an agent wrong that gives other vectors than were asked for") {
    gateway server;
    auto const code_of = [&](std::vector<std::vector<float>> vectors, std::string const& text) {
        server.agents.embeds(std::move(vectors), 1);
        auto const answer = server.embedding(text);
        return answer ? rejection_code::not_implemented : answer.error().code();
    };

    CHECK(code_of({}, R"({"model":"echo-embed","input":"a"})") == rejection_code::upstream_failed);
    CHECK(code_of({{1.0F}, {1.0F}}, R"({"model":"echo-embed","input":"a"})") ==
          rejection_code::upstream_failed);
    CHECK(code_of({{1.0F}}, R"({"model":"echo-embed","input":"a","dimensions":2})") ==
          rejection_code::upstream_failed);
    CHECK(code_of({{std::numeric_limits<float>::quiet_NaN()}},
                  R"({"model":"echo-embed","input":"a"})") == rejection_code::upstream_failed);
    CHECK_FALSE(server.embedding(R"({"model":"echo","input":"a"})"));
}

TEST_CASE("model_list_handler lists the models that the caller may use, and nothing else") {
    testing::fake_agent agents{offer()};
    openai::model_list_handler const handler{agents};

    auto const all = handler(somebody());
    auto const some = handler(somebody({"echo"}));
    auto const none = handler(somebody({"other"}));

    REQUIRE(all);
    auto const body = json::parse(all->text());
    REQUIRE(body);
    CHECK(body->at("data").as_array().size() == 5);
    REQUIRE(some);
    CHECK(some->text() ==
          R"({"object":"list","data":[{"id":"echo:latest","object":"model","created":1700000000,)"
          R"("owned_by":"library"}]})");
    REQUIRE(none);
    CHECK(none->text() == R"({"object":"list","data":[]})");
}

TEST_CASE("model_handler finds a model by a name that is encoded or not") {
    gateway server;
    for (auto const* target :
         {"/v1/models/echo:latest", "/v1/models/echo", "/v1/models/echo%3Alatest",
          "/v1/models/echo%3alatest?beta=true", "/v1//models/echo"}) {
        CAPTURE(target);
        auto const answer = server.model(target);
        REQUIRE(answer);
        CHECK(answer->text() ==
              R"({"id":"echo:latest","object":"model","created":1700000000,"owned_by":"library"})");
    }
    CHECK(server.model("/v1/models/org/sight:7b"));
    CHECK(server.model("/v1/models/org%2Fsight%3A7b"));
}

TEST_CASE("model_handler does not find what is unknown, hidden or malformed") {
    gateway server;
    for (auto const* target : {"/v1/models/gpt-5", "/v1/models/", "/v1/models/echo%",
                               "/v1/models/echo%3", "/v1/models/%zz"}) {
        CAPTURE(target);
        auto const answer = server.model(target);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().code() == rejection_code::not_found);
        CHECK(answer.error().reason() == "model_not_found");
    }
    CHECK_FALSE(server.model("/v1/models/plain", somebody({"echo"})));
}

TEST_CASE("a model that cannot be told how to choose its words answers, and says what it ignored") {
    gateway server;
    std::string const particular =
        R"({"model":"agent","messages":[{"role":"user","content":"x"}],"temperature":1,"max_tokens":5)";

    auto const whole = server.chat(particular + "}");
    auto const streamed = server.chat(particular + R"(,"stream":true})");

    REQUIRE(whole);
    CHECK(whole->fields().get("X-Ignored-Parameters") == "max_tokens, temperature");
    REQUIRE(streamed);
    CHECK(streamed->fields().get("X-Ignored-Parameters") == "max_tokens, temperature");
}

TEST_CASE("a model that cannot be told to answer in JSON refuses to be asked for it") {
    gateway server;
    auto const answer = server.chat(
        R"({"model":"agent","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}})");

    REQUIRE(!answer);
    CHECK(answer.error().code() == rejection_code::bad_request);
    CHECK(answer.error().where() == "/response_format");
}

TEST_CASE("the agent learns who asks") {
    gateway server;
    REQUIRE(server.chat(R"({"model":"echo","messages":[{"role":"user","content":"x"}]})"));
    CHECK(server.asked_caller == somebody().id());
}
