#include "mcp_provider/crypto/constant_time.hpp"

#include <array>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

TEST_CASE("constant_time_equal finds a difference at every place") {
    std::string const text(64, 'a');
    CHECK(constant_time_equal(text, std::string(64, 'a')));
    for (std::size_t i = 0; i != text.size(); ++i) {
        std::string other = text;
        other[i] = 'b';
        CHECK(!constant_time_equal(text, other));
    }
}

TEST_CASE("constant_time_equal holds texts of different length for unequal") {
    CHECK(!constant_time_equal("abc", "abcd"));
    CHECK(!constant_time_equal("", "a"));
    CHECK(constant_time_equal("", ""));
}

TEST_CASE("constant_time_equal compares arrays") {
    std::array<std::uint8_t, 3> const a{1, 2, 3};
    CHECK(constant_time_equal(a, std::array<std::uint8_t, 3>{1, 2, 3}));
    CHECK(!constant_time_equal(a, std::array<std::uint8_t, 3>{1, 2, 4}));
}
