#include "asking.hpp"
#include "openai/tools.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using asking::chat_of;
using asking::chat_with;
using asking::read;
using server::openai::chat_request;

std::string with_tool(std::string_view members) {
    return chat_with(R"("tools":[{"type":"function","function":{"name":"f"}}],)" +
                     std::string{members});
}

std::string with_call(std::string_view call) {
    return chat_of(R"([{"role":"assistant","content":null,"tool_calls":[)" + std::string{call} +
                   "]}]");
}

} // namespace

TEST_CASE("tools are read with name, description and repaired parameters") {
    auto const chat = read<chat_request>(chat_with(
        R"("tools":[{"type":"function","function":{"name":"f","description":"does f","strict":true,)"
        R"("parameters":{"properties":{"a":{"description":"no type"},"b":{"properties":{"c":{}}},)"
        R"("d":{"items":{"type":"string"}},"e":{"enum":["x","y"]},"f":{"$ref":"#/$defs/f"}},"required":["a"]}}},)"
        R"({"function":{"name":"g"}},{"type":"function","function":{"name":"h","description":null,"parameters":null}}])"));

    REQUIRE(chat);
    auto const& tools = chat->asked().tools;
    REQUIRE(tools.size() == 3);
    CHECK(tools[0].name == "f");
    CHECK(tools[0].description == "does f");
    auto const schema = json::parse(tools[0].parameters);
    REQUIRE(schema);
    CHECK(schema->at("type") == "object");
    CHECK(schema->at_pointer("/properties/a/type") == "string");
    CHECK(schema->at_pointer("/properties/b/type") == "object");
    CHECK(schema->at_pointer("/properties/b/properties/c/type") == "string");
    CHECK(schema->at_pointer("/properties/d/type") == "array");
    CHECK(schema->at_pointer("/properties/e/type") == "string");
    CHECK_FALSE(schema->at_pointer("/properties/f").as_object().contains("type"));
    CHECK(schema->at_pointer("/required/0") == "a");
    CHECK(tools[1].parameters.empty());
    CHECK(tools[2].parameters.empty());
}

TEST_CASE("tools with properties that say their type stay as they are") {
    std::string const schema =
        R"({"type":"object","properties":{"type":{"type":["string","null"]},"n":{"anyOf":[{"type":"number"}]}}})";

    auto const chat = read<chat_request>(chat_with(
        R"("tools":[{"type":"function","function":{"name":"f","parameters":)" + schema + "}}]"));

    REQUIRE(chat);
    CHECK(chat->asked().tools[0].parameters == schema);
}

TEST_CASE("tool_choice is read in every form") {
    using kind = agent::tool_choice::kind;
    struct {
        std::string_view members;
        kind how;
        std::string_view name;
    } const choices[] = {
        {R"("tool_choice":"auto")", kind::automatic, ""},
        {R"("tool_choice":"none")", kind::none, ""},
        {R"("tool_choice":"required")", kind::required, ""},
        {R"("tool_choice":{"type":"function","function":{"name":"f"}})", kind::named, "f"},
        {R"("tool_choice":null)", kind::automatic, ""},
    };
    for (auto const& one : choices) {
        CAPTURE(one.members);
        auto const chat = read<chat_request>(with_tool(one.members));
        REQUIRE(chat);
        CHECK(chat->asked().choice.how == one.how);
        CHECK(chat->asked().choice.name == one.name);
    }
}

TEST_CASE("tools and tool_choice say what is wrong, where, and what is allowed") {
    struct {
        std::string text;
        std::string_view where;
        std::string_view says;
    } const refusals[] = {
        {chat_with(R"("tools":{})"), "/tools", "must be an array"},
        {chat_with(R"("tools":[null])"), "/tools/0", "must be an object"},
        {chat_with(R"("tools":[{"type":"custom","custom":{"name":"f"}}])"), "/tools/0/type",
         R"(must be "function": custom and hosted tools are not supported here; it is "custom")"},
        {chat_with(R"("tools":[{"type":"web_search"}])"), "/tools/0/type", R"(must be "function")"},
        {chat_with(R"("tools":[{"type":"function"}])"), "/tools/0/function",
         "must be an object; it is missing"},
        {chat_with(R"("tools":[{"type":"function","function":{}}])"), "/tools/0/function/name",
         "must be a string"},
        {chat_with(R"("tools":[{"type":"function","function":{"name":""}}])"),
         "/tools/0/function/name", "must not be empty"},
        {chat_with(R"("tools":[{"type":"function","function":{"name":"f","description":1}}])"),
         "/tools/0/function/description", "must be a string"},
        {chat_with(R"("tools":[{"type":"function","function":{"name":"f","parameters":[]}}])"),
         "/tools/0/function/parameters", "must be an object"},
        {with_tool(R"("tool_choice":"any")"), "/tool_choice",
         R"(must be "none", "auto", "required" or)"},
        {with_tool(R"("tool_choice":1)"), "/tool_choice", "must be an object"},
        {with_tool(R"("tool_choice":{})"), "/tool_choice/type", "must be a string; it is missing"},
        {with_tool(R"("tool_choice":{"type":"allowed_tools"})"), "/tool_choice/type",
         R"(must be "function": other kinds of choice are not supported here; it is "allowed_tools")"},
        {with_tool(R"("tool_choice":{"type":"function"})"), "/tool_choice/function",
         "must be an object"},
        {with_tool(R"("tool_choice":{"type":"function","function":{"name":"g"}})"),
         "/tool_choice/function/name", R"(must be the name of one of the tools; it is "g")"},
        {chat_with(R"("tool_choice":"required")"), "/tool_choice", "no tools are given"},
        {with_call(R"({"id":"1","type":"custom"})"), "/messages/0/tool_calls/0/type",
         R"(must be "function")"},
        {with_call(R"({"function":{"name":"f","arguments":"{}"}})"), "/messages/0/tool_calls/0/id",
         "must be a string"},
        {with_call(R"({"id":"1"})"), "/messages/0/tool_calls/0/function", "must be an object"},
        {with_call(R"({"id":"1","function":{"arguments":"{}"}})"),
         "/messages/0/tool_calls/0/function/name", "must be a string"},
        {with_call(R"({"id":"1","function":{"name":"f"}})"),
         "/messages/0/tool_calls/0/function/arguments", "must be a string; it is missing"},
        {with_call(R"({"id":"1","function":{"name":"f","arguments":{}}})"),
         "/messages/0/tool_calls/0/function/arguments", "must be a string; it is an object"},
        {with_call(R"({"id":"1","function":{"name":"f","arguments":"{\"a\":"}})"),
         "/messages/0/tool_calls/0/function/arguments",
         "must be a JSON object written as a string; invalid JSON"},
        {with_call(R"({"id":"1","function":{"name":"f","arguments":"[]"}})"),
         "/messages/0/tool_calls/0/function/arguments",
         "must be a JSON object written as a string"},
    };
    for (auto const& one : refusals) {
        CAPTURE(one.text);

        auto const chat = read<chat_request>(one.text);

        REQUIRE_FALSE(chat);
        CHECK(chat.error().code() == rejection_code::bad_request);
        CHECK(chat.error().where() == one.where);
        CAPTURE(chat.error().message());
        CHECK(chat.error().message().find(one.says) != std::string::npos);
    }
}
