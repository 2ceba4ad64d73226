#include "agents/collected.hpp"
#include "agents/openai_upstream.hpp"
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

TEST_CASE("openai_upstream sends the key, the model and what was asked") {
    setting at{stream_head + chunk(finish() + done) + "0\r\n\r\n"};
    agent::conversation chat = saying("say \"hi\"", "m");
    chat.messages.emplace(chat.messages.begin(), agent::role::system, "be kind");
    chat.sampling.temperature = 0.5;
    chat.max_tokens = 10;
    chat.stop = {"a", "b"};

    static_cast<void>(at.ask(chat));

    CHECK(at.request().starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(at.request().find("\r\nAuthorization: Bearer sk-gateway-secret\r\n") !=
          std::string::npos);
    CHECK(at.request().find("\r\nContent-Type: application/json\r\n") != std::string::npos);
    CHECK(
        at.body() ==
        R"({"model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"say \"hi\""}],)"
        R"("max_tokens":10,"temperature":0.5,"stop":["a","b"],"stream":true,"stream_options":{"include_usage":true}})");
}

TEST_CASE("openai_upstream turns the upstream's statuses into the caller's") {
    struct row {
        char const* status;
        char const* body;
        std::uint16_t becomes;
        char const* says;
    };
    for (row const& one : {
             row{"400 Bad Request", R"({"error":{"message":"no tools here"}})", 400,
                 "no tools here"},
             row{"422 Unprocessable", R"({"detail":"wrong"})", 400, "wrong"},
             row{"404 Not Found", R"({"error":{"message":"The model `m` does not exist"}})", 404,
                 "does not exist"},
             row{"404 Not Found", "404 page not found", 502, "AGENT_OPENAI_URL"},
             row{"401 Unauthorized",
                 R"({"error":{"message":"Incorrect API key: sk-gateway-secret"}})", 502,
                 "AGENT_OPENAI_KEY"},
             row{"403 Forbidden", R"({"error":{"message":"no"}})", 502, "AGENT_OPENAI_KEY"},
             row{"500 Internal Server Error",
                 R"({"error":{"message":"boom with sk-gateway-secret"}})", 502, "boom with ***"},
             row{"503 Service Unavailable", "", 502, "503"},
             row{"504 Gateway Timeout", "", 504, "time"},
             row{"302 Found", "", 502, "redirect"},
         }) {
        CAPTURE(one.status);
        setting at{json_answer(one.body, one.status)};
        collected const answer = at.ask();
        REQUIRE(answer.failed());
        CHECK(answer.why->status() == one.becomes);
        CHECK(answer.why->message().find(one.says) != std::string::npos);
        CHECK(answer.why->message().find("sk-gateway-secret") == std::string::npos);
        CHECK_FALSE(answer.opened);
    }
}

TEST_CASE("openai_upstream passes on when to come again") {
    setting at{json_answer(R"({"error":{"message":"slow down"}})", "429 Too Many Requests",
                           "Retry-After: 17\r\n")};
    collected const answer = at.ask();
    REQUIRE(answer.failed());
    CHECK(answer.why->status() == 429);
    CHECK(answer.why->retry_after() == 17s);
}

TEST_CASE("openai_upstream says how to help itself where nobody listens") {
    asio::io_context context{1};
    openai_settings settings;
    {
        net::tcp::acceptor unused{context, net::tcp::endpoint{asio::ip::address_v4::loopback(), 0}};
        settings.url = "http://127.0.0.1:" + std::to_string(unused.local_endpoint().port()) + "/v1";
    }
    std::string const where = settings.url.substr(7, settings.url.size() - 10);
    openai_upstream agent{std::move(settings)};
    agent::conversation const chat = saying("x", "m");
    collected got;
    auto const asking = [&]() -> asio::awaitable<void> { got = co_await gather(agent, chat); };
    run_on(context, asking());
    REQUIRE(got.failed());
    CHECK(got.why->status() == 502);
    CHECK(got.why->message().find(where) != std::string::npos);
    CHECK(got.why->message().find("AGENT_OPENAI_URL") != std::string::npos);
}

