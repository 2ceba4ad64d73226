#include "mcp_provider/policy/concurrency_limit.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

TEST_CASE("concurrency_limit admits as many as there are places, over all routes, and one more "
          "when one has left") {
    auto const gauge = std::make_shared<concurrency_gauge>(2U);
    concurrency_limit const chat{gauge};
    concurrency_limit const embed{gauge};

    std::optional<concurrency_slot> first{*chat.on_request()};
    auto const second = embed.on_request();
    CHECK(gauge->running() == 2);
    auto const third = chat.on_request();
    REQUIRE(!third);
    CHECK(third.error().status() == 503);
    CHECK(third.error().retry_after() == 1s);
    CHECK(third.error().message() ==
          "server busy, please try again. maximum pending requests exceeded");
    CHECK(gauge->running() == 2);

    first.reset();
    CHECK(gauge->running() == 1);
    CHECK(chat.on_request());
}

TEST_CASE("a concurrency_slot that was moved from gives nothing back") {
    concurrency_gauge gauge{1};
    REQUIRE(gauge.try_enter());
    {
        concurrency_slot one{gauge};
        concurrency_slot const other{std::move(one)};
        CHECK(gauge.running() == 1);
    }
    CHECK(gauge.running() == 0);
}

TEST_CASE("concurrency_gauge never lets more in than it has places, with eight threads") {
    concurrency_gauge gauge{3};
    std::atomic<std::uint32_t> inside{0};
    std::atomic<std::uint32_t> most{0};
    std::vector<std::thread> threads;
    for (int t = 0; t != 8; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i != 20'000; ++i) {
                if (!gauge.try_enter()) continue;
                auto const now = ++inside;
                auto seen = most.load();
                while (now > seen && !most.compare_exchange_weak(seen, now)) {
                }
                --inside;
                gauge.leave();
            }
        });
    for (auto& one : threads) one.join();

    CHECK(most.load() <= 3);
    CHECK(gauge.running() == 0);
}
