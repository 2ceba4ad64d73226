#include "agents/schema_instance.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;

namespace {

std::string made(std::string_view schema) {
    auto const document = schema_instance(schema);
    return document ? spaced_text(*document) : "refused: " + document.error().message();
}

} // namespace

TEST_CASE("schema_instance makes a value of each type") {
    CHECK(made(R"({"type":"string"})") == R"("text")");
    CHECK(made(R"({"type":"integer"})") == "0");
    CHECK(made(R"({"type":"number"})") == "0");
    CHECK(made(R"({"type":"boolean"})") == "true");
    CHECK(made(R"({"type":"null"})") == "null");
    CHECK(made(R"({"type":"array"})") == "[]");
    CHECK(made(R"({"type":"object"})") == "{}");
    CHECK(made(R"({"type":["integer","null"]})") == "0");
    CHECK(made("true") == R"("text")");
    CHECK(made("{}") == R"("text")");
}

TEST_CASE("schema_instance takes const and the first of enum") {
    CHECK(made(R"({"const":{"a":1}})") == R"({"a": 1})");
    CHECK(made(R"({"enum":["red","green"]})") == R"("red")");
}

TEST_CASE("schema_instance gives the required members, or all where nothing is said") {
    CHECK(
        made(R"({"properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["b"]})") ==
        R"({"b": "b"})");
    CHECK(made(R"({"properties":{"a":{"type":"integer"},"b":{"type":"string"}}})") ==
          R"({"a": 0, "b": "b"})");
    CHECK(made(R"({"type":"object","required":["x"]})") == R"({"x": "x"})");
    CHECK(made(R"({"type":"object","minProperties":1})") == R"({"property 1": "property 1 2"})");
}

TEST_CASE("schema_instance keeps within the bounds of numbers") {
    CHECK(made(R"({"type":"integer","minimum":3})") == "3");
    CHECK(made(R"({"type":"integer","maximum":-3})") == "-3");
    CHECK(made(R"({"type":"integer","exclusiveMinimum":3})") == "4");
    CHECK(made(R"({"type":"integer","exclusiveMaximum":-3})") == "-4");
    CHECK(made(R"({"type":"integer","minimum":1,"exclusiveMinimum":true})") == "2");
    CHECK(made(R"({"type":"integer","minimum":1.5})") == "2");
    CHECK(made(R"({"type":"integer","minimum":4,"multipleOf":3})") == "6");
    CHECK(made(R"({"type":"number","exclusiveMinimum":0,"maximum":1})") == "0.5");
    CHECK(made(R"({"type":"number","exclusiveMinimum":0})") == "1");
    CHECK(made(R"({"type":"number","minimum":0.25})") == "0.25");
    CHECK(made(R"({"type":"integer","minimum":2,"maximum":1})").starts_with("refused"));
}

TEST_CASE("schema_instance keeps within the bounds of strings and knows common formats") {
    CHECK(made(R"({"type":"string","minLength":6})") == R"("text..")");
    CHECK(made(R"({"type":"string","maxLength":3})") == R"("xxx")");
    CHECK(made(R"({"type":"string","maxLength":0})") == R"("")");
    CHECK(made(R"({"type":"string","minLength":4,"maxLength":3})").starts_with("refused"));
    CHECK(made(R"({"type":"string","format":"date"})") == R"("2026-01-01")");
    CHECK(made(R"({"type":"string","minLength":2000000})").starts_with("refused"));
}

TEST_CASE("schema_instance fills arrays") {
    CHECK(made(R"({"type":"array","items":{"type":"integer"}})") == "[0]");
    CHECK(made(R"({"type":"array","items":{"type":"integer"},"minItems":3,"uniqueItems":true})") ==
          "[0, 1, 2]");
    CHECK(made(R"({"type":"array","items":{"type":"integer"},"maxItems":0})") == "[]");
    CHECK(made(R"({"type":"array","prefixItems":[{"type":"string"},{"type":"null"}]})") ==
          R"(["text", null])");
    CHECK(made(R"({"items":{"enum":["a","b"]},"minItems":2})") == R"(["a", "b"])");
    CHECK(made(R"({"type":"array","items":{"type":"integer"},"minItems":1000000})")
              .starts_with("refused"));
}

TEST_CASE("schema_instance takes the first branch that can be met, and joins allOf") {
    CHECK(made(R"({"anyOf":[{"type":"integer"},{"type":"null"}]})") == "0");
    CHECK(made(R"({"oneOf":[false,{"const":7}]})") == "7");
    CHECK(made(R"({"anyOf":[false,false]})").starts_with("refused"));
    CHECK(
        made(
            R"({"allOf":[{"properties":{"a":{"const":1}},"required":["a"]},{"properties":{"b":{"const":2}},"required":["b"]}]})") ==
        R"({"a": 1, "b": 2})");
    CHECK(
        made(R"({"type":"object","properties":{"a":{"const":1}},"anyOf":[{"required":["a"]}]})") ==
        R"({"a": 1})");
}

TEST_CASE("schema_instance follows references, also of a schema that contains itself") {
    CHECK(made(R"({"$ref":"#/$defs/x","$defs":{"x":{"type":"integer"}}})") == "0");
    CHECK(
        made(
            R"({"$defs":{"node":{"type":"object","properties":{"value":{"type":"integer"},)"
            R"("children":{"type":"array","items":{"$ref":"#/$defs/node"}}},"required":["value","children"]}},"$ref":"#/$defs/node"})") ==
        R"({"value": 0, "children": []})");
    CHECK(
        made(
            R"({"$defs":{"node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},)"
            R"("required":["next"]}},"$ref":"#/$defs/node"})") == R"({"next": null})");
    CHECK(made(R"({"type":"object","properties":{"self":{"$ref":"#"}},"required":["self"]})")
              .starts_with("refused"));
    CHECK(made(R"({"$ref":"#/nowhere"})").starts_with("refused"));
    CHECK(made(R"({"$ref":"https://example.com/schema"})").starts_with("refused"));
}

TEST_CASE("schema_instance refuses what is no schema") {
    CHECK(made("{").starts_with("refused"));
    CHECK(made("7").starts_with("refused"));
    CHECK(made(R"({"type":"unheard of"})").starts_with("refused"));
}