TEST_CASE(
    "openai_upstream gives up on an upstream that begins no answer, or goes silent within one") {
    for (std::string const& begun : {std::string{}, stream_head + chunk(words("x"))}) {
        asio::io_context context{1};
        bool left = false;
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            co_await side.request();
            co_await side.say(begun);
            co_await side.client_leaves();
            left = true;
        };
        scripted_upstream upstream{context, play};
        openai_settings settings = settings_for(upstream);
        settings.request_time = settings.stream_time = 60ms;
        openai_upstream agent{std::move(settings)};
        agent::conversation const chat = saying("x", "m");
        collected got;
        auto const asking = [&]() -> asio::awaitable<void> { got = co_await gather(agent, chat); };
        run_on(context, asking());
        REQUIRE(got.failed());
        CHECK(got.why->status() == 504);
        CHECK(run_until(context, [&] { return left; }));
    }
}

TEST_CASE(
    "openai_upstream stops the upstream within 100 ms of the caller's leaving, streaming or not") {
    for (std::string const& begun :
         {std::string{}, stream_head + chunk(words("x")),
          std::string{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                      "100\r\n\r\n{"}}) {
        CAPTURE(begun);
        asio::io_context context{1};
        bool asked = false;
        bool left = false;
        scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
            co_await side.request();
            co_await side.say(begun);
            asked = true;
            co_await side.client_leaves();
            left = true;
        };
        scripted_upstream upstream{context, play};
        openai_upstream agent{settings_for(upstream)};
        agent::conversation const chat = saying("x", "m");
        asio::cancellation_signal cancel;
        collected got;
        bool ended = false;
        auto const asking = [&]() -> asio::awaitable<void> { got = co_await gather(agent, chat); };
        asio::co_spawn(
            context, asking(),
            asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
        CHECK(run_until(context, [&] { return asked; }));
        context.poll();

        auto const begin = std::chrono::steady_clock::now();
        cancel.emit(asio::cancellation_type::terminal);
        CHECK(run_until(context, [&] { return left && ended; }));

        CHECK(std::chrono::steady_clock::now() - begin < 100ms);
        REQUIRE(got.failed());
        CHECK(got.why->code() == rejection_code::client_closed);
    }
}

TEST_CASE("openai_upstream stops the upstream when its stream is destroyed") {
    asio::io_context context{1};
    bool left = false;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        co_await side.say(stream_head + chunk(words("x")));
        co_await side.client_leaves();
        left = true;
    };
    scripted_upstream upstream{context, play};
    openai_upstream agent{settings_for(upstream)};
    agent::conversation const chat = saying("x", "m");
    audited const proof = testing::audited_access::make();
    auto const asking = [&]() -> asio::awaitable<void> {
        auto stream = co_await agent.generate(chat, proof);
        REQUIRE(stream);
    };
    run_on(context, asking());
    CHECK(run_until(context, [&] { return left; }));
}

TEST_CASE(
    "openai_upstream reads embeddings as numbers and in base64, in the order of their indexes") {
    setting at{json_answer(
        R"({"data":[{"index":1,"embedding":[0.5,-1]},{"index":0,"embedding":"AACAPwAAAEA="}],"usage":{"prompt_tokens":4}})")};
    agent::embedding_request ask;
    ask.model = "text-embed";
    ask.inputs = {"one", "two"};
    ask.dimensions = 2;

    auto const answer = at.embed(ask);

    REQUIRE(answer);
    CHECK(at.request().starts_with("POST /v1/embeddings "));
    CHECK(
        at.body() ==
        R"({"model":"text-embed","input":["one","two"],"encoding_format":"float","dimensions":2})");
    CHECK(answer->vectors == std::vector<std::vector<float>>{{1.0F, 2.0F}, {0.5F, -1.0F}});
    CHECK(answer->prompt_tokens == 4);
}

