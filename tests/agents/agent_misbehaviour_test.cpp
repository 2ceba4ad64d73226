// What agents do wrong, and what becomes of it: a clear answer or error each time, and no other request suffers.
#include "agents/agent_runtime.hpp"
#include "agents/running_agents.hpp"

#include <asio/co_spawn.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;
using agent::finish_reason;

namespace {

/// Asks on another thread, as another client does.
class other_client {
public:
    other_client(running_agents& of, std::string text)
        : thread_{[this, &of, said = std::move(text)] { got_ = of.ask(said); }} {}
    ~other_client() {
        if (thread_.joinable()) thread_.join();
    }
    collected const& answer() {
        thread_.join();
        return got_;
    }

private:
    collected got_;
    std::thread thread_;
};

/// Takes some deltas of an answer, and leaves.
asio::awaitable<std::size_t> take_and_leave(agent::agent& from, agent::conversation const& ask,
                                            std::size_t most) {
    audited const proof = testing::audited_access::make();
    auto stream = co_await from.generate(ask, proof);
    std::size_t taken = 0;
    while (stream && taken != most) {
        auto const piece = co_await (*stream)->next();
        if (!piece) break;
        ++taken;
    }
    co_return taken;
}

} // namespace

TEST_CASE("an agent that is not installed is named, and where it was looked for") {
    running_agents agents{other_program{{"no-such-agent", "acp"}}, {}};

    collected const got = agents.ask("say hello");

    REQUIRE(got.failed());
    CHECK(got.why->code() == rejection_code::upstream_failed);
    CHECK(got.why->reason() == "agent_not_installed");
    CHECK(got.why->message().find("no-such-agent in PATH, which is /usr/bin:/bin") !=
          std::string::npos);
    CHECK_FALSE(got.opened);
}

TEST_CASE("an agent that is not logged in says how to log in") {
    running_agents agents{{"login"}};

    collected const got = agents.ask("say hello");

    REQUIRE(got.failed());
    CHECK(got.why->reason() == "agent_login");
    CHECK(got.why->message() == "the agent is not logged in; it offers: Log in with a browser");
}

TEST_CASE("an agent that cannot be used says why") {
    std::vector<std::pair<std::string, std::string>> const wrong{
        {"exit", "it exited with status 3"},
        {"protocol", "does not speak version 1"},
        {"garbage", "it writes what is no JSON-RPC"}};
    for (auto const& [how, told] : wrong) {
        running_agents agents{{how}};
        collected const got = agents.ask("say hello");
        REQUIRE(got.failed());
        CHECK(got.why->code() == rejection_code::upstream_failed);
        CHECK_MESSAGE(got.why->message().find(told) != std::string::npos, got.why->message());
    }
}

TEST_CASE("an agent that never shakes hands is given up in time") {
    running_agents agents{{"deaf"}, [](runtime_settings& to) { to.pool.start_time = 100ms; }};

    collected const got = agents.ask("say hello");

    REQUIRE(got.failed());
    CHECK(got.why->message() == "the agent did not answer initialize in time");
}

TEST_CASE("an agent may print a banner, and flood its standard error") {
    running_agents agents{{"banner", "flood"}};
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("an agent that ends in the middle fails that answer, and is there again for the next") {
    running_agents agents;
    for (char const* const how : {"exit", "crash", "garbage", "broken", "long 100000000"}) {
        other_client other{agents, "never"};
        CHECK(comes_true([&] { return agents.runtime().state().turns == 1; }));
        collected const got = agents.ask(how);
        REQUIRE(got.failed());
        CHECK(got.opened);
        CHECK(got.why->code() == rejection_code::upstream_failed);
        CHECK(got.why->message() == "the agent ended before it answered session/prompt");
        CHECK(other.answer().failed());
        CHECK(agents.ask("say again").text == "again");
    }
}

TEST_CASE("an error of the agent is told, without its secrets, and the agent lives on") {
    running_agents agents;

    collected const got = agents.ask("error");

    REQUIRE(got.failed());
    CHECK(got.why->message() ==
          "the agent refused session/prompt: the model is on holiday, key ***");
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("an agent that shows no sign of life fails in time, and is stopped") {
    running_agents agents{{},
                          [](runtime_settings& to) { to.stream_time = to.request_time = 150ms; }};

    collected const got = agents.ask("never");

    REQUIRE(got.failed());
    CHECK(got.why->code() == rejection_code::timed_out);
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }));
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("an agent that answers for ever ends at the bound of an answer") {
    running_agents agents{{}, [](runtime_settings& to) { to.max_answer_bytes = 100'500; }};

    collected const got = agents.ask("forever");

    CHECK(got.reason == finish_reason::length);
    CHECK(got.text.size() == 100'500);
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }));
}

