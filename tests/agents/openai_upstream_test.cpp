#include "agents/openai_upstream.hpp"

#include "agents/collected.hpp"
#include "net/scripted_upstream.hpp"

#include "mcp_provider/json/parse.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

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

namespace {

std::string const stream_head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string chunk(std::string_view bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + std::string{bytes} + "\r\n";
}
std::string event(std::string_view data) { return "data: " + std::string{data} + "\n\n"; }
std::string words(std::string_view text) {
    return event(R"({"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":")" +
                 std::string{text} + R"("},"finish_reason":null}]})");
}
std::string finish(std::string_view reason = "stop") {
    return event(R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + std::string{reason} + R"("}]})");
}
std::string const usage = event(R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}})");
std::string const done = event("[DONE]");

std::string json_answer(std::string_view body, std::string_view status = "200 OK", std::string_view fields = "") {
    return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: application/json\r\n" + std::string{fields} +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string{body};
}

openai_settings settings_for(scripted_upstream const& upstream) {
    openai_settings settings;
    settings.url = upstream.url("/v1");
    settings.key = secret{"sk-gateway-secret"};
    settings.request_time = 2s;
    settings.stream_time = 2s;
    return settings;
}

/// An upstream that gives every request one answer, and an agent in front of it.
class setting {
public:
    explicit setting(std::string answer, bool slowly = false) : answer_{std::move(answer)}, slowly_{slowly} {}

    collected ask(agent::conversation const& what) {
        std::optional<collected> got;
        auto const asking = [&]() -> asio::awaitable<void> { got.emplace(co_await gather(agent_, what)); };
        run_on(context_, asking());
        return *std::move(got);
    }
    collected ask() { return ask(saying("hello", "m")); }
    result<agent::embeddings> embed(agent::embedding_request const& what) {
        audited const proof = testing::audited_access::make();
        std::optional<result<agent::embeddings>> got;
        auto const asking = [&]() -> asio::awaitable<void> { got.emplace(co_await agent_.embed(what, proof)); };
        run_on(context_, asking());
        return *std::move(got);
    }

    [[nodiscard]] std::string const& request() const noexcept { return request_; }
    [[nodiscard]] std::string body() const { return request_.substr(request_.find("\r\n\r\n") + 4); }
    [[nodiscard]] int connections() const noexcept { return upstream_.connections(); }

private:
    asio::awaitable<void> play(upstream_side& side) {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            request_ = request;
            if (slowly_) co_await side.say_slowly(answer_);
            else co_await side.say(answer_);
        }
    }

    std::string answer_;
    std::string request_;
    bool slowly_;
    asio::io_context context_{1};
    scripted_upstream upstream_{context_, [this](upstream_side& side) { return play(side); }};
    openai_upstream agent_{settings_for(upstream_)};
};

} // namespace

TEST_CASE("openai_upstream streams text, and tells why it ended and what was used") {
    for (bool const slowly : {false, true}) {
        setting at{stream_head + chunk(words("Hel") + words("lo \\u00fc\\n") + finish() + usage + done) + "0\r\n\r\n", slowly};

        collected const answer = at.ask();

        CHECK(answer.opened);
        CHECK(answer.pieces == std::vector<std::string>{"Hel", "lo \u00fc\n"});
        CHECK(answer.finished);
        CHECK(answer.reason == agent::finish_reason::stop);
        CHECK(answer.used.prompt_tokens == 7);
        CHECK(answer.used.completion_tokens == 2);
    }
}

TEST_CASE("openai_upstream sends the key, the model and what was asked") {
    setting at{stream_head + chunk(finish() + done) + "0\r\n\r\n"};
    agent::conversation chat = saying("say \"hi\"", "m");
    chat.messages.emplace(chat.messages.begin(), agent::role::system, "be kind");
    chat.sampling.temperature = 0.5;
    chat.max_tokens = 10;
    chat.stop = {"a", "b"};

    static_cast<void>(at.ask(chat));

    CHECK(at.request().starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(at.request().find("\r\nAuthorization: Bearer sk-gateway-secret\r\n") != std::string::npos);
    CHECK(at.request().find("\r\nContent-Type: application/json\r\n") != std::string::npos);
    CHECK(at.body() == R"({"model":"m","messages":[{"role":"system","content":"be kind"},{"role":"user","content":"say \"hi\""}],)"
                       R"("max_tokens":10,"temperature":0.5,"stop":["a","b"],"stream":true,"stream_options":{"include_usage":true}})");
}

