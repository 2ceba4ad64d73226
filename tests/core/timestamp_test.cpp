#include "mcp_provider/core/timestamp.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

namespace {

std::string written(std::chrono::system_clock::time_point moment) {
    std::string out = ">";
    mcp_provider::append_timestamp(out, moment);
    return out;
}

std::chrono::system_clock::time_point at(std::chrono::year_month_day day,
                                         std::chrono::microseconds time) {
    return std::chrono::sys_days{day} + time;
}

} // namespace

TEST_CASE("append_timestamp writes RFC 3339 in UTC with six digits of a second") {
    using namespace std::chrono;
    using namespace std::chrono_literals;

    CHECK(written(system_clock::time_point{}) == ">1970-01-01T00:00:00.000000Z");
    CHECK(written(at(2026y / 11 / 23, 2h + 49min + 17s + 123'456us)) ==
          ">2026-11-23T02:49:17.123456Z");
    CHECK(written(at(2024y / 2 / 29, 24h - 1us)) == ">2024-02-29T23:59:59.999999Z");
    CHECK(written(at(1969y / 12 / 31, 24h - 1us)) == ">1969-12-31T23:59:59.999999Z");
}

TEST_CASE("append_timestamp cuts nanoseconds off and never rounds up into the next second") {
    using namespace std::chrono;
    CHECK(written(system_clock::time_point{nanoseconds{1'999'999'999}}) ==
          ">1970-01-01T00:00:01.999999Z");
}
