// The turns of a chat and the tools on offer.
#include "dialect/tool_schema.hpp"
#include "mcp_provider/http/fields.hpp"
#include "ollama/members.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

agent::role read_role(json::reader place) {
    std::string_view const name = place.text();
    if (http::equals_ignoring_case(name, "user")) return agent::role::user;
    if (http::equals_ignoring_case(name, "assistant")) return agent::role::assistant;
    if (http::equals_ignoring_case(name, "system")) return agent::role::system;
    if (http::equals_ignoring_case(name, "tool")) return agent::role::tool;
    place.complain("must be \"system\", \"user\", \"assistant\" or \"tool\"");
    return agent::role::user;
}

void read_calls(json::reader calls, std::size_t turn, agent::message& into) {
    std::size_t count = 0;
    for (json::reader const one : calls.elements_or_none()) {
        json::reader const function = one["function"];
        std::string_view const name = function["name"].text();
        if (name.empty()) function["name"].complain("must not be empty");
        static_cast<void>(function["index"].integer_or(0, 0));
        std::string id{one["id"].text_or({})};
        if (id.empty()) id = "call_" + std::to_string(turn) + '_' + std::to_string(count);
        std::string arguments = "{}";
        if (json::reader const given = function["arguments"]; given.is_object())
            arguments = boost::json::serialize(*given.value());
        else if (given.present())
            given.complain("must be an object; text that holds JSON is not");
        into.tool_calls.emplace_back(std::move(id), std::string{name}, std::move(arguments));
        ++count;
    }
    if (count != 0 && into.from != agent::role::assistant)
        calls.complain("must stand in a message of the assistant");
}

/// Calls that wait for the answer of their tool.
using open_calls = std::vector<std::pair<std::string, std::string>>;

/// Pairs a tool's answer with its call: by id, else by name, else the first that is open.
void pair_with_call(agent::message& answer, open_calls& open) {
    auto found = open.begin();
    if (!answer.tool_call_id.empty())
        found = std::find_if(open.begin(), open.end(),
                             [&](auto const& call) { return call.first == answer.tool_call_id; });
    else if (!answer.tool_name.empty()) {
        found = std::find_if(open.begin(), open.end(),
                             [&](auto const& call) { return call.second == answer.tool_name; });
        if (found == open.end()) found = open.begin();
    }
    if (found == open.end()) return;
    answer.tool_call_id = found->first;
    if (answer.tool_name.empty()) answer.tool_name = found->second;
    open.erase(found);
}

} // namespace

void read_messages(json::reader messages, generation_rules const& rules, agent::conversation& ask) {
    open_calls open;
    for (json::reader const one : messages.elements_or_none(rules.max_messages)) {
        agent::message turn{read_role(one["role"]), std::string{one["content"].text_or({})}};
        turn.reasoning = one["thinking"].text_or({});
        turn.images = read_images(one["images"]);
        turn.tool_name = one["tool_name"].text_or({});
        turn.tool_call_id = one["tool_call_id"].text_or({});
        read_calls(one["tool_calls"], ask.messages.size(), turn);
        if (turn.from == agent::role::tool) pair_with_call(turn, open);
        for (agent::tool_call const& call : turn.tool_calls) open.emplace_back(call.id, call.name);
        ask.messages.push_back(std::move(turn));
    }
}

void read_tools(json::reader root, agent::conversation& ask) {
    for (json::reader const one : root["tools"].elements_or_none()) {
        if (json::reader const type = one["type"]; type.text_or("function") != "function")
            type.complain("must be \"function\"");
        json::reader const function = one["function"];
        std::string_view const name = function["name"].text();
        if (name.empty()) function["name"].complain("must not be empty");
        std::string parameters;
        if (json::reader const schema = function["parameters"]; schema.is_object())
            parameters = repaired_tool_schema(schema.value()->get_object());
        else if (schema.present())
            schema.complain("must be a JSON Schema object");
        ask.tools.emplace_back(std::string{name}, std::string{function["description"].text_or({})},
                               std::move(parameters));
    }
    json::reader const choice = root["tool_choice"];
    if (!choice.present() || (choice.is_text() && choice.text() == "auto")) return;
    if (choice.is_text() && choice.text() == "none")
        ask.choice = agent::tool_choice{agent::tool_choice::kind::none};
    else
        choice.complain("must be \"auto\" or \"none\": a call cannot be forced here");
}

std::size_t count_characters(std::vector<agent::message> const& messages) noexcept {
    std::size_t count = 0;
    for (agent::message const& turn : messages) {
        count += server::count_characters(turn.text) + server::count_characters(turn.reasoning);
        for (agent::tool_call const& call : turn.tool_calls)
            count += server::count_characters(call.arguments);
    }
    return count;
}

} // namespace mcp_provider::server::ollama
