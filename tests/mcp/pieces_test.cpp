#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/detail/mailbox.hpp"
#include "mcp_provider/mcp/detail/request_state.hpp"
#include "mcp_provider/mcp/detail/session_table.hpp"
#include "mcp_provider/mcp/detail/uri_template.hpp"
#include "mcp_provider/mcp/server.hpp"
#include "mcp_provider/testing/run.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using mcp::detail::mailbox;

namespace {

std::string read_all(mailbox& from, std::uint64_t ticket, mailbox::reading* how = nullptr) {
    std::string out;
    for (;;) {
        auto const state =
            from.read(ticket, 1, [&](std::uint64_t number, std::string_view message) {
                out += std::to_string(number) + ":" + std::string{message} + " ";
            });
        if (how != nullptr) *how = state;
        if (state != mailbox::reading::some) return out;
    }
}

} // namespace

TEST_CASE("mailbox takes as many messages and bytes as it may hold, and always what must arrive") {
    mailbox::limits bounds;
    bounds.max_messages = 2;
    bounds.max_bytes = 10;
    mailbox box{bounds};

    CHECK(box.offer("12345"));
    CHECK(box.offer("12345"));
    CHECK(!box.offer(""));
    box.post("must");
    auto const ticket = box.attach();
    CHECK(read_all(box, ticket) == "1:12345 2:12345 3:must ");
    CHECK(!box.offer("12345678901"));
    CHECK(box.offer("1234567890"));
    box.close();
    CHECK(!box.offer("late"));
    box.post("late");
    mailbox::reading how{};
    CHECK(read_all(box, ticket, &how) == "4:1234567890 ");
    CHECK(how == mailbox::reading::ended);
}

TEST_CASE("mailbox keeps what was read for a reader that comes back, up to its bounds") {
    mailbox::limits bounds;
    bounds.max_messages = 2;
    bounds.keeps_read = true;
    mailbox box{bounds};
    auto const first = box.attach();
    for (std::string const one : {"a", "b", "c"}) {
        CHECK(box.offer(one));
        (void)read_all(box, first);
    }

    auto const second = box.attach(1);
    mailbox::reading how{};
    (void)read_all(box, first, &how);

    CHECK(how == mailbox::reading::superseded);
    CHECK(read_all(box, second) == "2:b 3:c ");
    CHECK(read_all(box, box.attach(0)) == "2:b 3:c "); // the first one is gone
    CHECK(read_all(box, box.attach(99), &how).empty());
    CHECK(how == mailbox::reading::nothing);
    box.detach(second); // who was replaced takes nothing with it
    CHECK(box.attached());
}

TEST_CASE("mailbox makes one line of a message") {
    mailbox box;
    box.post("{\n\r\"a\":\n1}");
    CHECK(read_all(box, box.attach()) == "1:{  \"a\": 1} ");
}

TEST_CASE("mailbox gives away a message that is alone") {
    mailbox one;
    CHECK(!one.take_only());
    one.post("x");
    CHECK(!one.take_only()); // another may follow
    one.close();
    CHECK(one.take_only() == "x");
    CHECK(!one.take_only());
    mailbox two;
    two.post("x");
    two.post("y");
    two.close();
    CHECK(!two.take_only());
}

TEST_CASE("mailbox wakes its reader from another thread") {
    mailbox shared;
    std::thread other;
    testing::run([](mailbox& box, std::thread& writer) -> asio::awaitable<void> {
        auto const ticket = box.attach();
        (void)co_await box.wait(std::chrono::steady_clock::now()); // what attaching has raised
        auto const now = std::chrono::steady_clock::now();
        CHECK(!co_await box.wait(now));
        writer = std::thread{[&box] { box.post("hello"); }};
        bool const woken = co_await box.wait(now + std::chrono::seconds{5});
        CHECK(woken);
        CHECK(read_all(box, ticket) == "1:hello ");
    }(shared, other));
    other.join();
}

