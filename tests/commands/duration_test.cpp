#include "commands/duration.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

TEST_CASE("a duration is a number and a unit") {
    CHECK(read_duration("90s") == 90s);
    CHECK(read_duration("15m") == 15min);
    CHECK(read_duration("24h") == 24h);
    CHECK(read_duration("30d") == std::chrono::days{30});
    CHECK(read_duration("8w") == std::chrono::weeks{8});
    CHECK(read_duration("3650d") == std::chrono::days{3650});
}

TEST_CASE("anything else is no duration") {
    for (std::string_view const text :
         {"", "d", "30", "0d", "-1d", "+1d", "1.5h", "1 d", "1dd", "1h30m", "1y", "3651d", "522w",
          "4294967296s", "99999999999999999999s"}) {
        CAPTURE(text);
        CHECK_FALSE(read_duration(text).has_value());
    }
}
