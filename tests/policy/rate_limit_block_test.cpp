#include "mcp_provider/policy/rate_limit.hpp"
#include "tap.hpp"

#include <chrono>
#include <optional>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::tap;

TEST_CASE(
    "rate_limit calls the third refusal suspicious, blocks at the fourth, and the block ends") {
    tap one;
    CHECK(one.ask("key_1", 1000));
    CHECK(one.ask("key_1", 1000));
    CHECK(one.ask("key_1", 1000).error().security_event() == "rate_limit_exceeded");
    CHECK(one.ask("key_1", 1000).error().security_event() == "rate_limit_exceeded");
    CHECK(one.ask("key_1", 1000).error().security_event() == "suspicious_caller");
    CHECK(one.ask("key_1", 1000).error().security_event() == "caller_blocked");

    CHECK(one.ask("key_1", 1000).error().status() == 403);
    CHECK(one.ask("key_9", 1000).error().status() == 403); // the user is blocked, whatever the key
    CHECK(one.ask("key_9", 1001));
    one.clock.advance(15min);
    CHECK(one.ask("key_1", 1000));
}

TEST_CASE("rate_limit blocks the key where no local user is known") {
    tap one;
    for (int i = 0; i != 6; ++i) CHECK(one.ask("key_1", std::nullopt).has_value() == (i < 2));

    CHECK(one.blocks->blocked_for("key_1", one.clock.steady()));
    CHECK(!one.blocks->blocked_for("127.0.0.1", one.clock.steady()));
    CHECK(one.ask("key_2", std::nullopt));
}
