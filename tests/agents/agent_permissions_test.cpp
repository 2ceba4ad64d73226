#include "agents/permission_rules.hpp"
#include "agents/running_agents.hpp"

#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;

namespace {

/// Answers as it was told to, after a while.
class scripted_desk final : public permission_desk {
public:
    scripted_desk(permission_verdict verdict, std::chrono::milliseconds after)
        : verdict_{verdict}, after_{after} {}

    asio::awaitable<permission_verdict> ask(permission_question question,
                                            steady_time until) override {
        {
            std::lock_guard const lock{mutex_};
            asked_.push_back(std::move(question));
        }
        asio::steady_timer timer{co_await asio::this_coro::executor};
        timer.expires_at(std::min(until, std::chrono::steady_clock::now() + after_));
        std::error_code stopped;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        if (stopped) was_cancelled = true;
        co_return std::chrono::steady_clock::now() >= until ? permission_verdict::refuse : verdict_;
    }

    std::vector<permission_question> asked() {
        std::lock_guard const lock{mutex_};
        return asked_;
    }

    std::atomic<bool> was_cancelled = false;

private:
    permission_verdict verdict_;
    std::chrono::milliseconds after_;
    std::mutex mutex_;
    std::vector<permission_question> asked_;
};

running_agents::change allowing(std::vector<std::string> words) {
    return [words = std::move(words)](runtime_settings& to) {
        to.permissions = permission_rules{words};
    };
}

constexpr char const* refused = "[The agent was not permitted to use a tool: rm -rf / (execute)]";

} // namespace

TEST_CASE("permission_rules refuse everything unless something is named") {
    permission_question const reads{"read", "", "a file"};
    permission_question const runs{"execute", "Bash", "ls"};
    using decision = permission_rules::decision;

    CHECK(permission_rules{}.decide(reads) == decision::refuse);
    CHECK(permission_rules{{"refuse"}}.decide(reads) == decision::refuse);
    CHECK(permission_rules{{"ask"}}.decide(reads) == decision::ask);
    CHECK(permission_rules{{"read"}}.decide(reads) == decision::allow);
    CHECK(permission_rules{{"read"}}.decide(runs) == decision::refuse);
    CHECK(permission_rules{{"read", "ask"}}.decide(runs) == decision::ask);
    CHECK(permission_rules{{"Bash"}}.decide(runs) == decision::allow);
    CHECK(permission_rules{{"bash", "Read"}}.decide(runs) == decision::refuse);
    CHECK(permission_rules{{"refuse", "a file"}}.decide(permission_question{}) == decision::refuse);
}

TEST_CASE("what an agent wants to do is refused by default, and the answer says so") {
    running_agents agents;
    test_folder folder;
    std::string const file = (folder.path() / "file").string();

    CHECK(agents.ask("permit execute").text == refused);
    CHECK(agents.ask("write " + file).text ==
          "[The agent was not permitted to use a tool: rm -rf / (edit)]");
    CHECK_FALSE(std::filesystem::exists(file));
    CHECK(agents.ask("permit-many").text == "refused all"); // it went on without
}

TEST_CASE("what the operator names is allowed, for this once") {
    running_agents agents{{}, allowing({"edit"})};
    test_folder folder;
    std::string const file = (folder.path() / "file").string();

    CHECK(agents.ask("write " + file).text == "yes");
    CHECK(std::filesystem::exists(file));
    CHECK(agents.ask("permit execute").text == refused);
}

TEST_CASE("an agent that asks for ever fails") {
    running_agents agents{{}, [](runtime_settings& to) { to.max_permissions = 5; }};

    collected const got = agents.ask("permit-forever");

    REQUIRE(got.failed());
    CHECK(got.why->message() == "the agent asked for permissions again and again");
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("somebody is asked where the rules say so, and told who wants what") {
    auto const desk = std::make_shared<scripted_desk>(permission_verdict::allow, 20ms);
    running_agents agents{{}, allowing({"ask"}), desk};
    auto ask = saying("permit execute", "agent:latest");
    ask.caller = "key_1";

    CHECK(agents.ask(ask).text == "yes");

    auto const asked = desk->asked();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].caller == "key_1");
    CHECK(asked[0].agent == "acp");
    CHECK(asked[0].kind == "execute");
    CHECK(asked[0].title == "rm -rf /");
}

TEST_CASE("what nobody allows in time is refused, and so it is where nobody can be asked") {
    auto const late = std::make_shared<scripted_desk>(permission_verdict::allow, 60s);
    running_agents slow{{},
                        [](runtime_settings& to) {
                            to.permissions = permission_rules{{"ask"}};
                            to.permission_time = 50ms;
                        },
                        late};
    CHECK(slow.ask("permit execute").text == refused);

    running_agents alone{{}, allowing({"ask"})};
    CHECK(alone.ask("permit execute").text == refused);
}

TEST_CASE("a question whose request has gone is not waited for") {
    auto const desk = std::make_shared<scripted_desk>(permission_verdict::allow, 60s);
    running_agents agents{{}, allowing({"ask"}), desk};
    audited const proof = testing::audited_access::make();
    agent::conversation const ask = saying("permit execute", "agent:latest");
    auto const leave = [&]() -> asio::awaitable<void> {
        auto stream = co_await agents.runtime().generate(ask, proof);
        REQUIRE(stream);
        auto const first = co_await (*stream)->next();
        CHECK(first);
        CHECK(comes_true([&] { return desk->asked().size() == 1; }));
    };
    testing::run(leave());

    CHECK(comes_true([&] { return desk->was_cancelled.load(); }, 2s));
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }, 2s));
    CHECK(agents.ask("say hello").text == "hello");
}
