#include "mcp_provider/policy/rate_table.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::manual_clock;

namespace {

rate_rules rules_of(std::uint32_t most, std::chrono::seconds window, std::uint32_t burst = 0) {
    rate_rules rules;
    rules.max_requests = most;
    rules.window = window;
    rules.burst = burst;
    return rules;
}

bool admits(rate_table& table, std::string_view session, std::string_view client,
            manual_clock const& clock) {
    return table.admit(session, client, clock.steady()).is == rate_table::answer::admitted;
}

/// Both sentences of the limit, by counting.
class oracle {
public:
    explicit oracle(rate_rules rules) : rules_{rules} {}

    [[nodiscard]] bool may(std::string const& key, steady_time now) const {
        return count(key, rules_.window, now) < rules_.max_requests &&
               (rules_.burst == 0 || count(key, 1s, now) < rules_.burst);
    }
    void accept(std::string const& key, steady_time now) { accepted_[key].push_back(now); }
    [[nodiscard]] std::size_t count(std::string const& key, std::chrono::nanoseconds span,
                                    steady_time now) const {
        auto const at = accepted_.find(key);
        if (at == accepted_.end()) return 0;
        std::size_t inside = 0;
        for (steady_time const one : at->second)
            if (one + span > now) ++inside;
        return inside;
    }

private:
    rate_rules rules_;
    std::map<std::string, std::vector<steady_time>> accepted_;
};

} // namespace

TEST_CASE(
    "rate_table admits the limit in a window and not one more, for a session and for its client") {
    rate_table table{rules_of(3, 60s)};
    manual_clock clock;
    CHECK(admits(table, "ses_1", "uid:1", clock));
    CHECK(admits(table, "ses_1", "uid:1", clock));
    CHECK(admits(table, "ses_2", "uid:1", clock));

    CHECK(!admits(table, "ses_1", "uid:1", clock));
    CHECK(!admits(table, "ses_3", "uid:1", clock));
    CHECK(admits(table, "ses_4", "uid:2", clock));

    clock.advance(60s - 1ns);
    CHECK(!admits(table, "ses_1", "uid:1", clock));
    clock.advance(1ns);
    CHECK(admits(table, "ses_1", "uid:1", clock));
}

TEST_CASE("a refusal of rate_table consumes nothing, neither for the session nor for the client") {
    rate_table table{rules_of(2, 60s)};
    manual_clock clock;
    CHECK(admits(table, "ses_1", "uid:1", clock));
    CHECK(admits(table, "ses_2", "uid:1", clock));
    for (int i = 0; i != 50; ++i)
        CHECK(!admits(table, "ses_1", "uid:1", clock)); // for the client's sake

    CHECK(admits(table, "ses_1", "uid:2", clock)); // the session had used one only
    CHECK(!admits(table, "ses_1", "uid:3", clock));
    CHECK(admits(table, "ses_3", "uid:3", clock));
    CHECK(admits(table, "ses_4", "uid:3", clock));
}

TEST_CASE("rate_table bounds a burst in any one second") {
    rate_table table{rules_of(100, 300s, 2)};
    manual_clock clock;
    CHECK(admits(table, "s", "c", clock));
    CHECK(admits(table, "s", "c", clock));
    auto const refused = table.admit("s", "c", clock.steady());
    CHECK(refused.is == rate_table::answer::too_fast);
    CHECK(refused.budget.reset == 1s);
    CHECK(refused.budget.remaining == 98);

    clock.advance(1s);
    CHECK(admits(table, "s", "c", clock));
}

TEST_CASE("rate_table tells what is left of the tighter limit and when that grows") {
    rate_table table{rules_of(3, 60s)};
    manual_clock clock;
    CHECK(table.admit("s", "c", clock.steady()).budget.remaining == 2);
    clock.advance(10s);
    auto const second = table.admit("other", "c", clock.steady()).budget;
    CHECK(second.limit == 3);
    CHECK(second.remaining == 1);
    CHECK(second.reset == 50s);
    CHECK(table.admit("s", "c", clock.steady()).budget.remaining == 0);

    auto const refused = table.admit("s", "c", clock.steady());
    CHECK(refused.budget.remaining == 0);
    CHECK(refused.budget.reset == 50s);
}

