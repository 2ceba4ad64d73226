#include "asking.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using asking::answer;
using asking::client;

namespace {

using reply = asio::awaitable<result<mcp::tool_result>>;

class fixture {
public:
    explicit fixture(mcp::server_limits limits = {})
        : server{"test", "1.0", limits}, endpoint{server} {
        server.add(mcp::tool{"echo", "Says it again"},
                   [](mcp::call& asked) { return json::to_text(asked.arguments()); });
        server.add(
            mcp::tool{
                "in-region", "Works in a region",
                R"({"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},
                                 "size":{"type":"object","properties":{"count":{"type":"integer","x-mcp-header":"Count"}}},
                                 "fast":{"type":"boolean","x-mcp-header":"Fast"}}})"},
            [](mcp::call& asked) { return json::to_text(asked.arguments()); });
        server.add(mcp::tool{"asks", "Asks twice"}, [](mcp::call& asked) -> reply {
            if (asked.kept().empty()) asked.keep("first");
            mcp::question one = mcp::question::form("name", "Name?", R"({"type":"object"})");
            auto const name = co_await asked.ask(std::move(one));
            if (!name) co_return name.error();
            mcp::question two = mcp::question::form("color", "Color?", R"({"type":"object"})");
            auto const color = co_await asked.ask(std::move(two));
            if (!color) co_return color.error();
            co_return mcp::tool_result{asked.kept() + json::to_text(*name) + json::to_text(*color)};
        });
        server.add(mcp::tool{"model", "Asks the model"}, [](mcp::call& asked) -> reply {
            mcp::question one = mcp::question::sampling("m", R"({"messages":[],"maxTokens":1})");
            auto const got = co_await asked.ask(std::move(one));
            if (!got) co_return got.error();
            co_return mcp::tool_result{"asked"};
        });
        server.add(mcp::tool{"waits", "Waits"},
                   [this](mcp::call& asked) -> asio::awaitable<std::string> {
                       asked.progress(1);
                       asked.log(mcp::log_level::info, "\"waiting\"");
                       try {
                           co_await asking::pause(std::chrono::seconds{60});
                       } catch (...) {
                           cancelled = true;
                           throw;
                       }
                       co_return "awake";
                   });
        server.add(mcp::resource{"test://one", "One"}, [](mcp::call& asked) {
            return mcp::resource_contents::text(asked.name(), "text/plain", "1");
        });
    }

    bool cancelled = false;
    mcp::server server;
    mcp::streamable_http endpoint;
};

} // namespace

TEST_CASE("modern: a server says what it is and offers, and caches nothing") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        answer got = co_await user.ask("server/discover");
        CHECK(got.status() == 200);
        CHECK(got.at("/result/supportedVersions") == R"(["2026-07-28"])");
        CHECK(got.at("/result/resultType") == "complete");
        CHECK(got.at("/result/ttlMs") == "0");
        CHECK(got.at("/result/cacheScope") == "private");
        CHECK(got.at("/result/_meta/io.modelcontextprotocol~1serverInfo/name") == "test");
        CHECK(!got.response->fields().has("Mcp-Session-Id"));
        got = co_await user.ask("tools/call", R"({"name":"echo","arguments":{"a":1}})");
        CHECK(got.at("/result/content/0/text") == R"({"a":1})");
        CHECK(got.at("/result/ttlMs").empty());
        got = co_await user.ask("resources/read", R"({"uri":"test://one"})");
        CHECK(got.at("/result/ttlMs") == "0");
        user.with("Mcp-Session-Id", "ignored");
        got = co_await user.ask("tools/list");
        CHECK(got.status() == 200);
        CHECK(on.server.sessions() == 0);
    }(here));
}

TEST_CASE("modern: an envelope that is not whole is refused with 400 and what it needs") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        for (
            std::string const params :
            {R"({})", R"({"_meta":{}})", R"({"_meta":5})",
             R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})",
             R"({"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}})",
             R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}})",
             R"({"_meta":{"io.modelcontextprotocol/protocolVersion":5,"io.modelcontextprotocol/clientCapabilities":{}}})"}) {
            client user{on.endpoint};
            user.with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", "tools/list");
            std::string body;
            rpc::append_request(body, rpc::id{"d1"}, "tools/list", params);
            answer const got = co_await user.post(body);
            CHECK_MESSAGE(got.status() == 400, params);
            CHECK_MESSAGE(got.code() == -32602, params);
            CHECK(got.at("/id") == "d1");
        }
    }(here));
}

