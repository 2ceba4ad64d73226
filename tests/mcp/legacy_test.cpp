#include "asking.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using asking::answer;
using asking::client;

namespace {

class fixture {
public:
    explicit fixture(mcp::server_limits limits = {})
        : server{"test", "1.0", limits}, endpoint{server} {
        server.add(
            mcp::tool{
                "echo", "Says it again",
                R"({"type":"object","properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false})"},
            [](mcp::call& asked) { return std::string{asked.text("text")}; });
        server.add(mcp::tool{"throws", "Throws"}, [](mcp::call&) -> std::string {
            throw std::runtime_error{"a secret of the inside"};
        });
        server.add(mcp::tool{"refuses", "Refuses"}, [](mcp::call&) -> result<mcp::tool_result> {
            return rejection{rejection_code::conflict, "not now"};
        });
        server.add(mcp::tool{"asks", "Asks the user"},
                   [](mcp::call& asked) -> asio::awaitable<result<mcp::tool_result>> {
                       mcp::question one =
                           mcp::question::form("k", "Your name?", R"({"type":"object"})");
                       auto const got = co_await asked.ask(std::move(one));
                       if (!got) co_return got.error();
                       co_return mcp::tool_result{json::to_text(*got)};
                   });
        server.add(mcp::tool{"waits", "Waits until it is cancelled"},
                   [](mcp::call& asked) -> asio::awaitable<std::string> {
                       asked.progress(1, 2.0, "half");
                       co_await asking::pause(std::chrono::seconds{60});
                       co_return "awake";
                   });
        server.add(mcp::resource{"test://one", "One"}, [](mcp::call& asked) {
            return mcp::resource_contents::text(asked.name(), "text/plain", "1");
        });
        server.add(mcp::resource{"test://of/{id}", "Of"}, [](mcp::call& asked) {
            return mcp::resource_contents::text(asked.name(), "text/plain", asked.variable("id"));
        });
        server.add(mcp::prompt{"greet", "Greets"}.taking("whom", "Whom"),
                   [](mcp::call& asked) { return "Greet " + std::string{asked.text("whom")}; });
    }

    mcp::server server;
    mcp::streamable_http endpoint;
};

constexpr std::string_view call_echo = R"({"name":"echo","arguments":{"text":"hi"}})";

} // namespace

TEST_CASE("legacy: a session is opened, used, and gone after DELETE") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        CHECK(on.server.sessions() == 1);
        answer const accepted = co_await user.tell("notifications/initialized");
        CHECK(accepted.status() == 202);
        CHECK(accepted.response->text().empty());
        answer const called = co_await user.call("tools/call", std::string{call_echo});
        CHECK(called.at("/result/content/0/text") == "hi");
        CHECK(called.at("/result/resultType").empty());
        CHECK(called.response->content_type() == "application/json");
        answer const pinged = co_await user.call("ping");
        CHECK(pinged.response->text() == R"({"jsonrpc":"2.0","id":1,"result":{}})");
        answer const ended = co_await user.send("DELETE");
        CHECK(ended.status() == 204);
        answer const after = co_await user.call("ping");
        CHECK(after.status() == 404);
        CHECK(after.code() == -32001);
        answer const again = co_await user.send("DELETE");
        CHECK(again.status() == 404);
    }(here));
    CHECK(here.server.sessions() == 0);
}

TEST_CASE("legacy: each older revision is spoken, a newer one is answered with 2025-11-25") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        for (std::string const version : {"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"}) {
            client user{on.endpoint};
            co_await user.initialize("{}", version);
        }
        for (std::string const version : {"2026-07-28", "1.0", "2099-01-01"}) {
            client user{on.endpoint};
            answer const got = co_await user.call(
                "initialize",
                R"({"protocolVersion":")" + version +
                    R"(","capabilities":{},"clientInfo":{"name":"t","version":"1"}})");
            CHECK(got.at("/result/protocolVersion") == "2025-11-25");
        }
        client user{on.endpoint};
        answer const bad = co_await user.call("initialize", R"({"capabilities":{}})");
        CHECK(bad.status() == 400);
        CHECK(bad.code() == -32602);
    }(here));
}

