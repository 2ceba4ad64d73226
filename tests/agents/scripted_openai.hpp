// An agent `openai` in front of an upstream that plays a script.
#pragma once

#include "agents/collected.hpp"
#include "agents/openai_upstream.hpp"
#include "net/scripted_upstream.hpp"

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server::agents {

inline std::string const stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

inline std::string chunk(std::string_view bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + std::string{bytes} + "\r\n";
}
inline std::string event(std::string_view data) { return "data: " + std::string{data} + "\n\n"; }
inline std::string words(std::string_view text) {
    return event(
        R"({"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":")" +
        std::string{text} + R"("},"finish_reason":null}]})");
}
inline std::string finish(std::string_view reason = "stop") {
    return event(R"({"choices":[{"index":0,"delta":{},"finish_reason":")" + std::string{reason} +
                 R"("}]})");
}
inline std::string const usage =
    event(R"({"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}})");
inline std::string const done = event("[DONE]");

inline std::string json_answer(std::string_view body, std::string_view status = "200 OK",
                               std::string_view fields = "") {
    return "HTTP/1.1 " + std::string{status} + "\r\nContent-Type: application/json\r\n" +
           std::string{fields} + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string{body};
}

inline openai_settings settings_for(testing::scripted_upstream const& upstream) {
    openai_settings settings;
    settings.url = upstream.url("/v1");
    settings.key = secret{"sk-gateway-secret"};
    settings.request_time = std::chrono::seconds{2};
    settings.stream_time = std::chrono::seconds{2};
    return settings;
}

/// An upstream that gives every request one answer, and an agent in front of it.
class setting {
public:
    explicit setting(std::string answer, bool slowly = false)
        : answer_{std::move(answer)}, slowly_{slowly} {}

    collected ask(agent::conversation const& what) {
        std::optional<collected> got;
        auto const asking = [&]() -> asio::awaitable<void> {
            got.emplace(co_await gather(agent_, what));
        };
        testing::run_on(context_, asking());
        return *std::move(got);
    }
    collected ask() { return ask(saying("hello", "m")); }
    result<agent::embeddings> embed(agent::embedding_request const& what) {
        audited const proof = testing::audited_access::make();
        std::optional<result<agent::embeddings>> got;
        auto const asking = [&]() -> asio::awaitable<void> {
            got.emplace(co_await agent_.embed(what, proof));
        };
        testing::run_on(context_, asking());
        return *std::move(got);
    }

    [[nodiscard]] std::string const& request() const noexcept { return request_; }
    [[nodiscard]] std::string body() const {
        return request_.substr(request_.find("\r\n\r\n") + 4);
    }
    [[nodiscard]] int connections() const noexcept { return upstream_.connections(); }

private:
    asio::awaitable<void> play(testing::upstream_side& side) {
        for (;;) {
            std::string const request = co_await side.request();
            if (request.empty()) co_return;
            request_ = request;
            if (slowly_)
                co_await side.say_slowly(answer_);
            else
                co_await side.say(answer_);
        }
    }

    std::string answer_;
    std::string request_;
    bool slowly_;
    asio::io_context context_{1};
    testing::scripted_upstream upstream_{
        context_, [this](testing::upstream_side& side) { return play(side); }};
    openai_upstream agent_{settings_for(upstream_)};
};

} // namespace mcp_provider::server::agents