TEST_CASE("an agent that answers for ever is held up by a client that does not read, and stops "
          "when it leaves") {
    running_agents agents;
    asio::io_context client{1};
    agent::conversation const ask = saying("forever", "agent:latest");
    audited const proof = testing::audited_access::make();
    std::unique_ptr<agent::delta_stream> stream;
    auto const begin = [&]() -> asio::awaitable<void> {
        auto begun = co_await agents.runtime().generate(ask, proof);
        REQUIRE(begun);
        stream = *std::move(begun);
        auto const first = co_await stream->next();
        CHECK(first);
    };
    asio::co_spawn(client, begin(), [](std::exception_ptr) {});
    client.run();

    std::this_thread::sleep_for(300ms); // the agent would have written hundreds of megabytes
    CHECK(agents.runtime().state().turns == 1);
    stream.reset();
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }, 2s));
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("a client that leaves stops its answer within 100 ms, and no other one") {
    running_agents agents;
    other_client other{agents, "count 40 10"};
    agent::conversation const ask = saying("count 1000000 5", "agent:latest");

    CHECK(testing::run(take_and_leave(agents.runtime(), ask, 4)) == 4);

    CHECK(comes_true([&] { return agents.runtime().state().turns <= 1; }, 150ms));
    CHECK(other.answer().finished);
    CHECK(agents.runtime().state().ready == 1);
    // Of the other one: what was cancelled is not kept. Its client has read the end before it is.
    CHECK(comes_true([&] { return agents.runtime().state().sessions == 1; }));
}

TEST_CASE(
    "an agent that does not stop when it is told to is killed, but not under others' answers") {
    running_agents agents{{}, [](runtime_settings& to) { to.cancel_time = 100ms; }};
    other_client other{agents, "count 60 10"};
    agent::conversation const ask = saying("stubborn", "agent:latest");

    CHECK(testing::run(take_and_leave(agents.runtime(), ask, 4)) == 4);

    CHECK(other.answer().finished);
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }));
    CHECK(agents.ask("say hello").text == "hello");
}

TEST_CASE("an answer ends at a stop sequence, and its session is not continued") {
    running_agents agents;
    auto ask = saying("say one two stop here please", "agent:latest");
    ask.stop = {"op he", "never"};

    collected const got = agents.ask(ask);

    CHECK(got.text == "one two st");
    CHECK(got.reason == finish_reason::stop);
    CHECK(comes_true([&] { return agents.runtime().state().turns == 0; }));
    CHECK(agents.runtime().state().sessions == 0);
}

TEST_CASE("how an agent stopped is told, and what it counted") {
    running_agents agents;
    CHECK(agents.ask("stop max_tokens").reason == finish_reason::length);
    CHECK(agents.ask("stop max_turn_requests").reason == finish_reason::length);
    CHECK(agents.ask("stop refusal").reason == finish_reason::content_filter);
    CHECK(agents.ask("stop end_turn").reason == finish_reason::stop);
    CHECK(agents.ask("stop new_reason").reason == finish_reason::stop);
    CHECK(agents.ask("stop cancelled").failed()); // nobody had told it to

    collected const counted = agents.ask("usage");
    CHECK(counted.used.prompt_tokens == 11);
    CHECK(counted.used.completion_tokens == 7);
    collected const estimated = agents.ask("say 12345678");
    CHECK(estimated.used.prompt_tokens == 3);
    CHECK(estimated.used.completion_tokens == 2);
    CHECK(agents.ask("silent").finished);
}

