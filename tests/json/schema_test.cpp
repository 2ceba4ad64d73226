#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/schema.hpp"
#include "mcp_provider/json/serialize.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

/// What is wrong with an instance; empty for nothing.
std::string wrong(std::string_view schema, std::string_view instance,
                  json::schema_limits limits = {}) {
    auto const rules = json::parse(schema);
    auto const value = json::parse(instance);
    REQUIRE_MESSAGE(rules, schema);
    REQUIRE_MESSAGE(value, instance);
    auto const valid = json::validate(*rules, *value, limits);
    if (valid) return "";
    CHECK(valid.error().reason() == "invalid_value");
    CHECK(valid.error().code() == rejection_code::bad_request);
    return valid.error().message();
}

} // namespace

TEST_CASE("validate checks types, and an integer may be written with a point") {
    CHECK(wrong(R"({"type":"integer"})", "5.0").empty());
    CHECK(wrong(R"({"type":"integer"})", "5.5") == "the value must be of type integer");
    CHECK(wrong(R"({"type":"integer"})", "1e999") == "the value must be of type integer");
    CHECK(wrong(R"({"type":["string","null"]})", "null").empty());
    CHECK(wrong(R"({"type":["string","null"]})", "5") ==
          R"(the value must be of one of the types ["string","null"])");
    for (auto const& [type, good] : {std::pair{"string", R"("x")"},
                                     {"number", "1"},
                                     {"boolean", "true"},
                                     {"object", "{}"},
                                     {"array", "[]"},
                                     {"null", "null"}})
        for (std::string_view const value : {R"("x")", "1", "true", "{}", "[]", "null"})
            CHECK_MESSAGE(wrong(std::string{R"({"type":")"} + type + "\"}", value).empty() ==
                              (value == good),
                          type << ' ' << value);
}

TEST_CASE("validate names the member that is missing, wrong or not allowed") {
    std::string_view const schema =
        R"({"type":"object","properties":{"a":{"type":"string"},"b/c":{"items":{"minimum":1}}},"required":["a"],"additionalProperties":false})";
    CHECK(wrong(schema, R"({"a":"x","b/c":[1,2]})").empty());
    CHECK(wrong(schema, "{}") == R"(the value needs the member "a")");
    CHECK(wrong(schema, R"({"a":5})") == "/a must be of type string");
    CHECK(wrong(schema, R"({"a":"x","b/c":[1,0]})") == "/b~1c/1 must be at least 1");
    CHECK(wrong(schema, R"({"a":"x","d":1})") == "/d is not allowed");
    CHECK(wrong(R"({"additionalProperties":{"type":"string"}})", R"({"x":1})") ==
          "/x must be of type string");
    CHECK(wrong(R"({"patternProperties":{"^x":{}},"additionalProperties":false})", R"({"x":1})")
              .empty());
}

TEST_CASE("validate checks bounds at their ends") {
    for (auto const& [schema, good, bad] : std::vector<std::array<std::string_view, 3>>{
             {R"({"minimum":1})", "1", "0.5"},
             {R"({"maximum":1})", "1", "1.5"},
             {R"({"exclusiveMinimum":1})", "1.5", "1"},
             {R"({"exclusiveMaximum":1})", "0.5", "1"},
             {R"({"multipleOf":0.5})", "1.5", "1.6"},
             {R"({"minLength":2})", R"("éé")", R"("é")"},
             {R"({"maxLength":2})", R"("éé")", R"("ééé")"},
             {R"({"minItems":1})", "[1]", "[]"},
             {R"({"maxItems":1})", "[1]", "[1,2]"},
             {R"({"minProperties":1})", R"({"a":1})", "{}"},
             {R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})"},
             {R"({"enum":["a",1]})", "1.0", "2"},
             {R"({"const":{"a":[1]}})", R"({"a":[1]})", R"({"a":[2]})"},
             {R"({"prefixItems":[{"type":"string"}],"items":{"type":"null"}})", R"(["x",null])",
              R"([null])"},
             {"true", "1", ""},
             {"false", "", "1"}}) {
        if (!good.empty()) CHECK_MESSAGE(wrong(schema, good).empty(), schema);
        if (!bad.empty()) CHECK_MESSAGE(!wrong(schema, bad).empty(), schema);
    }
}

