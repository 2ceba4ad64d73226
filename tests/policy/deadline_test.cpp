#include "mcp_provider/policy/deadline.hpp"

#include <chrono>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE("deadline provides the limits it was made with") {
    time_limits limits;
    limits.to_first_byte = 30s;
    limits.between_bytes = 60s;

    auto const given = deadline{limits}.on_request();

    CHECK(given->to_first_byte == 30s);
    CHECK(given->between_bytes == 60s);
}
