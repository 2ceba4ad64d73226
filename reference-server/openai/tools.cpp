#include "openai/tools.hpp"

#include "dialect/tool_schema.hpp"
#include "mcp_provider/json/parse.hpp"
#include "openai/parameters.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <string_view>
#include <utility>

namespace mcp_provider::server::openai {

namespace {

/// The arguments of a call, checked to be a JSON object; an empty text stands for none.
std::string read_arguments(json::reader at) {
    std::string_view const text = at.text();
    if (!at.is_text()) return {};
    if (text.empty()) return "{}";
    auto const parsed = json::parse(text);
    if (!parsed)
        at.complain("must be a JSON object written as a string; " + parsed.error().message());
    else if (!parsed->is_object())
        at.complain("must be a JSON object written as a string");
    return std::string{text};
}

} // namespace

std::vector<agent::tool> read_tools(json::reader in) {
    std::vector<agent::tool> tools;
    for (json::reader const one : in["tools"].elements_or_none()) {
        if (!require_object(one)) break;
        if (one["type"].text_or("function") != "function") {
            one["type"].complain(
                "must be \"function\": custom and hosted tools are not supported here" +
                it_is(one["type"]));
            break;
        }
        json::reader const function = one["function"];
        if (!require_object(function)) break;
        std::string_view const name = read_name(function["name"]);
        std::string_view const description = function["description"].text_or({});
        json::reader const parameters = function["parameters"];
        std::string schema;
        if (parameters.present() && require_object(parameters))
            schema = repaired_tool_schema(parameters.value()->get_object());
        tools.emplace_back(std::string{name}, std::string{description}, std::move(schema));
    }
    json::reader const functions = in["functions"];
    if (functions.elements_or_none().size() != 0)
        refuse_present(
            functions,
            "; it was replaced: send \"tools\", each {\"type\":\"function\",\"function\":{…}}");
    return tools;
}

agent::tool_choice read_tool_choice(json::reader in, std::vector<agent::tool> const& offered) {
    using kind = agent::tool_choice::kind;
    if (json::reader const legacy = in["function_call"]; legacy.present() && !legacy.is_text())
        refuse_present(legacy, "; it was replaced: send \"tool_choice\"");
    json::reader const choice = in["tool_choice"];
    if (!choice.present()) return agent::tool_choice{};
    if (choice.is_text()) {
        std::string_view const word = choice.text();
        if (word == "auto") return agent::tool_choice{};
        if (word == "none") return agent::tool_choice{kind::none};
        if (word != "required") {
            choice.complain("must be \"none\", \"auto\", \"required\" or "
                            "{\"type\":\"function\",\"function\":{\"name\":…}}" +
                            it_is(choice));
            return agent::tool_choice{};
        }
        if (offered.empty()) choice.complain("is \"required\", but no tools are given");
        return agent::tool_choice{kind::required};
    }
    if (!require_object(choice)) return agent::tool_choice{};
    if (choice["type"].text() != "function") {
        choice["type"].complain(
            "must be \"function\": other kinds of choice are not supported here" +
            it_is(choice["type"]));
        return agent::tool_choice{};
    }
    json::reader const function = choice["function"];
    if (!require_object(function)) return agent::tool_choice{};
    std::string_view const name = read_name(function["name"]);
    if (std::none_of(offered.begin(), offered.end(),
                     [&](agent::tool const& one) { return one.name == name; }))
        function["name"].complain("must be the name of one of the tools" + it_is(function["name"]));
    return agent::tool_choice{kind::named, std::string{name}};
}

std::string identifier_of_function_call(std::string_view function) {
    return "call_" + std::string{function};
}

std::vector<agent::tool_call> read_tool_calls(json::reader message) {
    std::vector<agent::tool_call> calls;
    for (json::reader const one : message["tool_calls"].elements_or_none()) {
        if (!require_object(one)) break;
        if (one["type"].text_or("function") != "function") {
            one["type"].complain("must be \"function\": custom tools are not supported here" +
                                 it_is(one["type"]));
            break;
        }
        std::string_view const id = read_name(one["id"]);
        json::reader const function = one["function"];
        if (!require_object(function)) break;
        std::string_view const name = read_name(function["name"]);
        calls.emplace_back(std::string{id}, std::string{name},
                           read_arguments(function["arguments"]));
    }
    json::reader const legacy = message["function_call"];
    if (legacy.present() && require_object(legacy)) {
        std::string_view const name = read_name(legacy["name"]);
        calls.emplace_back(identifier_of_function_call(name), std::string{name},
                           read_arguments(legacy["arguments"]));
    }
    return calls;
}

} // namespace mcp_provider::server::openai
