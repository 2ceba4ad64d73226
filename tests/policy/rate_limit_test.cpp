#include "mcp_provider/policy/rate_limit.hpp"
#include "tap.hpp"

#include <chrono>
#include <optional>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::manual_clock;
using testing::tap;

namespace {

std::string_view field_of(rejection const& why, std::string_view name) {
    for (auto const& [one, value] : why.fields())
        if (one == name) return value;
    return {};
}

} // namespace

TEST_CASE("rate_limit keeps one budget per session and one per local user") {
    tap one;
    CHECK(one.ask("key_1", 1000)->remaining == 1);
    CHECK(one.ask("key_2", 1000)->remaining == 0); // the user's second, the session's first
    CHECK(one.ask("key_1", 1000).error().status() == 429);
    CHECK(one.ask("key_1", 1001)->remaining == 0);
    CHECK(one.ask("key_3", 1002)->remaining == 1);
}

TEST_CASE(
    "rate_limit counts by principal where no local user is known, and never by all of loopback") {
    tap one;
    CHECK(one.ask("key_1", std::nullopt));
    CHECK(one.ask("key_1", std::nullopt));
    CHECK(!one.ask("key_1", std::nullopt));
    CHECK(one.ask("key_2", std::nullopt));
}

TEST_CASE("rate_limit refuses with everything that a client needs to come back in time") {
    tap one;
    CHECK(one.ask("key_1", 1000));
    one.clock.advance(500ms);
    CHECK(one.ask("key_1", 1000));

    auto const refused = one.ask("key_1", 1000);

    REQUIRE(!refused);
    CHECK(refused.error().status() == 429);
    CHECK(refused.error().reason() == "rate_limit_exceeded");
    CHECK(refused.error().retry_after() == 100s); // 99.5, rounded up
    CHECK(refused.error().message() ==
          "rate limit: at most 2 requests in 100 s; try again in 100 s");
    CHECK(refused.error().security_event() == "rate_limit_exceeded");
    CHECK(field_of(refused.error(), "x-ratelimit-limit-requests") == "2");
    CHECK(field_of(refused.error(), "x-ratelimit-remaining-requests") == "0");
    CHECK(field_of(refused.error(), "x-ratelimit-reset-requests") == "1m40s");
    CHECK(field_of(refused.error(), "x-should-retry") == "false");
}

TEST_CASE("rate_limit lets the SDKs retry by themselves where they would wait at most a minute") {
    tap one;
    CHECK(one.ask("key_1", 1000));
    CHECK(one.ask("key_1", 1000));
    one.clock.advance(40s - 1ns);
    CHECK(field_of(one.ask("key_1", 1000).error(), "x-should-retry") == "false");
    one.clock.advance(1ns);
    auto const refused = one.ask("key_1", 1000);
    CHECK(refused.error().retry_after() == 60s);
    CHECK(field_of(refused.error(), "x-should-retry").empty());
}

TEST_CASE("rate_limit names the burst allowance") {
    auto rules = tap::two_in_100_seconds();
    rules.max_requests = 100;
    rules.burst = 1;
    tap one{rules};
    CHECK(one.ask("key_1", 1000));

    auto const refused = one.ask("key_1", 1000);

    CHECK(refused.error().message() ==
          "rate limit: at most 100 requests in 100 s and 1 in one second; try again in 1 s");
    CHECK(refused.error().retry_after() == 1s);
}

TEST_CASE("rate_limit can be switched off") {
    auto rules = tap::two_in_100_seconds();
    rules.enabled = false;
    tap one{rules};
    for (int i = 0; i != 10; ++i) CHECK(one.ask("key_1", 1000)->limit == 0);

    http::response answer{200};
    rate_budget const none{};
    rate_limit<manual_clock>{one.limits, one.clock}.on_response(http::request{}, answer, &none);
    CHECK(answer.fields().size() == 0);
}

TEST_CASE("a full table of rate_limit refuses whom it does not know") {
    auto rules = tap::two_in_100_seconds();
    rules.max_keys = 2;
    tap one{rules};
    CHECK(one.ask("key_1", 1000));

    CHECK(one.ask("key_2", 1001).error().status() == 503);
    CHECK(one.ask("key_1", 1000));
}

TEST_CASE("rate_limit tells what is left on answers") {
    tap one;
    auto const budget = one.ask("key_1", 1000);
    http::response answer{200};
    http::response refused_earlier{401};
    rate_limit<manual_clock> const policy{one.limits, one.clock};

    policy.on_response(http::request{}, answer, &*budget);
    policy.on_response(http::request{}, refused_earlier, nullptr);

    CHECK(answer.fields().get("x-ratelimit-limit-requests") == "2");
    CHECK(answer.fields().get("x-ratelimit-remaining-requests") == "1");
    CHECK(answer.fields().get("x-ratelimit-reset-requests") == "1m40s");
    CHECK(refused_earlier.fields().size() == 0);
}

TEST_CASE("reset_text writes times as OpenAI does") {
    CHECK(reset_text(0ns) == "0ms");
    CHECK(reset_text(1ns) == "1ms");
    CHECK(reset_text(12ms) == "12ms");
    CHECK(reset_text(999ms) == "999ms");
    CHECK(reset_text(1s) == "1s");
    CHECK(reset_text(1s + 1ns) == "2s");
    CHECK(reset_text(6min) == "6m0s");
    CHECK(reset_text(1h + 2min + 3s) == "1h2m3s");
    CHECK(reset_text(2h) == "2h0m0s");
}
