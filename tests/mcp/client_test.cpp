#include "mcp/client_setting.hpp"
#include "mcp_provider/mcp/client.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::accept_form;
using testing::object;
using testing::rest;
using testing::said;
using testing::scripted_server;
using testing::setting;
using testing::text_of;
using testing::tools;
namespace bj = boost::json;

TEST_CASE("a tool is called with its arguments, and in the modern era with all that a request says "
          "of itself") {
    setting legacy{false};
    legacy.server->answers = {{said("hello")}};
    CHECK(legacy.call("t", R"({"a":1})") == "hello");
    CHECK(
        legacy.server->requests[0] ==
        R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","arguments":{"a":1}}})");
    CHECK(legacy.server->fields[0].empty());

    setting modern{true};
    modern.server->answers = {{said("hello")}};
    CHECK(modern.call("h\xc3\xa9llo") == "hello");
    CHECK(modern.server->request(0).at("params").at("_meta").at(
              "io.modelcontextprotocol/protocolVersion") == "2026-07-28");
    CHECK(modern.server->fields[0] ==
          "Mcp-Method: tools/call\r\nMcp-Name: =?base64?aMOpbGxv?=\r\n");
}

TEST_CASE("a tool's answer is text in several blocks, structured, or an error") {
    mcp::tool_answer const answer{object(
        R"({"content":[{"type":"text","text":"a"},{"type":"image","data":""},5,{"type":"text","text":"b"}],
            "structuredContent":{"x":1},"isError":true})")};
    CHECK(answer.text() == "a\nb");
    CHECK(answer.is_error());
    CHECK(text_of(*answer.structured()) == R"({"x":1})");
    mcp::tool_answer const empty{bj::object{}};
    CHECK(empty.text().empty());
    CHECK_FALSE(empty.is_error());
    CHECK(empty.structured() == nullptr);
}

TEST_CASE("what a server answers wrongly is told from what it refuses") {
    auto const told = [](scripted_server::answer answer) {
        setting with{true};
        with.server->answers = {std::move(answer)};
        return with.call();
    };
    CHECK(told({R"("error":{"code":-32602,"message":"no\nsuch tool"})"}) ==
          "the MCP server answered with error -32602: no such tool");
    CHECK(told({R"("result":5)"}) ==
          "the MCP server's answer is not as it should be: its result is no object");
    CHECK(told({"", 400}) == "the MCP server refused the request with HTTP 400");
    CHECK(told({R"("result":{"resultType":"task"})"}) ==
          "the MCP server's answer is not as it should be: it has the type task");
    CHECK(told({R"("result":{"content":[]})"}).empty()); // no type means complete
}

TEST_CASE("a list is read page by page, as far as the limits allow") {
    mcp::client_options options;
    options.max_pages = 3;
    options.max_items = 3;
    auto const list = [&](std::vector<std::string> pages) {
        setting with{false, options};
        for (std::string& page : pages) with.server->answers.emplace_back(std::move(page));
        std::string said;
        with.with([&](mcp::client& one) -> asio::awaitable<void> {
            auto const got = co_await one.list_tools();
            said = got ? text_of(*got) : got.error().message();
        });
        if (with.server->requests.size() > 1)
            CHECK(with.server->request(1).at("params").at("cursor") == "1");
        return said;
    };
    std::string const a = R"({"name":"a"})";
    CHECK(list({tools(a, R"(,"nextCursor":"1")"), tools(a, R"(,"nextCursor":"2")"), tools(a)}) ==
          "[" + a + "," + a + "," + a + "]");
    CHECK(list({tools(a + "," + a, R"(,"nextCursor":"1")"), tools(a + "," + a)}) ==
          "the MCP server's answer is not as it should be: it lists more than 3 tools");
    CHECK(list({tools("", R"(,"nextCursor":"1")"), tools("", R"(,"nextCursor":"2")"),
                tools("", R"(,"nextCursor":"3")")}) ==
          "the MCP server's answer is not as it should be: it lists more than 3 pages");
    CHECK(list({tools("", R"(,"nextCursor":"1")"), tools("", R"(,"nextCursor":"1")")}) ==
          "the MCP server's answer is not as it should be: it gives the same cursor twice");
    CHECK(list({R"("result":{})"}) ==
          "the MCP server's answer is not as it should be: it has no list of tools");
}

TEST_CASE("a tool whose header annotations are wrong is left out, and cannot be called") {
    std::string const wrong =
        R"({"name":"w","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}})";
    std::string const right =
        R"({"name":"r","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}})";
    setting with{true};
    with.server->answers = {{tools(wrong + "," + right)}, {said("done")}};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const listed = co_await one.list_tools();
        CHECK(text_of(*listed) == "[" + right + "]");
        auto const refused = co_await one.call_tool("w");
        CHECK(refused.error().reason() == "tool_left_out");
        auto const answer = co_await one.call_tool("r", object(R"({"a":"x"})"));
        CHECK(answer->text() == "done");
    });
    CHECK(with.left_out.size() == 1);
    CHECK(with.server->fields[1] == "Mcp-Method: tools/call\r\nMcp-Name: r\r\nMcp-Param-A: x\r\n");
}

