#include "agents/words.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider::server::agents;

namespace {

std::uint64_t count_simply(std::string const& text) {
    std::uint64_t words = 0;
    bool outside = true;
    for (char const c : text) {
        if (outside && !is_space(c)) ++words;
        outside = is_space(c);
    }
    return words;
}

} // namespace

TEST_CASE("count_words counts the runs between white space") {
    CHECK(count_words("") == 0);
    CHECK(count_words(" \t\r\n\v\f") == 0);
    CHECK(count_words("one") == 1);
    CHECK(count_words(" one  two\nthree ") == 3);
    CHECK(count_words("\u00fc \u6771\u4eac") == 2);
}

TEST_CASE("count_words takes each byte for what it is, at each place") {
    for (int byte = 0; byte < 256; ++byte)
        for (std::size_t at = 0; at < 17; ++at)
            for (char const around : {' ', 'x'}) {
                std::string text(17, around);
                text[at] = static_cast<char>(byte);
                REQUIRE(count_words(text) == count_simply(text));
            }
}

TEST_CASE("size_of_words takes words with the white space before them, and all at the end") {
    CHECK(size_of_words("one two ", 1) == 3);
    CHECK(size_of_words("one two ", 2) == 8);
    CHECK(size_of_words(" one", 1) == 4);
    CHECK(size_of_words("one", 0) == 0);
    CHECK(size_of_words("  ", 0) == 2);
    CHECK(size_of_words("one", 9) == 3);
}
