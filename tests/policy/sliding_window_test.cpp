#include "mcp_provider/policy/sliding_window.hpp"

#include <chrono>
#include <cstddef>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

namespace {

/// The sentence itself: how many of `accepted` lie within the span that ends at `now`.
std::size_t count_naively(std::vector<steady_time> const& accepted, std::chrono::nanoseconds span,
                          steady_time now) {
    std::size_t count = 0;
    for (steady_time const one : accepted)
        if (one + span > now) ++count;
    return count;
}

} // namespace

TEST_CASE("sliding_window remembers the latest times in order, also after it has wrapped") {
    sliding_window window;
    for (int i = 1; i <= 10; ++i) window.accept(4, steady_time{std::chrono::seconds{i}});

    CHECK(window.size() == 4);
    for (int n = 1; n <= 4; ++n)
        CHECK(window.latest(static_cast<std::size_t>(n)) ==
              steady_time{std::chrono::seconds{11 - n}});
}

TEST_CASE("sliding_window says how long to wait, to the nanosecond") {
    sliding_window window;
    steady_time const start{100s};
    window.accept(2, start);
    window.accept(2, start + 1s);

    CHECK(window.wait_for(3, 10s, start + 1s) == 0s);
    CHECK(window.wait_for(2, 10s, start + 1s) == 9s);
    CHECK(window.wait_for(2, 10s, start + 10s - 1ns) == 1ns);
    CHECK(window.wait_for(2, 10s, start + 10s) == 0s);
    CHECK(window.wait_for(1, 10s, start + 10s) == 1s);
}

TEST_CASE(
    "sliding_window never admits more than the limit in any window and never refuses below it") {
    std::mt19937_64 random{20261123};
    for (int round = 0; round != 200; ++round) {
        std::size_t const limit = 1 + random() % 20;
        std::chrono::nanoseconds const span{static_cast<std::int64_t>(1 + random() % 50)};
        sliding_window window;
        std::vector<steady_time> accepted;
        steady_time now{1000ns};
        for (int step = 0; step != 400; ++step) {
            // Bursts and gaps: mostly at once or soon after, now and then after a whole window.
            now += std::chrono::nanoseconds{
                random() % 10 == 0 ? span.count() : static_cast<std::int64_t>(random() % 4)};
            std::size_t const inside = count_naively(accepted, span, now);
            bool const may = window.wait_for(limit, span, now) == 0ns;
            REQUIRE(inside <= limit);
            REQUIRE(may == (inside < limit));
            REQUIRE(window.count(span, now) == inside);
            if (!may) {
                // The wait is exact: it passes then, and not a nanosecond before.
                auto const then = now + window.wait_for(limit, span, now);
                REQUIRE(count_naively(accepted, span, then) < limit);
                REQUIRE(count_naively(accepted, span, then - 1ns) == limit);
                continue;
            }
            window.accept(limit, now);
            accepted.push_back(now);
        }
    }
}
