#include "mcp_provider/http/fields.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

std::string written(http::fields const& all) {
    std::string out;
    for (auto const& [name, value] : all) out.append(name).append("=").append(value).append(";");
    return out;
}

} // namespace

TEST_CASE("fields keep their order, and several of one name") {
    http::fields all;
    CHECK(all.size() == 0);
    CHECK(written(all).empty());

    all.add("Set-Cookie", "a");
    all.add("Vary", "Origin");
    all.add("set-cookie", "b");

    CHECK(all.size() == 3);
    CHECK(written(all) == "Set-Cookie=a;Vary=Origin;set-cookie=b;");
    CHECK(all.get("SET-COOKIE") == "a");
    CHECK(all.get("none").empty());
    CHECK(all.has("vary"));
    CHECK_FALSE(all.has("var"));
}

TEST_CASE(
    "fields set a value in the place of the one before, shorter or longer, as often as it takes") {
    http::fields all;
    all.set("Retry-After", "5");
    all.set("Vary", "Origin");
    for (int i = 0; i != 100; ++i)
        all.set("retry-after", std::string(static_cast<std::size_t>(i), 'x'));
    all.set("Retry-After", all.get("Vary"));

    CHECK(written(all) == "Retry-After=Origin;Vary=Origin;");
}

TEST_CASE("fields forget what is removed, and nothing else") {
    http::fields all;
    all.add("a", "1");
    all.add("b", "2");
    all.add("A", "3");
    all.remove("a");

    CHECK(written(all) == "b=2;");
    all.remove("b");
    CHECK(all.size() == 0);
    all.add("c", "4");
    CHECK(written(all) == "c=4;");
}

TEST_CASE("fields let no value and no name end a line") {
    http::fields all;
    all.set("X-\r\nA", std::string_view{"one\r\ntwo\0three", 14});

    CHECK(written(all) == "X-  A=one  two three;");
}

TEST_CASE("fields may be copied and moved, views going with the copy") {
    http::fields first;
    first.add("a-name-that-is-longer-than-any-small-string", "v");
    http::fields copy = first;
    first.set("a-name-that-is-longer-than-any-small-string", "w");
    http::fields const moved = std::move(copy);

    CHECK(written(moved) == "a-name-that-is-longer-than-any-small-string=v;");
}

TEST_CASE("equals_ignoring_case knows the letters only") {
    CHECK(http::equals_ignoring_case("Content-Type", "cONTENT-tYPE"));
    CHECK_FALSE(http::equals_ignoring_case("[", "{"));
    CHECK_FALSE(http::equals_ignoring_case("@", "`"));
    CHECK_FALSE(http::equals_ignoring_case("ab", "abc"));
    CHECK(http::equals_ignoring_case("", ""));
}