TEST_CASE("pieces that come behind the end still belong to the answer, later ones to none") {
    running_agents agents;
    CHECK(agents.ask("late").text == "early late");
    CHECK(agents.ask("twice").text == "once");

    running_agents fresh;
    auto talk = saying("stray", "agent:latest");
    collected const first = fresh.ask(talk);
    CHECK(first.text == "early");
    CHECK(comes_true([&] { return fresh.runtime().state().sessions == 1; }));
    std::this_thread::sleep_for(300ms); // the stray piece spoils the session
    talk.messages.emplace_back(agent::role::assistant, first.text);
    talk.messages.emplace_back(agent::role::user, "session");
    CHECK(fresh.ask(talk).text.ends_with(" 1"));
}

TEST_CASE("every request of the agent is answered, also one that no client has") {
    running_agents agents;
    CHECK(agents.ask("ask").text == "refused with -32601");
}

TEST_CASE("an agent's descendants go with it") {
    test_folder folder;
    std::filesystem::path const ids = folder.path() / "ids";
    {
        running_agents agents{{"family=" + ids.string()}};
        CHECK(agents.ask("say hello").text == "hello");
        CHECK(agents.ask("crash").failed());
        CHECK(agents.ask("say hello").text == "hello"); // a second family
    }
    std::ifstream in{ids};
    std::size_t count = 0;
    for (pid_t id = 0; in >> id; ++count) CHECK(::kill(id, 0) != 0);
    CHECK(count == 4);
}

TEST_CASE("an agent works in an empty folder of its own, which goes with it") {
    std::filesystem::path folder;
    {
        running_agents agents;
        folder = agents.ask("cwd").text;
        CHECK(folder.parent_path() == agents.folder() / "scratch");
        CHECK(std::filesystem::is_empty(folder));
        CHECK(agents.ask("crash").failed());
        std::filesystem::path const second = agents.ask("cwd").text;
        CHECK(second != folder);
        CHECK_FALSE(std::filesystem::exists(folder));
        folder = second;
    }
    CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("an agent sees the environment that it was given, and OpenCode must ask") {
    running_agents agents;
    CHECK(agents.ask("env").text == "PATH=/usr/bin:/bin\nFAKE_API_KEY=sk-secret-123456\n"
                                    "OPENCODE_PERMISSION={\"*\":\"ask\"}\n");
}

TEST_CASE("requests wait for a process in order, up to a bound") {
    // A process that is being started is waited for, by as many as may wait.
    running_agents agents{{"slow=200"}, [](runtime_settings& to) { to.max_waiting = 2; }};
    other_client first{agents, "say one"};
    CHECK(comes_true([&] { return agents.runtime().state().waiting == 1; }));
    other_client second{agents, "say two"};
    CHECK(comes_true([&] { return agents.runtime().state().waiting == 2; }));

    collected const third = agents.ask("say three");

    REQUIRE(third.failed());
    CHECK(third.why->code() == rejection_code::overloaded);
    CHECK(third.why->reason() == "agents_busy");
    CHECK(third.why->retry_after().has_value());
    CHECK(first.answer().text == "one");
    CHECK(second.answer().text == "two");
}

TEST_CASE("a server that stops ends its answers and its agents at once") {
    auto agents = std::make_unique<running_agents>();
    other_client waiting{*agents, "never"};
    CHECK(comes_true([&] { return agents->runtime().state().turns == 1; }));

    auto const begun = std::chrono::steady_clock::now();
    agents->runtime().stop();

    CHECK(std::chrono::steady_clock::now() - begun < 2s);
    collected const& got = waiting.answer();
    REQUIRE(got.failed());
    CHECK(got.why->code() == rejection_code::overloaded);
    CHECK(agents->ask("say hello").failed());
}