TEST_CASE("state_seal opens what it has sealed, for its binding and until its end") {
    mcp::detail::state_seal seal;
    mcp::detail::state_seal other;
    system_time const now{std::chrono::seconds{1'000'000}};
    std::string const sealed =
        seal.seal("payload \xC3\xA9", "binding", now + std::chrono::seconds{2});

    CHECK(*seal.open(sealed, "binding", now) == "payload \xC3\xA9");
    CHECK(seal.open(sealed, "binding", now + std::chrono::milliseconds{1999}));
    CHECK(!seal.open(sealed, "binding", now + std::chrono::seconds{2}));
    CHECK(!seal.open(sealed, "bindin", now));
    CHECK(!other.open(sealed, "binding", now));
    for (std::size_t i = 0; i != sealed.size(); ++i) {
        std::string forged = sealed;
        forged[i] = forged[i] == 'A' ? 'B' : 'A';
        CHECK_MESSAGE(!seal.open(forged, "binding", now), i);
        CHECK_MESSAGE(!seal.open(sealed.substr(0, i), "binding", now), i);
    }
    CHECK(seal.open("", "", now).error().reason() == "invalid_state");
}

TEST_CASE("session_table forgets a session that has been idle for too long") {
    mcp::detail::session_table table{2, std::chrono::seconds{10}};
    steady_time const start{std::chrono::hours{1}};
    auto const one = table.open({}, {}, start);
    REQUIRE(one != nullptr);
    CHECK(one->id().size() == 32);

    CHECK(table.find(one->id(), "", start + std::chrono::seconds{10}) == one);
    CHECK(table.find(one->id(), "", start + std::chrono::seconds{20}) == one);
    CHECK(table.find(one->id(), "", start + std::chrono::seconds{31}) == nullptr);
    CHECK(table.size() == 0);

    auto const busy = table.open({}, {}, start);
    auto const ticket = busy->standing()->box()->attach();
    table.sweep(start + std::chrono::hours{1});
    CHECK(table.size() == 1);
    busy->standing()->box()->detach(ticket);
    table.sweep(start + std::chrono::hours{1});
    CHECK(table.size() == 0);
}

TEST_CASE("match_uri fills the variables of a template") {
    using mcp::detail::match_uri;
    CHECK(match_uri("test://template/{id}/data", "test://template/123/data")->at("id") == "123");
    CHECK(match_uri("a/{x}-{y}", "a/1-2")->at("y") == "2");
    CHECK(match_uri("{+path}.txt", "a/b.txt.txt")->at("path") == "a/b.txt");
    CHECK(match_uri("f/{name}", "f/%C3%A9%")->at("name") == "\xC3\xA9%");
    CHECK(match_uri("plain", "plain")->empty());
    for (auto const& [pattern, uri] :
         std::vector<std::pair<std::string, std::string>>{{"test://{id}/x", "test:///x"},
                                                          {"test://{id}", "test://a/b"},
                                                          {"test://{id}", "test://"},
                                                          {"test://{id}/x", "test://a/y"},
                                                          {"a", "ab"},
                                                          {"ab", "a"},
                                                          {"{x", "y"}})
        CHECK_MESSAGE(!match_uri(pattern, uri), pattern << ' ' << uri);
}

TEST_CASE("a server refuses to offer a tool that cannot be called") {
    mcp::server server{"test", "1"};
    auto const add = [&server](std::string name, std::string schema) {
        server.add(mcp::tool{std::move(name), "", std::move(schema)},
                   [](mcp::call&) { return ""; });
    };
    CHECK_NOTHROW(add("Good_name-1.2/x", R"({"type":"object"})"));
    CHECK_NOTHROW(add(std::string(128, 'x'), R"({"type":"object"})"));
    CHECK_THROWS_AS(add(std::string(129, 'x'), R"({"type":"object"})"), std::invalid_argument);
    CHECK_THROWS_AS(add("", R"({"type":"object"})"), std::invalid_argument);
    CHECK_THROWS_AS(add("a b", R"({"type":"object"})"), std::invalid_argument);
    CHECK_THROWS_AS(add("x", "{"), std::invalid_argument);
    CHECK_THROWS_AS(add("x", R"({"type":"string"})"), std::invalid_argument);
    for (
        std::string const property :
        {R"({"type":"number","x-mcp-header":"A"})", R"({"type":"string","x-mcp-header":"A b"})",
         R"({"type":"string","x-mcp-header":""})", R"({"x-mcp-header":"A"})",
         R"({"type":"array","items":{"type":"string","x-mcp-header":"A"}})",
         R"({"anyOf":[{"type":"string","x-mcp-header":"A"}]})",
         R"({"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}})"})
        CHECK_THROWS_AS_MESSAGE(
            add("x", R"({"type":"object","properties":{"p":)" + property + "}}"),
            std::invalid_argument, property);
    CHECK_NOTHROW(add(
        "x",
        R"({"type":"object","properties":{"x-mcp-header":{"type":"string"},"p":{"const":{"x-mcp-header":5}}}})"));
}
