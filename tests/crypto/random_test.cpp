#include "mcp_provider/crypto/random.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <span>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

TEST_CASE("random_bytes does not repeat itself") {
    std::set<std::array<std::uint8_t, 16>> seen;
    for (int i = 0; i != 1'000; ++i) seen.insert(random_bytes<16>());
    CHECK(seen.size() == 1'000);
}

TEST_CASE("fill_random fills all of what it is given and no more") {
    std::array<std::uint8_t, 34> bytes{};
    std::array<std::uint8_t, 34> touched{};
    for (int round = 0; round != 50; ++round) {
        fill_random(std::span{bytes}.subspan(1, 32));
        for (std::size_t i = 0; i != bytes.size(); ++i)
            touched[i] = static_cast<std::uint8_t>(touched[i] | bytes[i]);
    }
    CHECK(touched.front() == 0);
    CHECK(touched.back() == 0);
    for (std::size_t i = 1; i != 33; ++i) CHECK(touched[i] != 0);
}