TEST_CASE(
    "a server that misses header fields is asked for its tools, and the tool is called once more") {
    std::string const tool =
        R"({"name":"t","inputSchema":{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}})";
    std::string const mismatch = R"("error":{"code":-32020,"message":"Mcp-Param-A is missing"})";
    setting with{true};
    with.server->answers = {{mismatch, 400}, {tools(tool)}, {said("done")}};
    CHECK(with.call("t", R"({"a":"x"})") == "done");
    REQUIRE(with.server->fields.size() == 3);
    CHECK(with.server->fields[2].find("Mcp-Param-A: x\r\n") != std::string::npos);

    setting stubborn{true};
    stubborn.server->answers = {{mismatch, 400}, {tools(tool)}, {mismatch, 400}, {said("never")}};
    CHECK(stubborn.call("t", R"({"a":"x"})") ==
          "the MCP server answered with error -32020: Mcp-Param-A is missing");
    CHECK(stubborn.server->requests.size() == 3);
}

TEST_CASE("progress is told to its call, and gives it more time") {
    setting with{false};
    scripted_server::answer slow{said("done")};
    slow.before = {
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1.5,"total":3,"message":"half"}})",
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":"x"}})",
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":99,"progress":1}})"};
    with.server->answers = {std::move(slow)};
    std::vector<std::string> reports;
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        mcp::call_options how;
        how.progress = [&](mcp::progress_report const& report) {
            reports.push_back(std::to_string(report.done) + "/" +
                              std::to_string(report.total.value_or(-1)) + " " +
                              std::string{report.message});
        };
        auto const answer = co_await one.call_tool("t", {}, how);
        CHECK(answer->text() == "done");
    });
    CHECK(reports == std::vector<std::string>{"1.500000/3.000000 half"});
    CHECK(with.notified.size() == 2); // those that no call has asked for
    CHECK(with.server->request(0).at("params").at("_meta").at("progressToken") == 2);
}

TEST_CASE("a call with progress ends at its longest time all the same") {
    setting with{false};
    with.server->answers = {scripted_server::silence()};
    int reports = 0;
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        mcp::call_options how;
        how.time = 30ms;
        how.longest_time = 120ms;
        how.progress = [&](mcp::progress_report const&) { ++reports; };
        auto const begun = std::chrono::steady_clock::now();
        auto const executor = co_await asio::this_coro::executor;
        bool has_ended = false;
        auto const reporting = [&]() -> asio::awaitable<void> {
            while (!has_ended) {
                with.server->say(
                    R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}})");
                co_await rest(5ms);
            }
        };
        asio::co_spawn(executor, reporting(), [](std::exception_ptr) {});
        auto const answer = co_await one.call_tool("t", {}, how);
        has_ended = true;
        CHECK(answer.error().code() == rejection_code::timed_out);
        CHECK(std::chrono::steady_clock::now() - begun >= 110ms);
        co_await rest(10ms);
    });
    CHECK(reports > 2);
}

TEST_CASE("a call that takes too long is cancelled at the server, but not the handshake") {
    setting with{false};
    with.server->answers = {scripted_server::silence()};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        mcp::call_options how;
        how.time = 5ms;
        auto const answer = co_await one.call_tool("t", {}, how);
        CHECK(answer.error().code() == rejection_code::timed_out);
        co_await rest();
        co_await rest();
    });
    REQUIRE(with.server->others.size() == 1);
    CHECK(
        with.server->others[0] ==
        R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2,"reason":"the client gave up"}})");
}

TEST_CASE("a call whose coroutine is cancelled is cancelled at the server") {
    setting with{false};
    with.server->answers = {scripted_server::silence()};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        asio::cancellation_signal cancel;
        bool has_ended = false;
        auto const calling = [&]() -> asio::awaitable<void> {
            auto const answer = co_await one.call_tool("t");
            has_ended = true;
        };
        asio::co_spawn(executor, calling(),
                       asio::bind_cancellation_slot(cancel.slot(),
                                                    [&](std::exception_ptr) { has_ended = true; }));
        co_await rest();
        cancel.emit(asio::cancellation_type::terminal);
        for (int i = 0; i != 10; ++i) co_await rest();
        CHECK(has_ended);
    });
    REQUIRE(with.server->others.size() == 1);
    CHECK(with.server->other(0).at("method") == "notifications/cancelled");
}

TEST_CASE("a client makes so many calls at once and no more") {
    mcp::client_options options;
    options.max_calls = 2;
    setting with{false, options};
    with.server->answers = {scripted_server::silence(), scripted_server::silence()};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        auto const calling = [&]() -> asio::awaitable<void> {
            mcp::call_options how;
            how.time = 20ms;
            auto const answer = co_await one.call_tool("t", {}, how);
            CHECK(answer.error().code() == rejection_code::timed_out);
        };
        asio::co_spawn(executor, calling(), [](std::exception_ptr) {});
        asio::co_spawn(executor, calling(), [](std::exception_ptr) {});
        co_await rest();
        auto const third = co_await one.call_tool("t");
        CHECK(third.error().code() == rejection_code::overloaded);
        co_await rest(40ms);
    });
}

