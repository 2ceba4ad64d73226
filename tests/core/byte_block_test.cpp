#include "mcp_provider/core/byte_block.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;

TEST_CASE("any sees each bit of a block") {
    CHECK_FALSE(any(load_block(std::string(16, '\0').data())));
    for (std::size_t at = 0; at != 16; ++at)
        for (unsigned bit = 0; bit != 8; ++bit) {
            std::string text(16, '\0');
            text[at] = static_cast<char>(1U << bit);
            REQUIRE(any(load_block(text.data())));
        }
}

TEST_CASE("sum adds the bytes of a block, all of them at their most") {
    CHECK(sum(load_block(std::string(16, '\xFF').data())) == 16U * 255U);
    for (std::size_t at = 0; at != 16; ++at) {
        std::string text(16, '\1');
        text[at] = '\xFE';
        REQUIRE(sum(load_block(text.data())) == 15U + 254U);
    }
}

TEST_CASE("load_block takes the bytes in their order, from any address") {
    std::string const text = "x0123456789abcdef";
    byte_block const block = load_block(text.data() + 1);
    for (std::size_t i = 0; i != byte_block_size; ++i)
        CHECK(block[i] == static_cast<std::uint8_t>(text[i + 1]));
}