TEST_CASE("rate_table is exact for random traffic of many sessions and clients") {
    std::mt19937_64 random{7};
    for (int round = 0; round != 30; ++round) {
        auto const rules = rules_of(static_cast<std::uint32_t>(2 + random() % 8),
                                    std::chrono::seconds{2 + random() % 5},
                                    static_cast<std::uint32_t>(random() % 4));
        rate_table table{rules};
        oracle expected{rules};
        manual_clock clock;
        for (int step = 0; step != 500; ++step) {
            clock.advance(
                std::chrono::milliseconds{random() % 3 == 0 ? random() % 1500 : random() % 50});
            std::string const session = "ses_" + std::to_string(random() % 4);
            std::string const client = "uid:" + std::to_string(random() % 3);
            auto const now = clock.steady();
            bool const may = expected.may(session, now) && expected.may(client, now);
            auto const decided = table.admit(session, client, now);
            REQUIRE((decided.is == rate_table::answer::admitted) == may);
            if (may) {
                expected.accept(session, now);
                expected.accept(client, now);
            } else {
                auto const then = now + decided.budget.reset;
                REQUIRE(expected.may(session, then));
                REQUIRE(expected.may(client, then));
                REQUIRE(!(expected.may(session, then - 1ns) && expected.may(client, then - 1ns)));
            }
            auto const used = std::max(expected.count(session, rules.window, now),
                                       expected.count(client, rules.window, now));
            REQUIRE(decided.budget.remaining == rules.max_requests - used);
        }
    }
}

TEST_CASE("rate_table admits exactly the limit to eight threads that ask at the same moment") {
    constexpr std::uint32_t limit = 500;
    rate_table table{rules_of(limit, 10s)};
    manual_clock clock;
    for (int window = 0; window != 3; ++window) {
        std::atomic<std::uint32_t> admitted{0};
        std::vector<std::thread> threads;
        for (int t = 0; t != 8; ++t)
            threads.emplace_back([&, t] {
                // Sessions and one client in both orders of their shards; each session alone is below its limit.
                std::string const session = "ses_" + std::to_string(t);
                for (int i = 0; i != 400; ++i)
                    if (admits(table, session, "uid:1", clock)) ++admitted;
            });
        for (auto& one : threads) one.join();
        CHECK(admitted.load() == limit);
        clock.advance(10s);
    }
}

TEST_CASE("rate_table takes a time that was read before another thread's as no earlier than that") {
    rate_table table{rules_of(2, 10s)};
    manual_clock clock;
    auto const earlier = clock.steady();
    clock.advance(5s);
    CHECK(admits(table, "s", "c", clock));
    CHECK(table.admit("s", "c", earlier).is == rate_table::answer::admitted);

    clock.advance(10s - 1ns);
    CHECK(!admits(table, "s", "c", clock));
    clock.advance(1ns);
    CHECK(admits(table, "s", "c", clock));
}

TEST_CASE("a full rate_table refuses new callers and forgets none before its window has passed") {
    auto rules = rules_of(1, 60s);
    rules.max_keys = 4;
    rate_table table{rules};
    manual_clock clock;
    CHECK(admits(table, "ses_1", "uid:1", clock));
    clock.advance(30s);
    CHECK(admits(table, "ses_2", "uid:2", clock));

    CHECK(table.admit("ses_3", "uid:3", clock.steady()).is == rate_table::answer::table_full);
    CHECK(table.admit("ses_1", "uid:1", clock.steady()).is == rate_table::answer::too_fast);

    clock.advance(30s); // the first two are idle now
    CHECK(admits(table, "ses_3", "uid:3", clock));
    CHECK(table.admit("ses_2", "uid:2", clock.steady()).is == rate_table::answer::too_fast);
    CHECK(table.admit("ses_1", "uid:1", clock.steady()).is == rate_table::answer::table_full);
}

TEST_CASE("rate_table needs a limit and a window") {
    CHECK_THROWS_AS(rate_table{rules_of(0, 60s)}, std::invalid_argument);
    CHECK_THROWS_AS(rate_table{rules_of(1, 0s)}, std::invalid_argument);
}