TEST_CASE("legacy: what is no MCP over HTTP is refused with the status that says why") {
    mcp::server_limits limits;
    limits.max_message_bytes = 200;
    limits.max_depth = 4;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        std::string const ping = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
        auto const refused =
            [&on](std::string name, std::string value,
                  std::string body) -> asio::awaitable<std::pair<int, std::int64_t>> {
            client user{on.endpoint};
            user.with(std::move(name), std::move(value));
            answer const got = co_await user.post(std::move(body));
            co_return std::pair{int{got.status()}, got.code()};
        };
        using pair = std::pair<int, std::int64_t>;
        auto const check = [&](std::string name, std::string value, std::string body,
                               pair wanted) -> asio::awaitable<void> {
            pair const got = co_await refused(name, value, body);
            CHECK_MESSAGE(got == wanted, name << ' ' << value << ' ' << body);
        };
        co_await check("Content-Type", "text/plain", ping, pair{415, -32000});
        co_await check("Accept", "application/json", ping, pair{406, -32000});
        co_await check("Accept", "text/event-stream", ping, pair{406, -32000});
        co_await check("X", "", "{", pair{400, -32700});
        co_await check("X", "", "", pair{400, -32700});
        co_await check("X", "", "[[[[1]]]]",
                       pair{400, -32600}); // as deep as may be, and no message
        co_await check("X", "", "[[[[[1]]]]]", pair{400, -32700});
        co_await check("X", "", "[" + ping + "]", pair{400, -32600});
        co_await check("X", "", "[]", pair{400, -32600});
        co_await check("X", "", R"({"jsonrpc":"1.0","id":1,"method":"ping"})", pair{400, -32600});
        co_await check("X", "", R"({"jsonrpc":"2.0","id":null,"method":"ping"})",
                       pair{400, -32600});
        co_await check("X", "", ping, pair{400, -32000}); // no session
        co_await check("X", "", ping + std::string(200 - ping.size(), ' '), pair{400, -32000});
        co_await check("X", "", ping + std::string(201 - ping.size(), ' '), pair{413, -32000});
        co_await check("Mcp-Session-Id", "made-up", ping, pair{404, -32001});
        co_await check("MCP-Protocol-Version", "1999-01-01", ping, pair{400, -32000});
        client user{on.endpoint};
        answer const other = co_await user.send("PUT");
        CHECK(other.status() == 405);
        CHECK(other.response->fields().get("Allow") == "POST, GET, DELETE");
    }(here));
}

TEST_CASE("legacy: a session belongs to who opened it") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client owner{on.endpoint, "key_1"};
        co_await owner.initialize();
        client thief = owner;
        thief.as("key_2");
        client other{on.endpoint, "key_2"};
        answer const opened = co_await owner.call("ping");
        CHECK(opened.status() == 200);
        answer const again =
            co_await owner.call("initialize", R"({"protocolVersion":"2025-11-25"})");
        CHECK(again.status() == 400);
        CHECK(again.code() == -32600);
        answer const stolen = co_await thief.call("ping");
        CHECK(stolen.status() == 404);
        answer const ended = co_await thief.send("DELETE");
        CHECK(ended.status() == 404);
        answer const listened = co_await thief.send("GET");
        CHECK(listened.status() == 404);
        co_await other.initialize();
        CHECK(on.server.sessions() == 2);
    }(here));
}

TEST_CASE("legacy: requests for what is not there name the mistake") {
    fixture here;
    std::string reported;
    here.server.report_faults_to([&reported](std::string_view where, std::string const& what) {
        reported = std::string{where} + ": " + what;
    });
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        answer got = co_await user.call("tools/none");
        CHECK(got.status() == 200);
        CHECK(got.code() == -32601);
        got = co_await user.call("server/discover");
        CHECK(got.code() == -32601);
        got = co_await user.call("tools/call", R"({"name":"none"})");
        CHECK(got.code() == -32602);
        got = co_await user.call("tools/call", R"({"name":5})");
        CHECK(got.code() == -32602);
        got = co_await user.call("tools/call", R"({"name":"echo","arguments":[]})");
        CHECK(got.code() == -32602);
        got = co_await user.call("tools/call", R"({"name":"echo","arguments":{"text":5}})");
        CHECK(got.at("/result/isError") == "true");
        CHECK(got.at("/result/content/0/text") ==
              "Invalid arguments: /text must be of type string");
        got = co_await user.call("tools/call", R"({"name":"refuses"})");
        CHECK(got.at("/result/isError") == "true");
        CHECK(got.at("/result/content/0/text") == "not now");
        got = co_await user.call("tools/call", R"({"name":"throws"})");
        CHECK(got.code() == -32603);
        CHECK(got.response->text().find("secret") == std::string::npos);
        got = co_await user.call("resources/read", R"({"uri":"test://none"})");
        CHECK(got.code() == -32602);
        CHECK(got.at("/error/data/uri") == "test://none");
        got = co_await user.call("resources/read", R"({"uri":"test://of/a%20b"})");
        CHECK(got.at("/result/contents/0/text") == "a b");
        got = co_await user.call("prompts/get", R"({"name":"greet"})");
        CHECK(got.code() == -32602);
        got = co_await user.call("prompts/get", R"({"name":"greet","arguments":{"whom":"Ada"}})");
        CHECK(got.at("/result/messages/0/content/text") == "Greet Ada");
        got = co_await user.call("prompts/list", R"({"cursor":"made up"})");
        CHECK(got.code() == -32602);
        got = co_await user.call("logging/setLevel", R"({"level":"loud"})");
        CHECK(got.code() == -32602);
    }(here));
    CHECK(reported == "throws: a secret of the inside");
}

