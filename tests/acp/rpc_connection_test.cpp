#include "acp/scripted_peer.hpp"
#include "mcp_provider/acp/rpc_connection.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::acp;
using namespace std::chrono_literals;

namespace {

/// Notes what comes, and refuses every request.
class noting final : public rpc_handler {
public:
    void on_request(rpc::message const& asked) override {
        requests.emplace_back(asked.method());
        if (connection != nullptr) connection->refuse(asked.id(), rpc::method_not_found, "no");
    }
    void on_notification(rpc::message const& told) override {
        notifications.emplace_back(told.method());
    }
    bool may_read() override { return is_open; }

    std::vector<std::string> requests;
    std::vector<std::string> notifications;
    rpc_connection* connection = nullptr;
    bool is_open = true;
};

/// A connection to a script, read until it ends.
class talk {
public:
    explicit talk(asio::any_io_executor const& on, net::child_command const& command,
                  rpc::version_member version = rpc::version_member::required)
        : child{on}, connection{on, child, heard, version} {
        heard.connection = &connection;
        std::error_code const failed = child.start(command);
        REQUIRE_FALSE(failed);
    }

    net::child_process child;
    noting heard;
    rpc_connection connection;
};

/// What `run` says after a script has written that.
std::string end_of(std::string script, noting* heard = nullptr) {
    std::string why;
    play([&](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, shell(script)};
        why = co_await with.connection.run();
        if (heard != nullptr) heard->notifications = with.heard.notifications;
    });
    return why;
}

constexpr char const* notification = R"(echo '{"jsonrpc":"2.0","method":"hello"}';)";

} // namespace

TEST_CASE(
    "rpc_connection asks and is answered, whatever the order, and ignores what it did not ask") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, shell(R"(read -r a; read -r b;
            echo '{"jsonrpc":"2.0","id":7,"result":{}}'
            echo '{"jsonrpc":"2.0","id":1,"result":{"of":2}}'
            echo '{"jsonrpc":"2.0","id":0,"error":{"code":-5,"message":"no","data":[1]}}'
            echo '{"jsonrpc":"2.0","id":0,"result":{}}'
            echo '{"jsonrpc":"2.0","id":"x","result":{}}'
            echo "$a $b" >&2; read -r c; sleep 0.1)")};
        asio::co_spawn(on, with.connection.run(), [](std::exception_ptr, std::string) {});
        rpc_connection::call first{with.connection, "one", {}};
        rpc_connection::call second{with.connection, "two", R"({"x":1})"};

        CHECK(co_await second.wait(in(5s)));
        CHECK(co_await first.wait(in(5s)));

        CHECK(second.answer().is_result());
        CHECK(second.answer().value.at("of").as_int64() == 2);
        CHECK(first.answer().is_error());
        CHECK(first.answer().code == -5);
        CHECK(first.answer().message == "no");
        CHECK(first.answer().value.is_array());
        auto const late = co_await with.connection.ask("three", {}, in(20ms));
        CHECK(late.what == rpc_answer::kind::timed_out);
        CHECK(
            with.child.error_tail() ==
            R"({"jsonrpc":"2.0","id":0,"method":"one"} {"jsonrpc":"2.0","id":1,"method":"two","params":{"x":1}})"
            "\n");
    });
}

TEST_CASE("rpc_connection speaks without the version member where the peer does") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, shell(R"(read -r a; echo '{"id":0,"result":1}'; echo "$a" >&2)"),
                  rpc::version_member::left_out};
        asio::co_spawn(on, with.connection.run(), [](std::exception_ptr, std::string) {});
        auto const answer = co_await with.connection.ask("one", {}, in(5s));
        CHECK(answer.is_result());
        CHECK(co_await with.child.gone(in(5s)));
        CHECK(with.child.error_tail() == "{\"id\":0,\"method\":\"one\"}\n");
    });
}

TEST_CASE("rpc_connection hands requests and notifications on, and reads only what it may") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, shell(R"(echo '{"jsonrpc":"2.0","id":"q","method":"ask"}'
            read -r a; read -r b; echo "$a $b" >&2
            echo '{"jsonrpc":"2.0","method":"told"}')")};
        with.heard.is_open = false;
        asio::steady_timer timer{on, 30ms};
        asio::co_spawn(on, with.connection.run(), [](std::exception_ptr, std::string) {});
        co_await timer.async_wait(asio::use_awaitable);
        CHECK(with.heard.requests.empty());

        with.heard.is_open = true;
        with.connection.read_on();
        auto const none = co_await with.connection.ask("x", {}, in(5s));

        CHECK(none.what == rpc_answer::kind::closed); // the peer ended
        CHECK(with.heard.requests == std::vector<std::string>{"ask"});
        CHECK(with.heard.notifications == std::vector<std::string>{"told"});
        CHECK(co_await with.child.gone(in(5s)));
        CHECK(with.child.error_tail().find(
                  R"({"jsonrpc":"2.0","id":"q","error":{"code":-32601,"message":"no"}})") !=
              std::string::npos);
        CHECK((co_await with.connection.ask("late", {}, in(5s))).what == rpc_answer::kind::closed);
    });
}

TEST_CASE("rpc_connection tolerates a banner, but neither much of it nor broken messages") {
    noting heard;
    CHECK(end_of(std::string{"echo Welcome; echo; "} + notification, &heard) ==
          "it closed its standard output");
    CHECK(heard.notifications.size() == 1);
    // Exactly as much as is tolerated, and one byte more.
    CHECK(end_of(std::string{"head -c 65536 /dev/zero | tr '\\0' x; echo; "} + notification,
                 &heard) == "it closed its standard output");
    CHECK(heard.notifications.size() == 1);
    CHECK(end_of(std::string{"head -c 65537 /dev/zero | tr '\\0' x; echo; "} + notification) ==
          "it writes what is no JSON-RPC");
    for (char const* const broken :
         {"{\"jsonrpc\":", "{}", "[]", "[{\"jsonrpc\":\"2.0\",\"method\":\"a\"}]",
          "{\"method\":\"a\"}", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}",
          "{\"a\":\"\\ud800\"}"})
        CHECK(end_of("printf '%s\\n' '" + std::string{broken} + "'; sleep 60")
                  .starts_with("it wrote"));
}

TEST_CASE("rpc_connection reads nesting up to its limit") {
    auto const nested = [](std::size_t depth) {
        return "printf '%s\\n' '{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":" +
               std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}'";
    };
    CHECK(end_of(nested(rpc_connection::max_depth)) == "it closed its standard output");
    CHECK(end_of(nested(rpc_connection::max_depth + 1)).find("nested deeper") != std::string::npos);
}

TEST_CASE(
    "rpc_connection ends all calls when the peer ends, and the line that is too long ends it") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        auto command = shell("read -r a; head -c 2000 /dev/zero; sleep 60");
        command.max_line_bytes = 1'000;
        talk with{on, command};
        std::string why;
        asio::co_spawn(on, with.connection.run(),
                       [&](std::exception_ptr, std::string said) { why = std::move(said); });
        rpc_connection::call other{with.connection, "other", {}};
        auto const answer = co_await with.connection.ask("one", {}, in(5s));
        CHECK(answer.what == rpc_answer::kind::closed);
        CHECK(other.answered());
        CHECK(why == "it wrote a line that is too long");
    });
}
