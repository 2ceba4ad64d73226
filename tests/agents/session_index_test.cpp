#include "agents/process_pool.hpp"
#include "agents/session_index.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;

namespace {

crypto::digest key(std::uint8_t number) {
    crypto::digest made{};
    made[0] = number;
    return made;
}

} // namespace

TEST_CASE("session_index gives a session out once, and keeps the newest within its bound") {
    asio::io_context context;
    auto const process = std::make_shared<pooled_process>(context.get_executor());
    session_index index{2, 60s};
    steady_time const now{};

    CHECK(index.put(key(1), {process, "a"}, now).empty());
    CHECK(index.put(key(2), {process, "b"}, now).empty());
    auto const gone = index.put(key(3), {process, "c"}, now);
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].id == "a");

    auto const taken = index.take(key(2));
    REQUIRE(taken);
    CHECK(taken->id == "b");
    CHECK_FALSE(index.take(key(2)));
    CHECK_FALSE(index.take(key(1)));
    CHECK(index.size() == 1);
    auto const replaced = index.put(key(3), {process, "d"}, now);
    REQUIRE(replaced.size() == 1);
    CHECK(replaced[0].id == "c");
    CHECK(index.take_oldest()->id == "d");
    CHECK_FALSE(index.take_oldest());

    session_index none{0, 60s};
    CHECK(none.put(key(1), {process, "a"}, now).size() == 1);
    CHECK(none.size() == 0);
}

TEST_CASE("session_index lets sessions expire, and forgets those of a process that has gone") {
    asio::io_context context;
    auto const one = std::make_shared<pooled_process>(context.get_executor());
    auto const other = std::make_shared<pooled_process>(context.get_executor());
    session_index index{10, 60s};
    steady_time const now{};
    static_cast<void>(index.put(key(1), {one, "a"}, now));
    static_cast<void>(index.put(key(2), {other, "b"}, now + 1s));
    static_cast<void>(index.put(key(3), {one, "c"}, now + 2s));

    CHECK(index.take_expired(now + 59s).empty());
    auto const expired = index.take_expired(now + 60s);
    REQUIRE(expired.size() == 1);
    CHECK(expired[0].id == "a");
    index.forget(one.get());
    CHECK_FALSE(index.take(key(3)));
    CHECK(index.take(key(2)));
    CHECK(index.size() == 0);
}
