#include "mcp_provider/core/rejection.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE("each rejection_code has one status of its own, and all are errors") {
    std::uint16_t before = 399;
    for (int i = 0; i <= static_cast<int>(rejection_code::version_unsupported); ++i) {
        auto const status = status_of(static_cast<rejection_code>(i));
        CHECK(status > before); // in the order of the enumeration, so no two are the same
        CHECK(status < 600);
        before = status;
    }
    CHECK(before == 505);
}

TEST_CASE("a rejection says what, where, why and when to come again") {
    auto const why = rejection{rejection_code::rate_limited, "too fast"}
                         .because("rate_limit_exceeded")
                         .at("/messages/0")
                         .come_again_in(7s)
                         .as_security_event("rate_limit_exceeded")
                         .with_field("x-limit", "3")
                         .with_field("x-left", "0")
                         .and_close();
    rejection const copy = why;

    CHECK(copy.code() == rejection_code::rate_limited);
    CHECK(copy.status() == 429);
    CHECK(copy.message() == "too fast");
    CHECK(copy.reason() == "rate_limit_exceeded");
    CHECK(copy.where() == "/messages/0");
    CHECK(copy.retry_after() == 7s);
    CHECK(copy.security_event() == "rate_limit_exceeded");
    CHECK(copy.closes_connection());
    REQUIRE(copy.fields().size() == 2);
    CHECK(copy.fields()[1].first == "x-left");
    CHECK(copy.fields()[1].second == "0");
}

TEST_CASE("a plain rejection has nothing but its message") {
    rejection const why{rejection_code::internal, "our fault"};

    CHECK(why.reason().empty());
    CHECK(why.where().empty());
    CHECK(!why.retry_after());
    CHECK(why.security_event().empty());
    CHECK(why.fields().empty());
    CHECK(!why.closes_connection());
}
