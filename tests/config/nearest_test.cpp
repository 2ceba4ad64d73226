#include "config/nearest.hpp"

#include <array>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

TEST_CASE("edit_distance counts insertions, deletions, replacements and swaps, ignoring case") {
    struct {
        std::string_view from;
        std::string_view to;
        std::size_t distance;
    } const cases[] = {
        {"", "", 0},       {"", "abc", 3},           {"abc", "", 3},
        {"abc", "abc", 0}, {"abc", "ABC", 0},        {"abc", "abd", 1},
        {"abc", "ab", 1},  {"abc", "abcd", 1},       {"abc", "acb", 1},
        {"ca", "abc", 3},  {"kitten", "sitting", 3}, {"ADAPTER_PROT", "ADAPTER_PORT", 1},
    };
    for (auto const& one : cases) {
        CAPTURE(one.from);
        CAPTURE(one.to);
        CHECK(edit_distance(one.from, one.to) == one.distance);
    }
}

TEST_CASE("nearest finds what was meant, and nothing where nothing is near") {
    constexpr std::array<std::string_view, 3> words{"ADAPTER_HOST", "ADAPTER_PORT", "LOG_LEVEL"};

    CHECK(nearest("ADAPTER_PROT", words) == "ADAPTER_PORT");
    CHECK(nearest("adapter_host", words) == "ADAPTER_HOST");
    CHECK(nearest("LOGLEVEL", words) == "LOG_LEVEL");
    CHECK(nearest("log", words) == "LOG_LEVEL");
    CHECK(nearest("lo", words).empty());
    CHECK(nearest("DATABASE_URL", words).empty());
    CHECK(nearest("", words).empty());
    CHECK(nearest("session.x",
                  std::array<std::string_view, 2>{"security.sessions", "security.session.x"}) ==
          "security.session.x");
    CHECK(nearest(std::string(100'000, 'A'), words).empty());
}
