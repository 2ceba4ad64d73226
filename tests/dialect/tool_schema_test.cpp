#include "dialect/tool_schema.hpp"
#include "mcp_provider/json/parse.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

std::string repaired(std::string_view schema) {
    auto const document = mcp_provider::json::parse(schema);
    return mcp_provider::server::repaired_tool_schema(document->as_object());
}

} // namespace

TEST_CASE("repaired_tool_schema gives Void's properties the type that they lack") {
    CHECK(repaired(R"({"type":"object","properties":{"uri":{"description":"the path"}}})") ==
          R"({"type":"object","properties":{"uri":{"description":"the path","type":"string"}}})");
}

TEST_CASE("repaired_tool_schema tells the type from what is there") {
    CHECK(repaired(
              R"({"properties":{"a":{"properties":{"b":{}}},"c":{"items":{"properties":{}}}}})") ==
          R"({"properties":{"a":{"properties":{"b":{"type":"string"}},"type":"object"},)"
          R"("c":{"items":{"properties":{},"type":"object"},"type":"array"}},"type":"object"})");
    CHECK(
        repaired(
            R"({"type":"object","properties":{"a":{"enum":["x","y"]},"b":{"enum":[1,"y"]}}})") ==
        R"({"type":"object","properties":{"a":{"enum":["x","y"],"type":"string"},"b":{"enum":[1,"y"]}}})");
}

TEST_CASE("repaired_tool_schema leaves what says its type, or that it may be anything") {
    for (
        std::string_view const schema : {
            R"({"type":"object","properties":{"a":{"type":["string","null"]}}})",
            R"({"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{}]}}})",
            R"({"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"const":1}}})",
            R"({"type":"object","properties":{"a":true,"b":{"type":"array","items":{}}},"additionalProperties":false})",
        })
        CHECK(repaired(schema) == schema);
}

TEST_CASE("repaired_tool_schema makes an object with properties of nothing") {
    CHECK(repaired("{}") == R"({"type":"object","properties":{}})");
    CHECK(repaired(R"({"type":"object"})") == R"({"type":"object","properties":{}})");
}

TEST_CASE("repaired_tool_schema passes on what is no schema") {
    CHECK(repaired(R"({"type":5,"properties":[1],"items":"x"})") ==
          R"({"type":5,"properties":[1],"items":"x"})");
}
