#include "mcp_provider/policy/exchange_counters.hpp"

#include <chrono>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE("duration_tally puts a time that equals a bound below it, as Prometheus does") {
    duration_tally tally;
    tally.observe(1ms);
    tally.observe(1ms + 1ns);
    tally.observe(1h);
    tally.observe(-1ns);

    CHECK(duration_tally::bounds[1] == 0.001);
    CHECK(tally.bucket(0) == 1);
    CHECK(tally.bucket(1) == 1);
    CHECK(tally.bucket(2) == 1);
    CHECK(tally.bucket(duration_tally::bounds.size()) == 1);
    CHECK(tally.sum_seconds() > 3600.0);
}
