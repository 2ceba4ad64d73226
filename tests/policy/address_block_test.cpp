#include "admitted.hpp"
#include "mcp_provider/policy/address_block.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::admitted_caller;
using testing::fake_peer;
using testing::fake_request;
using testing::manual_clock;
using testing::new_block_table;

namespace {

/// A block_table with its policy, asked by requests of one peer.
struct gate {
    explicit gate(block_rules rules = {}) : blocks{new_block_table(rules)} {}

    result<throttled> ask(http::peer const& peer) {
        fake_request asked;
        asked.from(peer);
        return address_block<manual_clock>{blocks, clock}.on_request(admitted_caller(asked));
    }

    manual_clock clock;
    std::shared_ptr<block_table> blocks;
};

} // namespace

TEST_CASE("address_block names the local user, and nobody where the kernel does not") {
    gate one;
    CHECK(one.ask(fake_peer{1000})->caller() == "uid:1000");
    CHECK(one.ask(fake_peer{4294967294U})->caller() == "uid:4294967294");
    CHECK(one.ask(fake_peer{std::nullopt})->caller().empty());
}

TEST_CASE("address_block takes all of loopback as one caller only if the operator says so") {
    block_rules rules;
    rules.whole_loopback = true;
    gate one{rules};

    CHECK(one.ask(fake_peer{std::nullopt})->caller() == "127.0.0.1");
    CHECK(one.ask(fake_peer{1000})->caller() == "uid:1000");
}

TEST_CASE("address_block refuses a blocked user until the block ends, and no other") {
    gate one;
    fake_peer const blocked{1000};
    one.blocks->block("uid:1000", 90s, one.clock.steady());

    auto const refused = one.ask(blocked);
    REQUIRE(!refused);
    CHECK(refused.error().status() == 403);
    CHECK(refused.error().message() == "this caller is blocked until 2026-01-01T00:01:30Z");
    CHECK(refused.error().retry_after() == 90s);
    CHECK(refused.error().security_event() == "blocked_caller");
    CHECK(one.ask(fake_peer{1001}));
    CHECK(one.ask(fake_peer{std::nullopt}));

    one.clock.advance(90s - 1ns);
    CHECK(!one.ask(blocked));
    one.clock.advance(1ns);
    CHECK(one.ask(blocked));
}

TEST_CASE("a full block_table keeps whom it knows and address_block refuses whom it does not") {
    block_rules rules;
    rules.max_callers = 2;
    gate one{rules};
    one.blocks->block("uid:1", 1h, one.clock.steady());
    one.ask(fake_peer{2})->note_failure(1);

    auto const refused = one.ask(fake_peer{3});
    REQUIRE(!refused);
    CHECK(refused.error().status() == 503);
    CHECK(refused.error().retry_after() == 60s);
    CHECK(one.ask(fake_peer{2}));
    CHECK(!one.blocks->block("uid:3", 1h, one.clock.steady()));
    CHECK(one.blocks->blocked_for("uid:1", one.clock.steady()) == 1h);

    one.clock.advance(5min); // the failure of user 2 no longer matters
    CHECK(one.ask(fake_peer{3}));
    CHECK(one.blocks->blocked_for("uid:1", one.clock.steady()));
}
