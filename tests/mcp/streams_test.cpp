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
        server.add(mcp::tool{"parts", "Comes in parts"},
                   [](mcp::call& asked) -> asio::awaitable<std::string> {
                       for (int i = 1; i <= 3; ++i)
                           asked.log(mcp::log_level::info, std::to_string(i));
                       asked.hang_up();
                       co_await asking::pause(std::chrono::milliseconds{1});
                       co_return "whole";
                   });
        server.add(mcp::tool{"plain", "Changes"}, [](mcp::call&) { return "1"; });
        server.add(mcp::prompt{"one", "A prompt"}, [](mcp::call&) { return "1"; });
        server.add(mcp::resource{"test://one", "One"}, [](mcp::call& asked) {
            return mcp::resource_contents::text(asked.name(), "text/plain", "1");
        });
    }
    void change_tools() {
        server.add(mcp::tool{"plain", "Changes"}, [](mcp::call&) { return "2"; });
    }

    mcp::server server;
    mcp::streamable_http endpoint;
};

} // namespace

TEST_CASE("streams: a standing stream tells a session of changes, one at a time") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        answer standing = co_await user.send("GET");
        REQUIRE(standing.streams());
        answer const second = co_await user.send("GET");
        CHECK(second.status() == 409);
        on.change_tools();
        co_await standing.read(1);
        CHECK(standing.messages.back() ==
              R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
        CHECK(on.server.remove_prompt("one"));
        CHECK(!on.server.remove_prompt("one"));
        co_await standing.read(2);
        CHECK(standing.at("/method") == "notifications/prompts/list_changed");

        on.server.resource_changed("test://one"); // nobody has subscribed yet
        answer const subscribed =
            co_await user.call("resources/subscribe", R"({"uri":"test://one"})");
        CHECK(subscribed.at("/result") == "{}");
        on.server.resource_changed("test://one");
        on.server.resource_changed("test://other");
        co_await standing.read(3);
        CHECK(
            standing.messages.back() ==
            R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"test://one"}})");
        (void)co_await user.call("resources/unsubscribe", R"({"uri":"test://one"})");
        on.server.resource_changed("test://one");
        CHECK(!standing.response->stream()->ready());

        on.server.stop();
        co_await standing.read();
        CHECK(standing.ended);
        standing.response.reset();
        answer const after = co_await user.send("GET");
        CHECK(after.streams());
    }(here));
}

TEST_CASE("streams: what a client has missed comes again when it resumes") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        answer called = co_await user.call("tools/call", R"({"name":"parts"})");
        CHECK(called.raw.starts_with("id: 1_0\nretry: 1000\ndata: \n\n"));
        CHECK(called.messages.size() == 3); // the stream ended before the answer
        CHECK(called.last_id == "1_3");

        client back = user;
        back.with("Last-Event-ID", "1_1");
        answer resumed = co_await back.send("GET");
        REQUIRE(resumed.streams());
        co_await resumed.read();
        CHECK(resumed.messages.size() == 3);
        CHECK(resumed.at("/result/content/0/text") == "whole");
        CHECK(resumed.last_id == "1_4");

        for (std::string const bad :
             {"", "1", "x_1", "1_", "1_x", "9_1", "1_99999999999999999999999"}) {
            back.with("Last-Event-ID", bad);
            answer const got = co_await back.send("GET");
            CHECK_MESSAGE(got.status() == 400, bad);
        }
        back.without("Last-Event-ID").with("Accept", "application/json");
        answer const got = co_await back.send("GET");
        CHECK(got.status() == 406);
    }(here));
}

TEST_CASE("streams: a resumed stream takes the place of the one that was lost") {
    fixture here;
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize();
        answer lost = co_await user.send("GET");
        on.change_tools();
        co_await lost.read(1);
        CHECK(lost.last_id == "0_1");
        client back = user;
        back.with("Last-Event-ID", "0_0");
        answer resumed = co_await back.send("GET");
        co_await resumed.read(1);
        CHECK(resumed.messages.size() == 1);
        co_await lost.read();
        CHECK(lost.ended);
        CHECK(lost.messages.size() == 1);
    }(here));
}

TEST_CASE("streams: before 2025-11-25 no event is empty, and 2024-11-05 gets no newer content") {
    fixture here;
    here.server.add(mcp::tool{"link", "Links"},
                    [](mcp::call&) { return mcp::content::link("test://one", "One"); });
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        co_await user.initialize("{}", "2024-11-05");
        answer const called = co_await user.call("tools/call", R"({"name":"parts"})");
        CHECK(called.messages.size() == 4);
        CHECK(called.raw.starts_with("id: 1_1\ndata: {"));
        answer const link = co_await user.call("tools/call", R"({"name":"link"})");
        CHECK(link.at("/result/content") == R"([{"type":"text","text":"test://one"}])");
    }(here));
}

TEST_CASE("streams: a modern listener hears what it asked for, until the end") {
    mcp::server_limits limits;
    limits.max_streams = 1;
    limits.max_subscriptions = 1;
    fixture here{limits};
    testing::run([](fixture& on) -> asio::awaitable<void> {
        client user{on.endpoint};
        std::string const params =
            R"({"notifications":{"toolsListChanged":true,"promptsListChanged":false,"resourceSubscriptions":["test://one"]}})";
        user.name("subscriptions/listen", params);
        answer listening =
            co_await user.post(client::modern("subscriptions/listen", params, "{}", "", 7));
        REQUIRE(listening.streams());
        co_await listening.read(1);
        CHECK(
            listening.messages.back() ==
            R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["test://one"]},"_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
        answer const full = co_await user.post(client::modern("subscriptions/listen", params));
        CHECK(full.code() == -32000);
        (void)on.server.remove_prompt("one");
        on.change_tools();
        on.server.resource_changed("test://one");
        co_await listening.read(3);
        CHECK(
            listening.messages[1] ==
            R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
        CHECK(listening.at("/params/uri") == "test://one");
        on.server.stop();
        co_await listening.read();
        CHECK(
            listening.messages.back() ==
            R"({"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":7}}})");
        CHECK(listening.ended);
        listening.response.reset();

        for (std::string const bad :
             {R"({})", R"({"notifications":5})", R"({"notifications":{"resourceSubscriptions":5}})",
              R"({"notifications":{"resourceSubscriptions":[5]}})",
              R"({"notifications":{"resourceSubscriptions":["a","b"]}})"}) {
            answer const refused = co_await user.post(client::modern("subscriptions/listen", bad));
            CHECK_MESSAGE(refused.code() == -32602, bad);
        }
        answer const again = co_await user.post(client::modern("subscriptions/listen", params));
        CHECK(again.streams());
    }(here));
}
