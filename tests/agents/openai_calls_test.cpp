#include "agents/openai_calls.hpp"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;

namespace {

struct shown {
    std::string id;
    std::string name;
    std::string arguments;
    int beginnings = 0;
};

openai_call_piece piece(std::optional<std::uint32_t> index, std::string_view id,
                        std::string_view name, std::string_view arguments) {
    return {index, id, name, arguments};
}

/// What a reader of the deltas puts together.
std::vector<shown> together(std::initializer_list<openai_call_piece> pieces) {
    openai_calls calls;
    std::vector<agent::delta> deltas;
    for (openai_call_piece const& one : pieces) calls.add(one, deltas);
    std::vector<shown> all;
    for (agent::delta const& one : deltas) {
        if (all.size() <= one.index) all.resize(one.index + 1);
        if (!one.id.empty() || !one.name.empty()) ++all[one.index].beginnings;
        all[one.index].id += one.id;
        all[one.index].name += one.name;
        all[one.index].arguments += one.text;
    }
    return all;
}

} // namespace

TEST_CASE("openai_calls keeps parallel calls apart that all have index 0") {
    auto const all = together(
        {piece(0, "a", "f", "{}"), piece(0, "b", "f", R"({"x":)"), piece(0, "", "", "1}")});
    REQUIRE(all.size() == 2);
    CHECK(all[1].id == "b");
    CHECK(all[1].arguments == R"({"x":1})");
}

TEST_CASE("openai_calls gives id and name once where every piece repeats them") {
    auto const all =
        together({piece(0, "a", "f", ""), piece(0, "a", "f", "{"), piece(0, "a", "f", "}")});
    REQUIRE(all.size() == 1);
    CHECK(all[0].beginnings == 1);
    CHECK(all[0].id == "a");
    CHECK(all[0].name == "f");
    CHECK(all[0].arguments == "{}");
}

TEST_CASE("openai_calls makes up ids that are missing, each its own") {
    auto const all = together({piece(0, "", "f", R"({"s":"}"})"), piece(0, "", "g", "{}")});
    REQUIRE(all.size() == 2);
    CHECK(all[0].id.starts_with("call_"));
    CHECK(all[0].id != all[1].id);
    CHECK(all[1].name == "g");
}

TEST_CASE("openai_calls knows calls without indexes by their ids") {
    auto const all = together({piece({}, "a", "f", "{}"), piece({}, "b", "g", "{}")});
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "f");
    CHECK(all[1].name == "g");
}

TEST_CASE("openai_calls numbers from 0 what the upstream numbers otherwise") {
    auto const all =
        together({piece(3, "a", "f", ""), piece(7, "b", "g", ""), piece(3, "", "", "{}")});
    REQUIRE(all.size() == 2);
    CHECK(all[0].arguments == "{}");
}

TEST_CASE("openai_calls holds arguments back until the name has come") {
    auto const all = together({piece(0, "a", "", "{"), piece(0, "", "f", "}")});
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "f");
    CHECK(all[0].arguments == "{}");
}
