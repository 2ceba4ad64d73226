#include "mcp/client_setting.hpp"
#include "mcp_provider/mcp/stdio_client_transport.hpp"

#include <signal.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::rest;
using testing::said;
using testing::text_of;
namespace bj = boost::json;

namespace {

/// A shell function `say ID MEMBERS` answers, and `tell LINE` sends a line back as a notification.
constexpr std::string_view functions = R"(
say() { printf '{"jsonrpc":"2.0","id":%s,%s}\n' "$1" "$2"; }
tell() { printf '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":%s}}\n' "$1"; }
next() { IFS= read -r line || exit 0; }
)";
std::string const old = "next; say 1 '" + testing::unknown_method + "'; next; say 2 '" +
                        testing::legacy_server + "'; next\n";
std::string const modern = "next; say 1 '" + testing::modern_server + "'\n";

/// A client in front of a server that a shell plays.
class shell {
public:
    explicit shell(std::string script) : script_{std::string{functions} + std::move(script)} {}

    void with(std::function<asio::awaitable<void>(mcp::client&)> what) {
        auto const all = [&]() -> asio::awaitable<void> {
            net::child_command command{std::vector<std::string>{"/bin/sh", "-c", script_}};
            command.environment = {"PATH=/usr/bin:/bin"};
            command.max_line_bytes = max_line_bytes;
            command.grace = 100ms;
            options.notified = [&](std::string_view, bj::object const& params) {
                bj::value const* const data = params.if_contains("data");
                if (data != nullptr) told.push_back(text_of(*data));
            };
            auto way = std::make_unique<mcp::stdio_client_transport>(std::move(command));
            transport = way.get();
            mcp::client one{std::move(way), options};
            connected = co_await one.connect();
            if (connected && what) co_await what(one);
            strays = one.strays();
        };
        testing::run(all());
    }
    std::string call(std::chrono::milliseconds time = 5s) {
        std::string got;
        with([&](mcp::client& one) -> asio::awaitable<void> {
            mcp::call_options how;
            how.time = time;
            auto const answer = co_await one.call_tool("t", {}, how);
            got = answer ? answer->text() : answer.error().message();
        });
        return connected ? got : connected.error().message();
    }

    std::size_t max_line_bytes = 1024 * 1024;
    mcp::client_options options;
    mcp::stdio_client_transport* transport = nullptr;
    result<> connected;
    std::vector<std::string> told;
    std::size_t strays = 0;

private:
    std::string script_;
};

} // namespace

TEST_CASE("a tool of a server over stdio is called, in both eras") {
    shell legacy{old + "next; say 3 '" + said("hi") + "'; next"};
    CHECK(legacy.call() == "hi");
    shell now{modern + "next; say 2 '" + said("hi") + "'; next"};
    CHECK(now.call() == "hi");
}

TEST_CASE("a server that ends at a question it does not know is started again") {
    std::string const marker =
        testing::text_of(bj::value(0)); // the second time it is a legacy server
    shell with{"next; case $line in *discover*) exit 3;; esac; say 2 '" + testing::legacy_server +
               "'; next; next; say 3 '" + said("hi" + marker) + "'; next"};
    CHECK(with.call() == "hi0");
}

TEST_CASE("a server that keeps silent at a question it does not know is a legacy one") {
    shell with{"next; next; say 2 '" + testing::legacy_server + "'; next; next; say 3 '" +
               said("hi") + "'; next"};
    with.options.probe_time = 50ms;
    CHECK(with.call() == "hi");
}

TEST_CASE("a server that cannot be started, or ends, fails what waits for it, and says how") {
    shell quits{old + "next; exit 5"};
    CHECK(quits.call() == "the MCP server has ended with status 5");
    shell killed{old + "next; kill -9 $$"};
    CHECK(killed.call() == "the MCP server has ended by signal 9");
    shell deaf{"exec <&-; sleep 5"};
    deaf.options.probe_time = 50ms;
    deaf.options.connect_time = 200ms;
    CHECK_FALSE(deaf.call().empty());
    CHECK_FALSE(deaf.connected.has_value());

    auto const absent = [&]() -> asio::awaitable<void> {
        net::child_command command{std::vector<std::string>{"/nowhere/server"}};
        mcp::client one{std::make_unique<mcp::stdio_client_transport>(std::move(command))};
        auto const connected = co_await one.connect();
        CHECK(connected.error().message().starts_with("the MCP server cannot be started"));
        CHECK(connected.error().reason() == "server_gone");
        CHECK_FALSE(one.is_open());
        auto const answer = co_await one.call_tool("t");
        CHECK(answer.error().reason() == "server_gone");
    };
    testing::run(absent());
}

TEST_CASE("what is no JSON-RPC is skipped, unless there is no end of it") {
    shell with{
        old +
        "next; echo 'starting up'; echo; echo '[1,'; echo '{}'; say 99 '\"result\":{}'; say 3 '" +
        said("hi") + "'; say 3 '" + said("again") + "'; tell 1; next"};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const answer = co_await one.call_tool("t");
        CHECK(answer->text() == "hi");
        for (int i = 0; i != 100 && with.told.empty(); ++i) co_await rest(5ms);
    });
    CHECK(with.strays == 5); // three lines, an unknown id, and an answer that came twice

    shell noisy{old + "next; yes noise"};
    CHECK(noisy.call() == "the MCP server does not speak JSON-RPC");
}