TEST_CASE("validate combines schemas") {
    CHECK(wrong(R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "1") ==
          "the value fits none of the allowed forms");
    CHECK(wrong(R"({"anyOf":[{"type":"string"},{"type":"null"}]})", "null").empty());
    CHECK(wrong(R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "1").empty());
    CHECK(wrong(R"({"oneOf":[{"minimum":1},{"minimum":2}]})", "2") ==
          "the value fits more than one of the allowed forms");
    CHECK(wrong(R"({"allOf":[{"required":["a"]},{"required":["b"]}]})", R"({"a":1})") ==
          R"(the value needs the member "b")");
    CHECK(wrong(R"({"not":{"type":"string"}})", R"("x")") ==
          "the value is of a form that is not allowed");
    std::string_view const conditional =
        R"({"if":{"properties":{"k":{"const":1}}},"then":{"required":["a"]},"else":{"required":["b"]}})";
    CHECK(wrong(conditional, R"({"k":1,"a":0})").empty());
    CHECK(wrong(conditional, R"({"k":1,"b":0})") == R"(the value needs the member "a")");
    CHECK(wrong(conditional, R"({"k":2,"b":0})").empty());
}

TEST_CASE("validate follows references within the schema") {
    std::string_view const tree =
        R"({"$defs":{"node~/":{"type":"object","properties":{"next":{"$ref":"#/$defs/node~0~1"},"v":{"$ref":"#anchor"}}},"n":{"$anchor":"anchor","type":"number"}},"$ref":"#/$defs/node~0~1"})";
    CHECK(wrong(tree, R"({"next":{"next":{"v":1}}})").empty());
    CHECK(wrong(tree, R"({"next":{"next":{"v":"x"}}})") == "/next/next/v must be of type number");
    CHECK(wrong(R"({"$ref":"https://example.com/schema"})", "1").empty());
    CHECK(wrong(R"({"$ref":"#/nowhere"})", "1").empty());
}

TEST_CASE("validate ends, whatever the schema") {
    CHECK(wrong(R"({"$ref":"#"})", "1").empty());
    (void)wrong(R"({"not":{"$ref":"#"}})", "1"); // valid where it is not
    CHECK(wrong(R"({"allOf":[{"$ref":"#"},{"$ref":"#"}],"anyOf":[{"$ref":"#"},{"$ref":"#"}]})", "1")
              .empty());
    json::schema_limits limits;
    limits.max_steps = 3;
    CHECK(!wrong(R"({"items":{"type":"string"}})", R"(["a",1])", limits).empty());
    limits.max_steps = 2;
    CHECK(wrong(R"({"items":{"type":"string"}})", R"(["a",1])", limits).empty());
    limits = {};
    limits.max_depth = 2;
    CHECK(!wrong(R"({"properties":{"a":{"type":"null"}}})", R"({"a":1})", limits).empty());
    limits.max_depth = 1;
    CHECK(wrong(R"({"properties":{"a":{"type":"null"}}})", R"({"a":1})", limits).empty());
}

TEST_CASE("to_text writes a value that reads back the same, and null for what JSON cannot say") {
    std::string_view const text =
        R"({"a":[1,-2,0.5,18446744073709551615,true,false,null,"\n\"é"],"":{}})";
    auto const value = json::parse(text);
    REQUIRE(value);
    CHECK(json::to_text(*value) == text);
    CHECK(json::to_text(*json::parse("[5.0,1e999,-1e999]")) == "[5,null,null]");
}
