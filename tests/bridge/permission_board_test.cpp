#include "bridge/permission_board.hpp"
#include "events/heard.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/json/parse.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;
using agents::permission_verdict;
using bridge::answer_verdict;

namespace {

principal person(std::string id) {
    auto who = std::make_shared<identity>();
    who->id = std::move(id);
    return principal{std::move(who)};
}

/// Asks on a context of its own.
class asker {
public:
    asker(bridge::permission_board& board, std::chrono::milliseconds patience) {
        agents::permission_question about{"execute", "shell", "rm -rf canary"};
        about.agent = "acp";
        about.caller = "key_1";
        asio::co_spawn(context_,
                       put(board, std::move(about), std::chrono::steady_clock::now() + patience),
                       asio::bind_cancellation_slot(cancel_.slot(), [](std::exception_ptr) {}));
        context_.poll();
    }
    void run() { context_.run_for(10s); }
    void cancel() {
        cancel_.emit(asio::cancellation_type::terminal);
        run();
    }

    std::optional<permission_verdict> verdict;

private:
    asio::awaitable<void> put(bridge::permission_board& board, agents::permission_question about,
                              steady_time until) {
        verdict = co_await board.ask(std::move(about), until);
    }

    asio::cancellation_signal cancel_;
    asio::io_context context_{1};
};

struct house {
    std::shared_ptr<events::feed> feed = std::make_shared<events::feed>();
    audit::memory_sink log;
    bridge::permission_board board{feed, log};
};

std::string text(boost::json::value const& one) { return std::string{one.as_string()}; }

} // namespace

TEST_CASE("a question is told, the first answer counts, and it is told and recorded who gave it") {
    house one;
    events::ear ear{*one.feed, events::topic::permission};
    asker agent{one.board, 10s};
    auto const asked = ear.take();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].at("type") == "permission.asked");
    CHECK(asked[0].at("agent") == "acp");
    CHECK(asked[0].at("caller") == "key_1");
    CHECK(asked[0].at("kind") == "execute");
    CHECK(asked[0].at("tool") == "shell");
    CHECK(asked[0].at("title") == "rm -rf canary");
    CHECK(text(asked[0].at("until")).ends_with("Z"));
    std::string const id = text(asked[0].at("id"));

    CHECK(one.board.answer(id, permission_verdict::allow, person("uid:1000")) ==
          answer_verdict::accepted);
    CHECK(one.board.answer(id, permission_verdict::refuse, person("uid:1001")) ==
          answer_verdict::late);
    agent.run();

    CHECK(agent.verdict == permission_verdict::allow);
    auto const answered = ear.take();
    REQUIRE(answered.size() == 1);
    CHECK(answered[0].at("type") == "permission.answered");
    CHECK(answered[0].at("id").as_string() == id);
    CHECK(answered[0].at("verdict") == "allow");
    CHECK(answered[0].at("by") == "uid:1000");
    auto const lines = one.log.take();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].find("\"permission_answered\"") != std::string::npos);
    CHECK(lines[0].find("uid:1000") != std::string::npos);
    CHECK(lines[0].find("allow for agent acp, kind execute, tool shell") != std::string::npos);
    CHECK(lines[0].find("canary") == std::string::npos);
}

TEST_CASE("nobody listening means no, at once") {
    house one;
    events::ear const other{*one.feed, events::topic::request};
    asker agent{one.board, 10s};
    CHECK(agent.verdict == permission_verdict::refuse);
    CHECK(one.board.open() == 0);
}

TEST_CASE("a question whose time is over is refused, and told so") {
    house one;
    events::ear ear{*one.feed};
    asker agent{one.board, 20ms};
    agent.run();
    CHECK(agent.verdict == permission_verdict::refuse);
    auto const told = ear.take();
    REQUIRE(told.size() == 2);
    CHECK(told[1].at("verdict") == "refuse");
    CHECK(told[1].at("by") == "deadline");
    CHECK(one.board.answer(text(told[0].at("id")), permission_verdict::allow, person("a")) ==
          answer_verdict::late);
    CHECK(one.log.lines().empty());
}

TEST_CASE("a question whose request has gone is taken off the board") {
    house one;
    events::ear ear{*one.feed};
    asker agent{one.board, 10s};
    CHECK(one.board.open() == 1);
    agent.cancel();
    CHECK(one.board.open() == 0);
    auto const told = ear.take();
    REQUIRE(told.size() == 2);
    CHECK(told[1].at("by") == "cancelled");
}

TEST_CASE("only so many questions are open at a time") {
    house one;
    events::ear ear{*one.feed};
    std::vector<std::unique_ptr<asker>> askers;
    for (std::size_t i = 0; i != bridge::permission_board::most_open; ++i)
        askers.push_back(std::make_unique<asker>(one.board, 10s));
    CHECK(one.board.open() == bridge::permission_board::most_open);
    asker const more{one.board, 10s};
    CHECK(more.verdict == permission_verdict::refuse);
    askers.clear(); // their contexts go with the questions open
    CHECK(one.board.open() == 0);
}

TEST_CASE("an answer may come from another thread, and an unknown question is unknown") {
    house one;
    events::ear ear{*one.feed};
    asker agent{one.board, 10s};
    std::string const id = text(ear.take().at(0).at("id"));
    CHECK(one.board.answer("perm_none", permission_verdict::allow, person("a")) ==
          answer_verdict::unknown);
    std::thread other{[&] {
        CHECK(one.board.answer(id, permission_verdict::refuse, person("a")) ==
              answer_verdict::accepted);
    }};
    agent.run();
    other.join();
    CHECK(agent.verdict == permission_verdict::refuse);
}

TEST_CASE("an answer is read strictly") {
    auto const read = [](std::string_view text) {
        return bridge::permission_answer::from_json(*json::parse(text));
    };
    auto const good = read(R"({"id":"perm_1","verdict":"allow"})");
    REQUIRE(good);
    CHECK(good->id == "perm_1");
    CHECK(good->verdict == permission_verdict::allow);
    CHECK(read(R"({"id":"perm_1","verdict":"refuse"})")->verdict == permission_verdict::refuse);
    for (auto const* bad : {"[]", "{}", R"({"id":"x"})", R"({"id":"x","verdict":"yes"})",
                            R"({"id":"x","verdict":true})", R"({"id":7,"verdict":"allow"})"}) {
        CAPTURE(bad);
        auto const wrong = read(bad);
        REQUIRE(!wrong);
        CHECK(wrong.error().status() == 400);
    }
}
