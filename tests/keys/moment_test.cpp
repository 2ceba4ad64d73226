#include "keys/moment.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider::server;
using namespace std::chrono_literals;

TEST_CASE("a moment is written as RFC 3339 in UTC and read back") {
    moment const leap_day =
        std::chrono::sys_days{std::chrono::year{2028} / 2 / 29} + 23h + 59min + 58s;

    CHECK(to_text(leap_day) == "2028-02-29T23:59:58Z");
    CHECK(read_moment("2028-02-29T23:59:58Z") == leap_day);
    CHECK(to_text(moment{}) == "1970-01-01T00:00:00Z");
}

TEST_CASE("nothing but that form is a moment") {
    for (std::string_view const text :
         {"", "2026-11-23", "2026-11-23T02:49:17", "2026-11-23T02:49:17+00:00",
          "2026-11-23t02:49:17z", "2026-11-23 02:49:17Z", "2026-02-29T02:49:17Z",
          "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-31T00:00:00Z",
          "2026-11-23T24:00:00Z", "2026-11-23T02:60:17Z", "2026-11-23T02:49:60Z",
          "2026-11-23T02:49:17.0Z", "+026-11-23T02:49:17Z", "2026-11-23T02:49:1 Z",
          " 2026-11-23T02:49:17Z"}) {
        CAPTURE(text);
        CHECK_FALSE(read_moment(text).has_value());
    }
}