TEST_CASE("modern: fields must say what the body says") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        auto const ask = [&on](client user,
                               std::string body) -> asio::awaitable<std::pair<int, std::int64_t>> {
            answer const got = co_await user.post(std::move(body));
            co_return std::pair{int{got.status()}, got.code()};
        };
        std::pair const mismatch{400, std::int64_t{-32020}};
        std::pair const fine{200, std::int64_t{0}};
        client plain{on.endpoint};
        plain.with("MCP-Protocol-Version", "2026-07-28").with("Mcp-Method", "tools/list");
        std::string const list = client::modern("tools/list");
        auto got = co_await ask(plain, list);
        CHECK(got == fine);
        got = co_await ask(client{plain}.without("MCP-Protocol-Version"), list);
        CHECK(got == mismatch);
        got = co_await ask(client{plain}.with("MCP-Protocol-Version", "2025-11-25"), list);
        CHECK(got == mismatch);
        got = co_await ask(client{plain}.without("Mcp-Method"), list);
        CHECK(got == mismatch);
        got = co_await ask(client{plain}.with("Mcp-Method", "TOOLS/LIST"), list);
        CHECK(got == mismatch);
        got = co_await ask(client{plain}.also("Mcp-Method", "tools/call"), list);
        CHECK(got == mismatch);
        got = co_await ask(client{plain}.with("mcp-method", " tools/list "), list);
        CHECK(got == fine);

        client caller{on.endpoint};
        caller.with("MCP-Protocol-Version", "2026-07-28")
            .with("Mcp-Method", "tools/call")
            .with("Mcp-Name", "echo");
        std::string const call = client::modern("tools/call", R"({"name":"echo"})");
        got = co_await ask(caller, call);
        CHECK(got == fine);
        got = co_await ask(client{caller}.without("Mcp-Name"), call);
        CHECK(got == mismatch);
        got = co_await ask(client{caller}.with("Mcp-Name", "other"), call);
        CHECK(got == mismatch);
        got = co_await ask(client{caller}.with("Mcp-Name", "=?base64?ZWNobw==?="), call);
        CHECK(got == fine);
        got = co_await ask(client{caller}.with("Mcp-Name", "=?base64?ZWNobw?="), call);
        CHECK(got == mismatch);
        got = co_await ask(client{caller}.with("Mcp-Name", "=?base64?/w==?="), call);
        CHECK(got == mismatch);

        client regional{on.endpoint};
        regional.with("MCP-Protocol-Version", "2026-07-28")
            .with("Mcp-Method", "tools/call")
            .with("Mcp-Name", "in-region");
        std::string const in_region = client::modern(
            "tools/call",
            R"({"name":"in-region","arguments":{"region":"eu ☃","size":{"count":42.0},"fast":true}})");
        regional.with("Mcp-Param-Region", "=?base64?ZXUg4piD?=")
            .with("Mcp-Param-Count", "42")
            .with("Mcp-Param-Fast", "true");
        got = co_await ask(regional, in_region);
        CHECK(got == fine);
        for (std::string const name : {"Region", "Count", "Fast"}) {
            got = co_await ask(client{regional}.without("Mcp-Param-" + name), in_region);
            CHECK_MESSAGE(got == mismatch, name);
            got = co_await ask(client{regional}.with("Mcp-Param-" + name, "43"), in_region);
            CHECK_MESSAGE(got == mismatch, name);
        }
        std::string const nowhere =
            client::modern("tools/call", R"({"name":"in-region","arguments":{"region":null}})");
        got = co_await ask(client{regional}.without("Mcp-Param-Region"), nowhere);
        CHECK(got == fine);
    }(here));
}

TEST_CASE("modern: an unknown version is answered with those that are known") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        user.with("MCP-Protocol-Version", "2099-01-01").with("Mcp-Method", "server/discover");
        std::string body = client::modern("server/discover");
        body.replace(body.find("2026-07-28"), 10, "2099-01-01");
        answer const got = co_await user.post(body);
        CHECK(got.status() == 400);
        CHECK(got.code() == -32022);
        CHECK(got.at("/error/data") == R"({"supported":["2026-07-28"],"requested":"2099-01-01"})");
    }(here));
}

TEST_CASE("modern: methods and verbs of the legacy era are not there") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        for (std::string const method :
             {"initialize", "ping", "logging/setLevel", "resources/subscribe", "unknown/method"}) {
            answer const got = co_await user.ask(method);
            CHECK_MESSAGE(got.status() == 404, method);
            CHECK_MESSAGE(got.code() == -32601, method);
        }
        for (std::string const verb : {"GET", "DELETE"}) {
            answer const got = co_await user.send(verb);
            CHECK_MESSAGE(got.status() == 405, verb);
        }
        client half{on.endpoint};
        half.with("MCP-Protocol-Version", "2026-07-28");
        answer got = co_await half.call("initialize", R"({"protocolVersion":"2025-11-25"})");
        CHECK(got.status() == 400);
        CHECK(got.code() == -32020);
        got = co_await user.post("[" + client::modern("tools/list") + "]");
        CHECK(got.status() == 400);
        CHECK(got.code() == -32600);
        got = co_await half.tell("notifications/anything");
        CHECK(got.status() == 202);
    }(here));
}