TEST_CASE("openai_upstream refuses embeddings that are not one for each text") {
    agent::embedding_request ask;
    ask.model = "text-embed";
    ask.inputs = {"one"};
    for (char const* const body :
         {"{}", R"({"data":[]})", R"({"data":[{"index":1,"embedding":[1]}]})",
          R"({"data":[{"embedding":["x"]}]})", R"({"data":[{"embedding":"!"}]})",
          R"({"data":[{"embedding":[1]},{"embedding":[1]}]})"}) {
        CAPTURE(body);
        setting at{json_answer(body)};
        auto const answer = at.embed(ask);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().status() == 502);
    }
    setting at{json_answer(R"({"error":{"message":"too long"}})", "400 Bad Request")};
    CHECK(at.embed(ask).error().status() == 400);
}

TEST_CASE("openai_upstream lists the upstream's models and its aliases, and keeps the list through "
          "failures") {
    asio::io_context context{1};
    int asked = 0;
    std::string seen;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            seen = request;
            if (++asked == 2)
                co_await side.say(json_answer("{}", "500 Internal Server Error"));
            else
                co_await side.say(json_answer(
                    R"({"data":[{"id":"big","created":5,"owned_by":"me","max_model_len":4096},{"id":"nomic-embed"}]})"));
        }
    };
    scripted_upstream upstream{context, play};
    openai_settings settings = settings_for(upstream);
    settings.aliases.emplace_back("local", "big");
    settings.refresh_time = 5ms;
    openai_upstream agent{std::move(settings)};
    CHECK(agent.models()->size() == 1); // the alias, before anything is known

    agent.start(context);
    CHECK(run_until(context, [&] { return asked >= 3; }));

    agent::model_list const models = agent.models();
    REQUIRE(models->size() == 3);
    CHECK((*models)[0].name == "local");
    CHECK((*models)[0].context_tokens == 4096);
    CHECK((*models)[1].name == "big");
    CHECK((*models)[1].has(agent::capability::completion));
    CHECK((*models)[1].has(agent::capability::effort));
    CHECK_FALSE((*models)[1].has(agent::capability::thinking));
    CHECK((*models)[2].name == "nomic-embed");
    CHECK((*models)[2].can == agent::capability::embedding);
    CHECK(seen.starts_with("GET /v1/models HTTP/1.1\r\n"));
    CHECK(seen.find("Content-Length") == std::string::npos);

    agent.stop();
    context.poll(); // what was asked before may still come in
    int const then = asked;
    context.run_for(50ms);
    CHECK(asked == then);
}

TEST_CASE("openai_upstream passes an alias on as the upstream's name, and refuses names that are "
          "not listed") {
    setting unknown{stream_head + chunk(finish() + done) + "0\r\n\r\n"};
    CHECK(unknown.ask().finished); // nothing is known yet: the upstream judges

    asio::io_context context{1};
    std::string body;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        std::string const request = co_await side.request();
        body = request.substr(request.find("\r\n\r\n") + 4);
        co_await side.say(stream_head + chunk(finish() + done) + "0\r\n\r\n");
    };
    scripted_upstream upstream{context, play};
    openai_settings settings = settings_for(upstream);
    settings.aliases.emplace_back("local", "big");
    settings.models = {"big"};
    openai_upstream agent{std::move(settings)};
    collected got;
    agent::conversation chat = saying("x", "local");
    auto const asking = [&]() -> asio::awaitable<void> { got = co_await gather(agent, chat); };
    run_on(context, asking());
    CHECK(got.finished);
    CHECK(body.starts_with(R"({"model":"big",)"));
    chat.model = "other";
    run_on(context, asking());
    REQUIRE(got.failed());
    CHECK(got.why->reason() == "model_not_found");
}

TEST_CASE("openai_upstream does not start with a URL or a key that cannot be") {
    openai_settings settings;
    settings.url = "localhost:8080";
    CHECK_THROWS_AS(openai_upstream{std::move(settings)}, std::runtime_error);
    settings = {};
    settings.url = "http://localhost:8080/v1";
    settings.key = secret{"a\r\nX: y"};
    CHECK_THROWS_AS(openai_upstream{std::move(settings)}, std::runtime_error);
}