TEST_CASE("a batch of a server of 2025-03-26 is read message by message") {
    shell with{
        old +
        R"(next; printf '[{"jsonrpc":"2.0","method":"notifications/message","params":{"data":1}},{"jsonrpc":"2.0","id":3,%s}]\n' ')" +
        said("hi") + "'; next"};
    CHECK(with.call() == "hi");
    CHECK(with.told == std::vector<std::string>{"1"});
}

TEST_CASE("a message may be as long as a line may be, and no longer") {
    std::size_t const size = std::string_view{R"({"jsonrpc":"2.0","id":3,})"}.size() +
                             said(std::string(5000, 'x')).size();
    for (std::size_t const limit : {size, size - 1}) {
        shell with{old + "next; say 3 '" + said(std::string(5000, 'x')) + "'; next"};
        with.max_line_bytes = limit;
        if (limit == size)
            CHECK(with.call() == std::string(5000, 'x'));
        else
            CHECK(with.call() == "the MCP server sent a line over the limit of " +
                                     std::to_string(limit) + " bytes");
    }
}

TEST_CASE(
    "a call that takes too long is cancelled at the server, and its late answer is of no use") {
    for (bool const is_modern : {false, true}) {
        std::string const id = is_modern ? "2" : "3";
        shell with{(is_modern ? modern : old) + "next; next; tell \"$line\"; say " + id + " '" +
                   said("late") + "'; next; say 99 '\"result\":{}'; next"};
        with.with([&](mcp::client& one) -> asio::awaitable<void> {
            mcp::call_options how;
            how.time = 30ms;
            auto const answer = co_await one.call_tool("t", {}, how);
            CHECK(answer.error().code() == rejection_code::timed_out);
            for (int i = 0; i != 200 && one.strays() == 0; ++i) co_await rest(5ms);
        });
        REQUIRE(with.told.size() == 1);
        CHECK(with.told[0].starts_with(
            R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + id));
        CHECK(with.strays == 1);
    }
}

TEST_CASE("a server ends a subscription by cancelling the request that began it") {
    shell with{
        modern +
        R"(next; tell 1; printf '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}\n'; next)"};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        bj::object filter;
        filter["toolsListChanged"] = true;
        auto const ended = co_await one.listen(std::move(filter), 5s);
        CHECK(ended.has_value());
    });
    CHECK(with.told.size() == 1);
}

TEST_CASE("a server over stdio is asked and answered on the same lines") {
    shell with{
        old + R"(next; printf '{"jsonrpc":"2.0","id":7,"method":"ping"}\n'; next; tell "$line"; )" +
        R"(printf '{"jsonrpc":"2.0","id":"x","method":"nonsense"}\n'; next; tell "$line"; say 3 ')" +
        said("hi") + "'; next"};
    CHECK(with.call() == "hi");
    CHECK(
        with.told ==
        std::vector<std::string>{
            R"({"jsonrpc":"2.0","id":7,"result":{}})",
            R"({"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"this client has no nonsense"}})"});
}

TEST_CASE("a server ends with its client, at the latest by force, and its last words are kept") {
    int process = 0;
    shell with{"trap '' TERM; echo oh >&2\n" + old + "while :; do sleep 0.05; done"};
    auto const all = [&]() -> asio::awaitable<void> { co_await rest(); };
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        for (int i = 0; i != 100 && with.transport->error_tail().empty(); ++i) co_await rest(5ms);
        CHECK(with.transport->error_tail() == "oh\n");
        process = with.transport->process_id();
        CHECK(process > 0);
        CHECK(one.is_open());
    });
    testing::run(all());
    bool is_gone = false;
    for (int i = 0; i != 300 && !is_gone; ++i) {
        is_gone = ::kill(process, 0) != 0;
        auto const wait = []() -> asio::awaitable<void> { co_await rest(10ms); };
        if (!is_gone) testing::run(wait());
    }
    CHECK(is_gone);
}

TEST_CASE("a client is told when its server ends of its own accord, also between two calls") {
    shell with{old + "next; exit 5"};
    std::string why;
    with.options.gone = [&](rejection const& said) { why += said.message(); };
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        bj::object params;
        auto const told = co_await one.notify("notifications/x", std::move(params));
        CHECK(told.has_value());
        for (int i = 0; i != 200 && why.empty(); ++i) co_await rest(5ms);
        CHECK_FALSE(one.is_open());
    });
    CHECK(why == "the MCP server has ended with status 5");
}

TEST_CASE("a server is said goodbye to by closing its input") {
    shell with{old + "next; exit 0"};
    with.with([&](mcp::client& one) -> asio::awaitable<void> {
        auto const begun = std::chrono::steady_clock::now();
        co_await one.close();
        CHECK(std::chrono::steady_clock::now() - begun < 1500ms);
        CHECK_FALSE(one.is_open());
    });
}
