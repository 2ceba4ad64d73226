#include "acp/scripted_peer.hpp"
#include "mcp_provider/acp/client.hpp"

#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::acp;
using namespace std::chrono_literals;

namespace {

class noting final : public turn_listener {
public:
    void on_text(std::string_view piece) override { text += piece; }
    void on_reasoning(std::string_view piece) override { reasoning += piece; }
    void on_update(std::string_view kind, boost::json::value const&) override {
        updates.emplace_back(kind);
    }
    asio::awaitable<bool> allow(permission_request const& wish) override {
        wishes.push_back(wish.kind);
        co_return wish.kind == "read";
    }
    bool has_room() override { return true; }

    std::string text;
    std::string reasoning;
    std::vector<std::string> updates;
    std::vector<std::string> wishes;
};

/// The scripted agent, greeted.
class talk {
public:
    talk(asio::any_io_executor const& on, std::vector<std::string> arguments)
        : child{on}, agent{on, child} {
        char const* const program = std::getenv("MCP_PROVIDER_FAKE_AGENT");
        net::child_command command{{program != nullptr ? program : "fake_agent"}};
        for (std::string& one : arguments) command.arguments.push_back(std::move(one));
        command.environment = {"PATH=/usr/bin:/bin"};
        std::error_code const failed = child.start(command);
        REQUIRE_FALSE(failed);
        asio::co_spawn(on, agent.run(), [](std::exception_ptr, std::string) {});
    }

    asio::awaitable<result<>> greet() { return agent.initialize("test", "1", in(5s)); }

    net::child_process child;
    client agent;
};

} // namespace

TEST_CASE("acp::client greets an agent, opens a session with a model, and prompts it") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, {"models", "images"}};
        auto const greeted = co_await with.greet();
        REQUIRE(greeted);
        CHECK(with.agent.facts().name == "fake");
        CHECK(with.agent.facts().takes_images);
        auto const opened = co_await with.agent.new_session("/", in(5s));
        REQUIRE(opened);
        auto const* const model = opened->option("model");
        REQUIRE(model != nullptr);
        CHECK(model->has("claude [1m]"));
        auto const chosen = co_await with.agent.set_option(*opened, *model, "claude [1m]", in(5s));
        CHECK(chosen);

        noting heard;
        std::vector<agent::image> images;
        auto const ended = co_await with.agent.prompt(opened->id, "model", images, heard);
        REQUIRE(ended);
        CHECK(heard.text == "claude [1m]");
        images.emplace_back("image/gif", "AAAA");
        auto const seen = co_await with.agent.prompt(opened->id, "say nothing", images, heard);
        CHECK(seen);
        CHECK(heard.text == "claude [1m]an image of image/gif");
        noting thinking;
        auto const thought = co_await with.agent.prompt(opened->id, "think", {}, thinking);
        CHECK(thought);
        CHECK(thinking.reasoning == "hm");
        CHECK(thinking.updates == std::vector<std::string>{"plan"});
        with.agent.close(opened->id);
        auto const closed = co_await with.agent.prompt(opened->id, "say x", {}, heard);
        REQUIRE_FALSE(closed);
        CHECK(closed.error().message() == "the agent refused session/prompt: no such session");
    });
}

TEST_CASE("acp::client sets models the older way where the agent tells them so") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, {"legacy"}};
        auto const greeted = co_await with.greet();
        auto const opened = co_await with.agent.new_session("/", in(5s));
        REQUIRE(opened);
        auto const* const model = opened->option("model");
        REQUIRE(model != nullptr);
        auto const chosen = co_await with.agent.set_option(*opened, *model, "large", in(5s));
        CHECK(chosen);
        noting heard;
        auto const ended = co_await with.agent.prompt(opened->id, "model", {}, heard);
        CHECK(heard.text == "large");
    });
}

TEST_CASE("acp::client answers questions by the listener's verdict") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, {}};
        auto const greeted = co_await with.greet();
        auto const opened = co_await with.agent.new_session("/", in(5s));
        REQUIRE(opened);
        noting heard;
        auto const allowed = co_await with.agent.prompt(opened->id, "permit read", {}, heard);
        CHECK(heard.text == "yes");
        auto const refused = co_await with.agent.prompt(opened->id, "permit execute", {}, heard);
        CHECK(heard.text == "yes");
        auto const many = co_await with.agent.prompt(opened->id, "permit-many", {}, heard);
        CHECK(heard.text == "yesrefused all");
        CHECK(heard.wishes.size() >= 2 + client::max_waiting_questions);
        CHECK(heard.wishes.size() <= 42);
    });
}

TEST_CASE("acp::client cancels a turn, and has one a session") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, {}};
        auto const greeted = co_await with.greet();
        auto const opened = co_await with.agent.new_session("/", in(5s));
        REQUIRE(opened);
        noting heard;
        asio::steady_timer soon{on, 50ms};
        bool was_refused = false;
        auto const meddle = [&]() -> asio::awaitable<void> {
            co_await soon.async_wait(asio::use_awaitable);
            auto const second = co_await with.agent.prompt(opened->id, "say x", {}, heard);
            was_refused = !second && second.error().code() == rejection_code::conflict;
            with.agent.cancel(opened->id);
            with.agent.cancel(opened->id);
        };
        asio::co_spawn(on, meddle(), asio::detached);
        auto const ended = co_await with.agent.prompt(opened->id, "count 100000 5", {}, heard);
        REQUIRE(ended);
        CHECK(ended->stopped == turn_result::stop::cancelled);
        CHECK(was_refused);
        with.agent.cancel("no such session");
        auto const next = co_await with.agent.prompt(opened->id, "say on", {}, heard);
        CHECK(heard.text.ends_with("on"));
    });
}

TEST_CASE("acp::client takes late pieces, and knows a session that got one too late") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk with{on, {}};
        auto const greeted = co_await with.greet();
        auto const opened = co_await with.agent.new_session("/", in(5s));
        REQUIRE(opened);
        noting heard;
        auto const stray = co_await with.agent.prompt(opened->id, "stray", {}, heard);
        CHECK(heard.text == "early");
        CHECK_FALSE(with.agent.is_spoilt(opened->id));
        asio::steady_timer later{on, 300ms};
        co_await later.async_wait(asio::use_awaitable);
        CHECK(heard.text == "early");
        CHECK(with.agent.is_spoilt(opened->id));
        noting again;
        auto const late = co_await with.agent.prompt(opened->id, "late", {}, again);
        CHECK(again.text == "early late");
    });
}

TEST_CASE("acp::client says what went wrong with an agent") {
    play([](asio::any_io_executor on) -> asio::awaitable<void> {
        talk ended{on, {"exit"}};
        auto const gone = co_await ended.greet();
        REQUIRE_FALSE(gone);
        CHECK(gone.error().message() == "the agent ended before it answered initialize");
        talk other{on, {"protocol"}};
        auto const protocol = co_await other.greet();
        REQUIRE_FALSE(protocol);
        CHECK(protocol.error().message().find("version 1") != std::string::npos);
        talk login{on, {"login"}};
        auto const greeted = co_await login.greet();
        CHECK(greeted);
        auto const opened = co_await login.agent.new_session("/", in(5s));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().reason() == "agent_login");
        talk deaf{on, {"deaf"}};
        auto const silent = co_await deaf.agent.initialize("test", "1", in(30ms));
        REQUIRE_FALSE(silent);
        CHECK(silent.error().code() == rejection_code::timed_out);
    });
}
