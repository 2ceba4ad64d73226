// A client of an endpoint without sockets: sends one message, and keeps what comes back.
#pragma once

#include "mcp_provider/http/event_stream.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace mcp_provider::asking {

/// What an endpoint answered: a response, and of a stream the events that were read.
class answer {
public:
    explicit answer(http::response got)
        : response{std::make_unique<http::response>(std::move(got))} {}

    [[nodiscard]] std::uint16_t status() const { return response->status(); }
    [[nodiscard]] bool streams() const { return response->stream() != nullptr; }

    /// The only message, or the last one that was read.
    [[nodiscard]] boost::json::value message() const {
        std::string_view const text =
            streams() ? (messages.empty() ? "" : std::string_view{messages.back()})
                      : std::string_view{response->text()};
        auto parsed = json::parse(text);
        REQUIRE_MESSAGE(parsed, text);
        return *std::move(parsed);
    }
    /// What stands at a JSON pointer of the message, as text; empty where nothing does.
    [[nodiscard]] std::string at(std::string_view pointer) const {
        auto const whole = message();
        boost::json::error_code missing;
        auto const* const found = whole.find_pointer({pointer.data(), pointer.size()}, missing);
        if (found == nullptr) return {};
        if (found->is_string())
            return std::string{found->get_string().data(), found->get_string().size()};
        return json::to_text(*found);
    }
    [[nodiscard]] std::int64_t code() const {
        std::string const text = at("/error/code");
        return text.empty() ? 0 : std::stoll(text);
    }

    /// Reads `most` messages of the stream, or all.
    asio::awaitable<void> read(std::size_t most = 1'000'000) {
        while (messages.size() < most && !ended) {
            std::string out;
            auto const step = co_await response->stream()->next(out);
            REQUIRE(step);
            ended = *step == http::stream_step::end;
            raw += out;
            std::string_view piece = out;
            for (;;) {
                auto const event = parser.next(piece);
                REQUIRE(event);
                if (!*event) break;
                last_id = (**event).id;
                if (!(**event).data.empty()) messages.emplace_back((**event).data);
            }
        }
    }

    std::unique_ptr<http::response> response;
    std::vector<std::string> messages;
    std::string raw;
    std::string last_id;
    bool ended = false;

private:
    http::event_stream_parser parser;
};

/// Sends requests with the fields that a client sends, unless told otherwise.
class client {
public:
    explicit client(mcp::streamable_http& to, std::string who = "user")
        : to_{to}, who_{std::move(who)} {
        with("Content-Type", "application/json");
        with("Accept", "application/json, text/event-stream");
    }

    client& with(std::string name, std::string value) {
        without(name);
        fields_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    client& as(std::string who) {
        who_ = std::move(who);
        return *this;
    }
    client& also(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    client& without(std::string_view name) {
        std::erase_if(fields_,
                      [&](auto const& one) { return http::equals_ignoring_case(one.first, name); });
        return *this;
    }

    asio::awaitable<answer> send(std::string method, std::string body = {}) {
        testing::fake_request asked{method, "/mcp"};
        for (auto const& [name, value] : fields_) asked.with(name, value);
        co_return answer{co_await to_.serve(asked, body, who_)};
    }
    asio::awaitable<answer> post(std::string body) { return send("POST", std::move(body)); }

    /// Sends a request of the legacy era, and reads its answer to the end.
    asio::awaitable<answer> call(std::string method, std::string params = "{}", int id = 1) {
        std::string body;
        rpc::append_request(body, rpc::id{id}, method, params);
        answer got = co_await post(std::move(body));
        if (got.streams()) co_await got.read();
        co_return std::move(got);
    }
    asio::awaitable<answer> tell(std::string method, std::string params = "{}") {
        std::string body;
        rpc::append_notification(body, method, params);
        return post(std::move(body));
    }
    /// Opens a session.
    asio::awaitable<void> initialize(std::string capabilities = "{}",
                                     std::string version = "2025-11-25") {
        answer const got = co_await call(
            "initialize", R"({"protocolVersion":")" + version + R"(","capabilities":)" +
                              capabilities + R"(,"clientInfo":{"name":"test","version":"1"}})");
        REQUIRE(got.status() == 200);
        CHECK(got.at("/result/protocolVersion") == version);
        with("Mcp-Session-Id", std::string{got.response->fields().get("Mcp-Session-Id")});
        with("MCP-Protocol-Version", version);
    }

    /// The body of a modern request; `params` is an object.
    [[nodiscard]] static std::string modern(std::string_view method, std::string_view params = "{}",
                                            std::string_view capabilities = "{}",
                                            std::string_view more_meta = "", int id = 1) {
        std::string out;
        std::string all{params.substr(0, params.size() - 1)};
        if (all.size() > 1) all += ',';
        all +=
            R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)";
        ((all += capabilities) += more_meta) += "}}";
        rpc::append_request(out, rpc::id{id}, method, all);
        return out;
    }
    /// Sends a modern request with its fields, and reads its answer to the end.
    asio::awaitable<answer> ask(std::string method, std::string params = "{}",
                                std::string capabilities = "{}", std::string more_meta = "") {
        name(method, params);
        answer got = co_await post(modern(method, params, capabilities, more_meta));
        if (got.streams()) co_await got.read();
        co_return std::move(got);
    }
    /// Sets the fields of a modern request.
    void name(std::string const& method, std::string const& params) {
        with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", method).without("Mcp-Name");
        auto const parsed = json::parse(params);
        REQUIRE(parsed);
        auto const* const named =
            parsed->as_object().if_contains(method == "resources/read" ? "uri" : "name");
        if (named != nullptr && named->is_string())
            with("Mcp-Name", std::string{named->get_string().data(), named->get_string().size()});
    }

private:
    mcp::streamable_http& to_;
    std::string who_;
    std::vector<std::pair<std::string, std::string>> fields_;
};

inline asio::awaitable<void> pause(std::chrono::milliseconds time) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace mcp_provider::asking