TEST_CASE("legacy: lists come in pages") {
    mcp::server_limits limits;
    limits.page_size = 2;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        std::string names;
        std::string params = "{}";
        for (int page = 0; page != 3; ++page) {
            answer const got = co_await user.call("tools/list", params);
            auto const message = got.message();
            for (auto const& one : message.at("result").at("tools").as_array())
                names += json::to_text(one.at("name"));
            std::string const cursor = got.at("/result/nextCursor");
            CHECK(cursor.empty() == (page == 2));
            params = R"({"cursor":")" + cursor + "\"}";
        }
        CHECK(names == R"("echo""throws""refuses""asks""waits")");
    }(here));
}

TEST_CASE("legacy: a question goes out on the call's stream, and the first answer counts") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize(R"({"elicitation":{}})");
        std::string body;
        rpc::append_request(body, rpc::id{"q"}, "tools/call", R"({"name":"asks"})");
        answer asked = co_await user.post(std::move(body));
        REQUIRE(asked.streams());
        co_await asked.read(1);
        CHECK(asked.at("/method") == "elicitation/create");
        std::string const id = asked.at("/id");
        auto const reply = [&](std::string number, std::string result) {
            return user.post(R"({"jsonrpc":"2.0","id":)" + number + R"(,"result":)" + result + "}");
        };
        answer const unknown = co_await reply("999", R"({"action":"cancel"})");
        CHECK(unknown.status() == 202);
        answer const first = co_await reply(id, R"({"action":"accept","content":{"name":"Ada"}})");
        CHECK(first.status() == 202);
        answer const second = co_await reply(id, R"({"action":"decline"})");
        CHECK(second.status() == 202);
        co_await asked.read();
        CHECK(asked.at("/id") == "q");
        CHECK(asked.at("/result/content/0/text") ==
              R"({"action":"accept","content":{"name":"Ada"}})");
        answer const late = co_await reply(id, R"({"action":"decline"})");
        CHECK(late.status() == 202);
    }(here));
}

TEST_CASE("legacy: a client without the capability is not asked, and an answer of the wrong shape "
          "fails the tool") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        answer const refused = co_await user.call("tools/call", R"({"name":"asks"})");
        CHECK(refused.at("/result/isError") == "true");
        co_await user.without("Mcp-Session-Id")
            .without("MCP-Protocol-Version")
            .initialize(R"({"elicitation":{"form":{}}})");
        for (std::string const reply :
             {R"("result":{"action":"maybe"}})", R"("error":{"code":-1,"message":"no"}})"}) {
            std::string body;
            rpc::append_request(body, rpc::id{1}, "tools/call", R"({"name":"asks"})");
            answer asked = co_await user.post(std::move(body));
            co_await asked.read(1);
            answer const sent =
                co_await user.post(R"({"jsonrpc":"2.0","id":)" + asked.at("/id") + "," + reply);
            CHECK(sent.status() == 202);
            co_await asked.read();
            CHECK(asked.at("/result/isError") == "true");
        }
    }(here));
}

TEST_CASE("legacy: a cancelled call ends without an answer, and leaving is not cancelling") {
    mcp::server_limits limits;
    limits.max_calls_per_session = 2;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        std::string const body =
            R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"waits","_meta":{"progressToken":"t"}}})";
        answer waiting = co_await user.post(body);
        REQUIRE(waiting.streams());
        co_await waiting.read(1);
        CHECK(
            waiting.messages.front() ==
            R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"t","progress":1,"total":2,"message":"half"}})");
        answer const twice = co_await user.post(body);
        CHECK(twice.status() == 400);
        CHECK(twice.code() == -32600);
        std::string second = body;
        second.replace(second.find(":5"), 2, ":6");
        answer left = co_await user.post(second);
        left.response.reset(); // the client goes, and the call stays
        CHECK(on.server.waiting_calls() == 2);
        std::string third = body;
        third.replace(third.find(":5"), 2, ":7");
        answer const full = co_await user.post(third);
        CHECK(full.status() == 429);
        for (std::string const number : {"5", "6", "99"}) {
            answer const told =
                co_await user.tell("notifications/cancelled", R"({"requestId":)" + number + "}");
            CHECK(told.status() == 202);
        }
        co_await waiting.read();
        CHECK(waiting.ended);
        CHECK(waiting.messages.size() == 1);
        co_await asking::pause(std::chrono::milliseconds{1});
        CHECK(on.server.waiting_calls() == 0);
    }(here));
}

TEST_CASE(
    "legacy: one session more than allowed takes the place of the caller's oldest, or is refused") {
    mcp::server_limits limits;
    limits.max_sessions = 2;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client first{on.endpoint, "a"};
        client second{on.endpoint, "a"};
        client third{on.endpoint, "a"};
        co_await first.initialize();
        co_await second.initialize();
        co_await third.initialize();
        answer const gone = co_await first.call("ping");
        CHECK(gone.status() == 404);
        client stranger{on.endpoint, "b"};
        answer const refused = co_await stranger.call(
            "initialize",
            R"({"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}})");
        CHECK(refused.status() == 503);
    }(here));
}
