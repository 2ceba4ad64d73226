#include "mcp_provider/json/parse.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/serialize.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

std::string complaint_about(std::string_view text, json::parse_limits limits = {}) {
    auto const parsed = json::parse(text, limits);
    REQUIRE(!parsed);
    CHECK(parsed.error().reason() == "invalid_json");
    return parsed.error().message();
}

} // namespace

TEST_CASE("parse returns the value of a complete document") {
    auto const parsed = json::parse(" {\"a\": [1, 2.5, null, true, \"\\u00e9\"]} \n");
    REQUIRE(parsed);
    CHECK(boost::json::serialize(*parsed) == "{\"a\":[1,2.5E0,null,true,\"\xC3\xA9\"]}");
}

TEST_CASE("parse says at which line, column and byte it stumbled, and over what") {
    CHECK(complaint_about("{\"a\": 1,\n \"b\" 2}") ==
          "invalid JSON at line 2, column 6 (byte 14): unexpected '2'");
    CHECK(complaint_about("") == "invalid JSON at line 1, column 1 (byte 0): the text is empty");
    CHECK(complaint_about("[1,2").ends_with("the text ends too early"));
    CHECK(
        complaint_about("[1] x").ends_with("(byte 4): something follows the end of the document"));
    CHECK(complaint_about("[\"\x01\"]").ends_with("a control character must be escaped"));
    CHECK(complaint_about("[\"\xff\"]").ends_with("the text is not valid UTF-8"));
}

TEST_CASE("parse refuses what RFC 8259 does not know") {
    for (std::string_view text :
         {"NaN", "[1,]", "{\"a\":1,}", "// c\n1", "{a:1}", "'a'", "[01]", "[+1]", "[.5]",
          "\xEF\xBB\xBF{}", "Infinity", "[\"\t\"]", "{} {}", "tru", "[1 2]"})
        CHECK_MESSAGE(!json::parse(text), text);
}

TEST_CASE("parse refuses text that is not valid UTF-8, also when it is escaped") {
    for (std::string_view text :
         {"[\"\xC0\xAF\"]", "[\"\xED\xA0\x80\"]", "[\"\xF4\x90\x80\x80\"]", "[\"\xE2\x82\"]",
          "[\"\\ud800\"]", "[\"\\udc00\"]", "[\"\\ud800\\u0041\"]"})
        CHECK_MESSAGE(!json::parse(text), text);
    CHECK(json::parse("[\"\\ud83d\\ude00\"]"));
}

TEST_CASE("parse admits nesting up to its limit and not one deeper") {
    auto const nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };

    CHECK(json::parse(nested(32)));
    CHECK(complaint_about(nested(33)).ends_with("arrays and objects are nested deeper than 32"));
    CHECK(json::parse(nested(3), {.max_depth = 3}));
    CHECK(!json::parse(nested(4), {.max_depth = 3}));
    CHECK(!json::parse(nested(1'000'000)));
}

TEST_CASE("parse admits text up to its limit and not one byte more") {
    CHECK(json::parse("[1234]", {.max_bytes = 6}));
    auto const refused = json::parse("[12345]", {.max_bytes = 6});
    REQUIRE(!refused);
    CHECK(refused.error().code() == rejection_code::too_large);
}

TEST_CASE("parse lets the last of two members with one name count") {
    auto const parsed = json::parse(R"({"model":"a","x":1,"model":"b"})");
    REQUIRE(parsed);
    CHECK(parsed->at("model").as_string() == "b");
    CHECK(parsed->as_object().size() == 2);
}

TEST_CASE("parse puts the value where the caller says") {
    boost::json::monotonic_resource arena;
    auto const parsed = json::parse("[1,2,3]", {}, &arena);
    REQUIRE(parsed);
    CHECK(parsed->storage().get() == &arena);
}
