#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using testing::pace;
using testing::script;

/// Asks, and takes `steps` deltas as `kind:text` lines; how many were ready before they were asked for, at the end.
asio::awaitable<std::string> take(agent::agent& from, int steps) {
    agent::conversation const ask;
    audited const proof = testing::audited_access::make();
    std::string lines;
    int ready = 0;
    auto begun = co_await from.generate(ask, proof);
    if (!begun) co_return begun.error().message();
    std::unique_ptr<agent::delta_stream> const deltas = std::move(begun).value();
    for (int i = 0; i != steps; ++i) {
        if (deltas->ready()) ++ready;
        auto const piece = co_await deltas->next();
        if (!piece) co_return lines + piece.error().message();
        lines +=
            std::to_string(static_cast<int>(piece->what)) + ':' + std::string{piece->text} + '\n';
    }
    co_return lines + std::to_string(ready);
}

} // namespace

TEST_CASE("fake_agent plays its script, split or coalesced") {
    script answer;
    answer.opened().text("a").reasoning("b").call(0, "id", "f", "{}").finished();
    testing::fake_agent agent{{}};

    agent.plays(answer, pace::split);
    CHECK(testing::run(take(agent, 5)) == "0:\n1:a\n2:b\n3:{}\n4:\n0");
    agent.plays(answer, pace::coalesced);
    CHECK(testing::run(take(agent, 5)) == "0:\n1:a\n2:b\n3:{}\n4:\n5");
    CHECK(agent.requests() == 2);
    CHECK(agent.abandoned() == 0);
}

TEST_CASE("fake_agent counts the streams that are dropped before their end") {
    script answer;
    answer.opened().text("a").finished();
    testing::fake_agent agent{{}};
    agent.plays(answer);

    CHECK(testing::run(take(agent, 2)) == "0:\n1:a\n0");

    CHECK(agent.abandoned() == 1);
}

TEST_CASE("fake_agent fails where its script says so, and refuses when it is told to") {
    script answer;
    answer.opened().fails(rejection{rejection_code::upstream_failed, "gone"});
    testing::fake_agent agent{{}};
    agent.plays(answer);

    CHECK(testing::run(take(agent, 3)) == "0:\ngone");
    agent.refuses(rejection{rejection_code::overloaded, "full"});
    CHECK(testing::run(take(agent, 3)) == "full");
}