TEST_CASE("openai_upstream uses its connection again after a stream, whenever the last chunk comes") {
    for (bool const slowly : {false, true}) {
        setting at{stream_head + chunk(words("x") + finish()) + chunk(done) + "0\r\n\r\n", slowly};
        for (int i = 0; i < 3; ++i) CHECK(at.ask().text == "x");
        if (!slowly) CHECK(at.connections() == 1);
    }
}

TEST_CASE("openai_upstream asks for and reads a whole answer where nobody streams") {
    setting at{json_answer(R"({"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"hm",)"
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

TEST_CASE("openai_upstream reads an answer in the form in which it comes, not in the one that was asked for") {
    setting whole{json_answer(R"({"choices":[{"message":{"content":"all"},"finish_reason":"stop"}]})")};
    CHECK(whole.ask().text == "all");

    setting streamed{stream_head + chunk(words("a") + words("b") + finish() + done) + "0\r\n\r\n"};
    agent::conversation chat = saying("hello", "m");
    chat.streamed = false;
    CHECK(streamed.ask(chat).text == "ab");
}

TEST_CASE("openai_upstream asks for completions of texts, with what follows the gap") {
    setting at{stream_head + chunk(event(R"({"object":"text_completion","choices":[{"text":"0;","index":0,"finish_reason":"length"}]})") + done) + "0\r\n\r\n"};
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
    setting at{stream_head +
               chunk(event(R"({"choices":[{"delta":{"reasoning":"a"}}]})") + event(R"({"choices":[{"delta":{"reasoning_content":"b"}}]})") +
                     event(R"({"choices":[{"delta":{"reasoning":"c","reasoning_content":"c","content":"d"}}]})") + finish() + done) +
               "0\r\n\r\n"};
    collected const answer = at.ask();
    CHECK(answer.reasoning == "abc");
    CHECK(answer.text == "d");
}

TEST_CASE("openai_upstream streams tool calls") {
    auto const call = [](std::string_view piece) {
        return event(R"({"choices":[{"delta":{"content":null,"tool_calls":[)" + std::string{piece} + "]}}]}");
    };
    setting at{stream_head +
               chunk(call(R"({"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}})") +
                     call(R"({"index":0,"function":{"arguments":"{\"a\":"}})") + call(R"({"index":0,"function":{"arguments":"1}"}})") +
                     call(R"({"index":1,"id":"c2","type":"function","function":{"name":"g","arguments":"{}"}})") + finish("tool_calls") + done) +
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
    setting at{stream_head +
               chunk(event(R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]})") + finish("stop") + done) +
               "0\r\n\r\n"};
    CHECK(at.ask().reason == agent::finish_reason::tool_calls);
}

TEST_CASE("openai_upstream needs no [DONE] after a reason to finish, nor a proper end") {
    CHECK(setting{stream_head + chunk(words("x") + finish()) + "0\r\n\r\n"}.ask().finished);
    std::string const until_close = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
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
             words("x"),                                                              // cut
             words("x") + event(R"({"error":{"message":"out of memory"}})"),          // OpenAI's error
             words("x") + event(R"({"error":"out of memory"})"),                      // Ollama's
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
        if (body.find("memory") != std::string::npos) CHECK(answer.why->message().find("out of memory") != std::string::npos);
    }
    setting whole{json_answer("{}")};
    CHECK(whole.ask().failed());
    setting text{"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>"};
    CHECK(text.ask().failed());
}