TEST_CASE("modern: a question is the result of a round, and its answer comes with the next") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        std::string const can = R"({"elicitation":{}})";
        answer got = co_await user.ask("tools/call", R"({"name":"asks"})", can);
        CHECK(got.at("/result/resultType") == "input_required");
        CHECK(got.at("/result/inputRequests/name/method") == "elicitation/create");
        CHECK(got.at("/result/inputRequests/color").empty());
        std::string const state = got.at("/result/requestState");
        auto const again = [&](std::string responses, std::string with_state,
                               std::string arguments = "{}") {
            return user.ask("tools/call",
                            R"({"name":"asks","arguments":)" + arguments + R"(,"inputResponses":)" +
                                responses + R"(,"requestState":")" + with_state + "\"}",
                            can);
        };
        std::string const ada =
            R"({"name":{"action":"accept","content":{"n":"Ada"}},"unknown":{}})";
        got = co_await again(ada, state);
        CHECK(got.at("/result/inputRequests/color/method") == "elicitation/create");
        std::string const second = got.at("/result/requestState");
        CHECK(second != state);
        got = co_await again(R"({"wrong":{"action":"accept"}})", second);
        CHECK(got.at("/result/resultType") == "input_required");
        got = co_await again(R"({"color":5})", second);
        CHECK(got.at("/result/resultType") == "input_required");
        got = co_await again(R"({"color":{"action":"decline"}})", second);
        CHECK(got.at("/result/content/0/text") ==
              R"(first{"action":"accept","content":{"n":"Ada"}}{"action":"decline"})");
        got = co_await again("[]", second);
        CHECK(got.code() == -32602);

        std::vector<std::string> forged{
            "", "x", "...", state + "x", state.substr(1), second + "-TAMPERED"};
        for (std::string const& bad : forged) {
            got = co_await again(ada, bad);
            CHECK_MESSAGE(got.code() == -32602, bad);
        }
        got = co_await again(ada, state, R"({"other":1})");
        CHECK(got.code() == -32602);
        user.as("somebody else");
        got = co_await again(ada, state);
        CHECK(got.code() == -32602);
    }(here));
}

TEST_CASE("modern: a state that has grown too large fails the call") {
    mcp::server_limits limits;
    limits.max_state_bytes = 400;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        auto const ask = [&user](std::size_t size) {
            return user.ask(
                "tools/call",
                R"({"name":"asks","inputResponses":{"name":{"action":"accept","content":{"n":")" +
                    std::string(size, 'x') + R"("}}}})",
                R"({"elicitation":{}})");
        };
        answer got = co_await ask(100);
        CHECK(got.at("/result/resultType") == "input_required");
        got = co_await ask(400);
        CHECK(got.code() == -32603);
    }(here));
}

TEST_CASE("modern: a client without the capability learns which one is missing") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        answer got =
            co_await user.ask("tools/call", R"({"name":"model"})", R"({"elicitation":{}})");
        CHECK(got.status() == 400);
        CHECK(got.code() == -32021);
        CHECK(got.at("/error/data") == R"({"requiredCapabilities":{"sampling":{}}})");
        got = co_await user.ask("tools/call", R"({"name":"model"})", R"({"sampling":{}})");
        CHECK(got.at("/result/inputRequests/m/method") == "sampling/createMessage");
    }(here));
}

TEST_CASE("modern: leaving is cancelling, before the stream and in it") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        user.name("tools/call", R"({"name":"waits"})");
        answer waiting = co_await user.post(
            client::modern("tools/call", R"({"name":"waits"})", "{}", R"(,"progressToken":2)"));
        REQUIRE(waiting.streams());
        CHECK(waiting.response->fields().get("X-Accel-Buffering") == "no");
        co_await waiting.read(1);
        CHECK(waiting.at("/params/progressToken") == "2");
        CHECK(waiting.raw.find("id:") == std::string::npos);
        waiting.response.reset();
        co_await asking::pause(std::chrono::milliseconds{1});
        CHECK(on.cancelled);
        CHECK(on.server.waiting_calls() == 0);
    }(here));
}

TEST_CASE("modern: log messages go to those who ask for them") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        user.name("tools/call", R"({"name":"waits"})");
        std::string const level = R"(,"io.modelcontextprotocol/logLevel":")";
        answer told = co_await user.post(
            client::modern("tools/call", R"({"name":"waits"})", "{}", level + "info\""));
        co_await told.read(1);
        CHECK(told.at("/method") == "notifications/message");
        answer silent = co_await user.post(
            client::modern("tools/call", R"({"name":"waits"})", "{}", level + "warning\""));
        CHECK(silent.streams());
        CHECK(!silent.response->stream()->ready());
    }(here));
}

TEST_CASE("modern: one call more than may wait is refused") {
    mcp::server_limits limits;
    limits.max_calls = 2;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        user.name("tools/call", R"({"name":"waits"})");
        std::string const body = client::modern("tools/call", R"({"name":"waits"})");
        answer const first = co_await user.post(body);
        answer const second = co_await user.post(body);
        CHECK(second.streams());
        answer const third = co_await user.post(body);
        CHECK(third.code() == -32000);
        answer const quick = co_await user.ask("tools/call", R"({"name":"echo"})");
        CHECK(quick.code() == 0);
    }(here));
}

TEST_CASE("modern: a call that takes too long is ended") {
    mcp::server_limits limits;
    limits.call_time = std::chrono::milliseconds{5};
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        answer const got = co_await user.ask("tools/call", R"({"name":"waits"})");
        CHECK(got.at("/result/isError") == "true");
        CHECK(got.at("/result/content/0/text") == "it took too long");
    }(here));
}
