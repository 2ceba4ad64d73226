#include "mcp_provider/policy/end_time.hpp"

#include <chrono>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE("utc_text writes seconds of UTC") {
    CHECK(utc_text(system_time{}) == "1970-01-01T00:00:00Z");
    CHECK(utc_text(system_time{std::chrono::seconds{1'767'225'599}}) == "2025-12-31T23:59:59Z");
    CHECK(utc_text(system_time{std::chrono::seconds{1'709'164'800}} + 900ms) ==
          "2024-02-29T00:00:00Z");
}

TEST_CASE("whole_seconds rounds up, so that who waits them is not refused again") {
    CHECK(whole_seconds(1ns) == 1s);
    CHECK(whole_seconds(1s) == 1s);
    CHECK(whole_seconds(1s + 1ns) == 2s);
    CHECK(whole_seconds(0ns) == 0s);
}
