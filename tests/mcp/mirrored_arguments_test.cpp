#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/mirrored_arguments.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::mcp;

namespace {

result<std::vector<mirrored_argument>> scan(std::string_view schema) {
    auto const document = json::parse(schema);
    REQUIRE(document.has_value());
    return mirrored_arguments(*document);
}

std::string fields_for(std::string_view schema, std::string_view arguments) {
    auto const wanted = scan(schema);
    REQUIRE(wanted.has_value());
    auto const given = json::parse(arguments);
    std::string fields;
    auto const done = append_mirrored(fields, *wanted, given->get_object());
    return done ? fields : "refused: " + done.error().message();
}

constexpr std::string_view nested = R"({"type":"object","properties":{
    "region":{"type":"string","x-mcp-header":"Region"},
    "debug":{"type":"boolean","x-mcp-header":"Debug"},
    "query":{"type":"string"},
    "options":{"type":"object","properties":{"limit":{"type":["integer","null"],"x-mcp-header":"Limit"}}}}})";

} // namespace

TEST_CASE("annotated arguments become header fields, whatever their depth") {
    CHECK(fields_for(nested,
                     R"({"region":"eu \u2603","debug":true,"query":"q","options":{"limit":-7}})") ==
          "Mcp-Param-Region: =?base64?ZXUg4piD?=\r\n"
          "Mcp-Param-Debug: true\r\n"
          "Mcp-Param-Limit: -7\r\n");
}

TEST_CASE("an argument that is absent or null has no header field") {
    CHECK(fields_for(nested, R"({"query":"q"})").empty());
    CHECK(fields_for(nested, R"({"region":null,"options":{"limit":null}})").empty());
    CHECK(fields_for(nested, R"({"options":5})").empty());
    CHECK(fields_for(nested, R"({"region":""})") == "Mcp-Param-Region: \r\n");
}

TEST_CASE("a whole number travels up to what JavaScript can hold, and no further") {
    auto const with = [](std::string_view limit) {
        return fields_for(nested, R"({"options":{"limit":)" + std::string{limit} + "}}");
    };
    CHECK(with("9007199254740991") == "Mcp-Param-Limit: 9007199254740991\r\n");
    CHECK(with("-9007199254740991") == "Mcp-Param-Limit: -9007199254740991\r\n");
    CHECK(with("5.0") == "Mcp-Param-Limit: 5\r\n");
    for (std::string_view const wrong :
         {"9007199254740992", "-9007199254740992", "1.5", "[1]", "{}"})
        CHECK(with(wrong).starts_with("refused: the argument limit must be"));
}

TEST_CASE("a tool whose annotations are wrong is refused, and the message says why") {
    auto const why = [](std::string_view schema) {
        auto const found = scan(schema);
        return found ? std::string{} : found.error().message();
    };
    auto const of = [&](std::string_view property) {
        return why(R"({"properties":{"a":)" + std::string{property} + "}}");
    };
    CHECK(of(R"({"type":"string","x-mcp-header":""})") == "x-mcp-header must not be empty");
    CHECK(of(R"({"type":"string","x-mcp-header":5})") == "x-mcp-header must be a string");
    for (std::string_view const name :
         {"My Region", "Region:Primary", "R\\u00e9gion", "Region\\t1", "a\\r\\nb"})
        CHECK(of(R"({"type":"string","x-mcp-header":")" + std::string{name} + R"("})") ==
              "x-mcp-header holds a character that a field name cannot have");
    for (std::string_view const type : {R"("object")", R"("array")", R"("null")", R"("number")",
                                        "[]", R"(["null"])", R"(["string","number"])", "5"})
        CHECK(of(R"({"x-mcp-header":"X","type":)" + std::string{type} + "}") ==
              "x-mcp-header stands at an argument that is no string, integer or boolean");
    CHECK(of(R"({"x-mcp-header":"X"})").starts_with("x-mcp-header stands at an argument"));
    CHECK(
        why(R"({"properties":{"a":{"type":"string","x-mcp-header":"My"},"b":{"type":"string","x-mcp-header":"mY"}}})") ==
        "x-mcp-header names a field that another argument has");
}

TEST_CASE("an annotation counts only where properties alone lead to it") {
    std::string const leaf = R"({"type":"string","x-mcp-header":"X"})";
    for (std::string const& schema :
         {leaf, R"({"properties":{"a":{"items":)" + leaf + "}}}", R"({"anyOf":[)" + leaf + "]}",
          R"({"allOf":[{"properties":{"a":)" + leaf + "}}]}", R"({"$defs":{"d":)" + leaf + "}}",
          R"({"not":{"properties":{"a":)" + leaf + "}}}", R"({"if":)" + leaf + "}",
          R"({"patternProperties":{"^a":)" + leaf + "}}",
          R"({"additionalProperties":)" + leaf + "}"}) {
        auto const found = scan(schema);
        CAPTURE(schema);
        REQUIRE_FALSE(found.has_value());
        CHECK(found.error().message() ==
              "x-mcp-header stands where no argument is; only chains of properties lead to one");
    }
}

TEST_CASE("what only looks like an annotation is none") {
    CHECK(scan(R"({"properties":{"x-mcp-header":{"type":"string"}}})")->empty());
    CHECK(
        scan(
            R"({"default":{"x-mcp-header":""},"const":{"x-mcp-header":5},"examples":[{"x-mcp-header":1}]})")
            ->empty());
    CHECK(scan("true")->empty());
    CHECK(scan("[]")->empty());
    CHECK(scan(R"({"properties":5})")->empty());
}
