#include "admitted.hpp"
#include "mcp_provider/policy/address_block.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::admitted_caller;
using testing::fake_peer;
using testing::fake_request;
using testing::manual_clock;

namespace {

/// A block_table with its policy, asked by requests of one peer.
struct gate {
    explicit gate(block_rules rules = {}) : blocks{std::make_shared<block_table>(rules)} {}

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

TEST_CASE("block_table blocks at the twentieth distinct wrong token within five minutes") {
    block_table blocks;
    manual_clock clock;
    for (std::uint64_t token = 1; token <= 19; ++token)
        for (int again = 0; again != 3; ++again)
            CHECK(blocks.note_failure("uid:7", token, clock.steady()) ==
                  block_table::verdict::counted);
    CHECK(!blocks.blocked_for("uid:7", clock.steady()));

    CHECK(blocks.note_failure("uid:7", 20, clock.steady()) == block_table::verdict::blocked);

    CHECK(blocks.blocked_for("uid:7", clock.steady()) == 24h);
    CHECK(!blocks.blocked_for("uid:8", clock.steady()));
}

TEST_CASE("block_table forgets a wrong token after its window") {
    block_table blocks;
    manual_clock clock;
    for (std::uint64_t token = 1; token <= 19; ++token)
        blocks.note_failure("uid:7", token, clock.steady());
    clock.advance(5min);

    CHECK(blocks.note_failure("uid:7", 20, clock.steady()) == block_table::verdict::counted);
}

TEST_CASE("block_table calls a caller suspicious at the third refusal for rate and blocks it at "
          "the fourth") {
    block_table blocks;
    manual_clock clock;
    using verdict = block_table::verdict;

    CHECK(blocks.note_refusal("uid:7", 300s, clock.steady()) == verdict::counted);
    CHECK(blocks.note_refusal("uid:7", 300s, clock.steady()) == verdict::counted);
    CHECK(blocks.note_refusal("uid:7", 300s, clock.steady()) == verdict::suspicious);
    CHECK(!blocks.blocked_for("uid:7", clock.steady()));
    CHECK(blocks.note_refusal("uid:7", 300s, clock.steady()) == verdict::blocked);
    CHECK(blocks.blocked_for("uid:7", clock.steady()) == 15min);
}

TEST_CASE("block_table forgets a refusal for rate after the window of the limit") {
    block_table blocks;
    manual_clock clock;
    for (int i = 0; i != 3; ++i) blocks.note_refusal("uid:7", 300s, clock.steady());
    clock.advance(300s);

    CHECK(blocks.note_refusal("uid:7", 300s, clock.steady()) == block_table::verdict::counted);
}

TEST_CASE("block_table never shortens a block, and ends it when it is told to") {
    block_table blocks;
    manual_clock clock;
    blocks.block("key_1", 24h, clock.steady());
    blocks.block("key_1", 1h, clock.steady());
    blocks.block("uid:3", 1h, clock.steady());
    CHECK(blocks.blocked_for("key_1", clock.steady()) == 24h);

    std::map<std::string, std::chrono::nanoseconds> listed;
    blocks.for_each_block(clock.steady(), [&](std::string_view who, auto left, block_reason why) {
        CHECK(why == block_reason::by_operator);
        listed.emplace(who, left);
    });
    CHECK(listed.size() == 2);
    CHECK(listed["uid:3"] == 1h);

    CHECK(blocks.unblock("key_1"));
    CHECK(!blocks.unblock("key_1"));
    CHECK(!blocks.blocked_for("key_1", clock.steady()));
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