TEST_CASE("openai_upstream turns the upstream's statuses into the caller's") {
    struct row {
        char const* status;
        char const* body;
        std::uint16_t becomes;
        char const* says;
    };
    for (row const& one : {
             row{"400 Bad Request", R"({"error":{"message":"no tools here"}})", 400, "no tools here"},
             row{"422 Unprocessable", R"({"detail":"wrong"})", 400, "wrong"},
             row{"404 Not Found", R"({"error":{"message":"The model `m` does not exist"}})", 404, "does not exist"},
             row{"404 Not Found", "404 page not found", 502, "AGENT_OPENAI_URL"},
             row{"401 Unauthorized", R"({"error":{"message":"Incorrect API key: sk-gateway-secret"}})", 502, "AGENT_OPENAI_KEY"},
             row{"403 Forbidden", R"({"error":{"message":"no"}})", 502, "AGENT_OPENAI_KEY"},
             row{"500 Internal Server Error", R"({"error":{"message":"boom with sk-gateway-secret"}})", 502, "boom with ***"},
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
    setting at{json_answer(R"({"error":{"message":"slow down"}})", "429 Too Many Requests", "Retry-After: 17\r\n")};
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

TEST_CASE("openai_upstream gives up on an upstream that begins no answer, or goes silent within one") {
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

TEST_CASE("openai_upstream stops the upstream within 100 ms of the caller's leaving, streaming or not") {
    for (std::string const& begun : {std::string{}, stream_head + chunk(words("x")),
                                     std::string{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"}}) {
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
        asio::co_spawn(context, asking(), asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ended = true; }));
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

TEST_CASE("openai_upstream is ready exactly as long as a delta needs no waiting") {
    asio::io_context context{1};
    asio::steady_timer go{context, steady_time::max()};
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        co_await side.request();
        // A comment, an empty delta and half an event follow the second word: none of them makes a delta.
        co_await side.say(stream_head + chunk(words("a") + words("b") + ": keep-alive\n\n" + words("") + "data: {\"choi"));
        std::error_code ignored;
        co_await go.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        co_await side.say(chunk("ces\":[{\"delta\":{\"content\":\"c\\n\"}}]}\n\n" + words("d") + finish() + done) + "0\r\n\r\n");
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

TEST_CASE("openai_upstream reads embeddings as numbers and in base64, in the order of their indexes") {
    setting at{json_answer(R"({"data":[{"index":1,"embedding":[0.5,-1]},{"index":0,"embedding":"AACAPwAAAEA="}],"usage":{"prompt_tokens":4}})")};
    agent::embedding_request ask;
    ask.model = "text-embed";
    ask.inputs = {"one", "two"};
    ask.dimensions = 2;

    auto const answer = at.embed(ask);

    REQUIRE(answer);
    CHECK(at.request().starts_with("POST /v1/embeddings "));
    CHECK(at.body() == R"({"model":"text-embed","input":["one","two"],"encoding_format":"float","dimensions":2})");
    CHECK(answer->vectors == std::vector<std::vector<float>>{{1.0F, 2.0F}, {0.5F, -1.0F}});
    CHECK(answer->prompt_tokens == 4);
}

TEST_CASE("openai_upstream refuses embeddings that are not one for each text") {
    agent::embedding_request ask;
    ask.model = "text-embed";
    ask.inputs = {"one"};
    for (char const* const body : {"{}", R"({"data":[]})", R"({"data":[{"index":1,"embedding":[1]}]})", R"({"data":[{"embedding":["x"]}]})",
                                   R"({"data":[{"embedding":"!"}]})", R"({"data":[{"embedding":[1]},{"embedding":[1]}]})"}) {
        CAPTURE(body);
        setting at{json_answer(body)};
        auto const answer = at.embed(ask);
        REQUIRE_FALSE(answer);
        CHECK(answer.error().status() == 502);
    }
    setting at{json_answer(R"({"error":{"message":"too long"}})", "400 Bad Request")};
    CHECK(at.embed(ask).error().status() == 400);
}

TEST_CASE("openai_upstream lists the upstream's models and its aliases, and keeps the list through failures") {
    asio::io_context context{1};
    int asked = 0;
    std::string seen;
    scripted_upstream::script const play = [&](upstream_side& side) -> asio::awaitable<void> {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            seen = request;
            if (++asked == 2) co_await side.say(json_answer("{}", "500 Internal Server Error"));
            else co_await side.say(json_answer(R"({"data":[{"id":"big","created":5,"owned_by":"me","max_model_len":4096},{"id":"nomic-embed"}]})"));
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

TEST_CASE("openai_upstream passes an alias on as the upstream's name, and refuses names that are not listed") {
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