TEST_CASE("a session that the server has lost is opened anew, once, and the call is made again") {
    auto const lost = [] {
        return scripted_server::answer{
            rejection{rejection_code::upstream_failed, "lost"}.because("session_lost")};
    };
    setting with{false};
    with.server->answers = {lost(), {testing::legacy_server}, {said("done")}};
    CHECK(with.call() == "done");
    REQUIRE(with.server->requests.size() == 3);
    CHECK(with.server->request(1).at("method") == "initialize");

    setting hopeless{false};
    hopeless.server->answers = {lost(), {testing::legacy_server}, lost(), {said("never")}};
    CHECK(hopeless.call() == "lost");
}

TEST_CASE("log messages are asked for in the way of the era") {
    setting legacy{false};
    legacy.server->answers = {{R"("result":{})"}};
    legacy.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const set = co_await one.set_level("debug");
        CHECK(set.has_value());
    });
    CHECK(text_of(legacy.server->request(0).at("params")) == R"({"level":"debug"})");

    setting modern{true};
    modern.server->answers = {{said("x")}};
    modern.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const set = co_await one.set_level("debug");
        CHECK(set.has_value());
        auto const answer = co_await one.call_tool("t");
        CHECK(answer.has_value());
        modern.server->say(
            R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}})");
    });
    CHECK(modern.server->requests.size() == 1);
    CHECK(modern.server->request(0).at("params").at("_meta").at(
              "io.modelcontextprotocol/logLevel") == "debug");
    CHECK(modern.notified ==
          std::vector<std::string>{R"(notifications/message {"level":"info","data":"x"})"});
}

TEST_CASE("the other requests are as the specification has them") {
    setting with{false};
    std::string const empty = R"("result":{})";
    with.server->answers = {{empty}, {empty}, {empty}, {empty}, {empty}, {empty}};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        (void)co_await one.ping();
        (void)co_await one.read_resource("test://a b");
        (void)co_await one.get_prompt("p", object(R"({"a":"1"})"));
        (void)co_await one.complete(object(R"({"type":"ref/prompt","name":"p"})"), "a", "v");
        (void)co_await one.subscribe("test://a");
        (void)co_await one.unsubscribe("test://a");
        auto const listened = co_await one.listen(bj::object{}, 1s);
        CHECK(listened.error().code() == rejection_code::not_implemented);
    });
    std::vector<std::string> seen;
    for (std::size_t i = 0; i != with.server->requests.size(); ++i) {
        bj::object const one = with.server->request(i);
        seen.push_back(std::string{one.at("method").as_string().c_str()} + " " +
                       (one.contains("params") ? text_of(one.at("params")) : ""));
    }
    CHECK(
        seen ==
        std::vector<std::string>{
            "ping ", R"(resources/read {"uri":"test://a b"})",
            R"(prompts/get {"name":"p","arguments":{"a":"1"}})",
            R"(completion/complete {"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"v"}})",
            R"(resources/subscribe {"uri":"test://a"})",
            R"(resources/unsubscribe {"uri":"test://a"})"});
}

TEST_CASE(
    "a modern server is listened to until it ends that, and pinged by asking what it speaks") {
    setting with{true};
    scripted_server::answer ended{R"("result":{"resultType":"complete"})"};
    ended.before = {R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})"};
    with.server->answers = {
        std::move(ended),
        {rejection{rejection_code::upstream_failed, "ended"}.because("ended_by_server")},
        {testing::modern_server}};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const first = co_await one.listen(object(R"({"toolsListChanged":true})"), 1s);
        CHECK(first.has_value());
        auto const second = co_await one.listen(object(R"({"toolsListChanged":true})"), 1s);
        CHECK(second.has_value());
        auto const there = co_await one.ping();
        CHECK(there.has_value());
    });
    CHECK(text_of(with.server->request(0).at("params").at("notifications")) ==
          R"({"toolsListChanged":true})");
    CHECK(with.notified == std::vector<std::string>{"notifications/tools/list_changed {}"});
    CHECK(with.server->request(2).at("method") == "server/discover");
}

TEST_CASE("a client that goes ends its calls, and may go within its own functions") {
    auto const server = std::make_shared<scripted_server>();
    server->answers = {{testing::legacy_server}, scripted_server::silence()};
    auto const all = [&]() -> asio::awaitable<void> {
        std::unique_ptr<mcp::client> one;
        mcp::client_options options;
        options.only = mcp::latest_legacy;
        options.notified = [&](std::string_view, bj::object const&) { one.reset(); };
        one =
            std::make_unique<mcp::client>(std::make_unique<testing::scripted_way>(server), options);
        auto const connected = co_await one->connect();
        CHECK(connected.has_value());
        mcp::call_options how;
        how.time = 20ms;
        auto call = one->call_tool("t", {}, how);
        server->say(R"({"jsonrpc":"2.0","method":"notifications/x"})");
        auto const answer = co_await std::move(call);
        CHECK_FALSE(answer.has_value());
    };
    testing::run(all());
}
