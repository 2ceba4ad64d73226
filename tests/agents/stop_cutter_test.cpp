#include "agents/stop_cutter.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using mcp_provider::server::agents::stop_cutter;

namespace {

/// What goes out when the text comes in pieces that are cut at one place.
std::string cut(std::vector<std::string> stops, std::string_view text, std::size_t at) {
    stop_cutter cutter{std::move(stops)};
    std::string out{cutter.feed(text.substr(0, at))};
    out += cutter.feed(text.substr(at));
    out += cutter.rest();
    return out;
}

} // namespace

TEST_CASE("stop_cutter ends a text at the first stop sequence, wherever the pieces are cut") {
    std::string_view const text = "one two END three STOP";
    for (std::size_t at = 0; at <= text.size(); ++at) {
        CHECK(cut({"END"}, text, at) == "one two ");
        CHECK(cut({"STOP", "END"}, text, at) == "one two ");
        CHECK(cut({"two", "END"}, text, at) == "one ");
        CHECK(cut({"STOPS", "ENDS"}, text, at) == text); // only beginnings of them
        CHECK(cut({"o t", "one two END three"}, text, at) == "");
        CHECK(cut({}, text, at) == text);
        CHECK(cut({""}, text, at) == text);
    }
}

TEST_CASE("stop_cutter holds back no more than could be a stop sequence") {
    stop_cutter cutter{{"aab"}};
    CHECK(cutter.feed("xaa") == "x");
    CHECK(cutter.feed("a") == "a"); // the second and third could still be the beginning
    CHECK(cutter.feed("c") == "aac");
    CHECK(cutter.feed("a") == "");
    CHECK(cutter.rest() == "a");
    CHECK_FALSE(cutter.stopped());
    CHECK(cutter.feed("aab!") == "");
    CHECK(cutter.stopped());
    CHECK(cutter.feed("more") == "");
    CHECK(cutter.rest() == "");
}
