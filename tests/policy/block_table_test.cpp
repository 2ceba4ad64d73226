#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::manual_clock;

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
