#include "agents/claude_wire.hpp"

#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

namespace mcp_provider::server::agents::claude {

using acp::flag_of;
using acp::member_of;
using acp::number_of;
using acp::text_of;

namespace {

constexpr std::size_t max_models = 200;
constexpr std::size_t max_message_bytes = 500;

constexpr std::array<std::string_view, 14> always{
    "-p",
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
    "--include-partial-messages",
    "--verbose",
    "--permission-prompt-tool",
    "stdio",
    "--no-session-persistence",
    // Neither the settings, hooks and rules of the user who runs us, nor his MCP servers and commands.
    "--strict-mcp-config",
    "--setting-sources",
    "",
    "--disable-slash-commands",
};

// `@/path` in a prompt would read that file, whatever tools and permissions there are.
constexpr std::array<std::pair<std::string_view, std::string_view>, 5> switches{{
    {"CLAUDE_CODE_DISABLE_ATTACHMENTS", "1"},
    {"CLAUDE_CODE_DISABLE_FILE_MENTIONS", "1"},
    {"CLAUDE_CODE_DISABLE_CLAUDE_MDS", "1"},
    {"CLAUDE_CODE_DISABLE_AUTO_MEMORY", "1"},
    {"DISABLE_AUTOUPDATER", "1"},
}};

void append_member(std::string& out, std::string_view name, std::string_view text) {
    json::append_quoted(out += ',', name);
    json::append_quoted(out += ':', text);
}

std::string control(std::string_view id, std::string_view subtype, std::string_view rest = {}) {
    std::string line = R"({"type":"control_request","request_id":)";
    json::append_quoted(line, id);
    line += R"(,"request":{"subtype":)";
    json::append_quoted(line, subtype);
    (line += rest) += "}}";
    return line;
}

std::string answer(std::string_view id, std::string_view response) {
    std::string line =
        R"({"type":"control_response","response":{"subtype":"success","request_id":)";
    json::append_quoted(line, id);
    ((line += R"(,"response":)") += response) += "}}";
    return line;
}

std::string_view kind_of(std::string_view tool) {
    if (tool == "Bash" || tool == "PowerShell" || tool == "Monitor") return "execute";
    if (tool == "Write" || tool == "Edit" || tool == "MultiEdit" || tool == "NotebookEdit")
        return "edit";
    if (tool == "Read" || tool == "Glob" || tool == "Grep") return "read";
    if (tool == "WebFetch" || tool == "WebSearch") return "fetch";
    return "other";
}

} // namespace

std::vector<std::string> command_line(std::vector<std::string> command, bool with_tools) {
    command.insert(command.end(), always.begin(), always.end());
    if (!with_tools) {
        command.emplace_back("--tools");
        command.emplace_back();
    }
    return command;
}

std::vector<std::string> environment(std::vector<std::string> variables) {
    for (auto const& [name, value] : switches) {
        std::string wanted{name};
        wanted += '=';
        std::erase_if(variables, [&](std::string const& one) { return one.starts_with(wanted); });
        variables.push_back(wanted += value);
    }
    return variables;
}

std::string list_models(std::string_view id) { return control(id, "list_models"); }

std::string initialize(std::string_view id, std::string_view system, bool with_tools) {
    std::string rest;
    if (!with_tools)
        append_member(rest, "systemPrompt", system);
    else if (!system.empty())
        append_member(rest, "appendSystemPrompt", system);
    return control(id, "initialize", rest);
}

std::string choose(std::string_view id, std::string_view model, std::string_view effort) {
    std::string settings;
    if (!model.empty()) append_member(settings, "model", model);
    if (!effort.empty()) append_member(settings, "effortLevel", effort);
    if (!settings.empty()) settings.front() = '{';
    return control(id, "apply_flag_settings",
                   settings.empty() ? R"(,"settings":{})" : R"(,"settings":)" + settings + '}');
}

std::string interrupt(std::string_view id) { return control(id, "interrupt"); }

std::string user(agent_prompt const& what) {
    std::string line =
        R"({"type":"user","parent_tool_use_id":null,"message":{"role":"user","content":[)";
    for (agent::image const& picture : what.images) {
        line += R"({"type":"image","source":{"type":"base64")";
        append_member(line, "media_type",
                      picture.media_type.empty() ? "image/png" : picture.media_type);
        append_member(line, "data", picture.base64);
        line += "}},";
    }
    line += R"({"type":"text")";
    append_member(line, "text", what.text);
    line += "}]}}";
    return line;
}

std::string allow(std::string_view id, boost::json::value const& input) {
    std::string response = R"({"behavior":"allow","updatedInput":)";
    response += input.is_object() ? boost::json::serialize(input) : std::string{"{}"};
    response += '}';
    return answer(id, response);
}

std::string deny(std::string_view id) {
    return answer(
        id, R"({"behavior":"deny","message":"The operator of this server does not allow it."})");
}

std::string unsupported(std::string_view id) {
    std::string line = R"({"type":"control_response","response":{"subtype":"error","request_id":)";
    json::append_quoted(line, id);
    line += R"(,"error":"this client does not do that"}})";
    return line;
}

std::vector<agent_model> models_of(boost::json::value const& list) {
    std::vector<agent_model> models;
    auto const* const listed = member_of(&list, "models");
    if (listed == nullptr || !listed->is_array()) return models;
    for (boost::json::value const& one : listed->get_array()) {
        std::string_view const id = text_of(&one, "value");
        if (id.empty() || id == "default" || models.size() == max_models) continue;
        models.emplace_back(std::string{id}, std::string{text_of(&one, "displayName")});
    }
    return models;
}

bool needs_login(boost::json::value const& initialized) {
    auto const* const account = member_of(&initialized, "account");
    std::string_view const key = text_of(account, "apiKeySource");
    return text_of(account, "apiProvider") == "firstParty" &&
           text_of(account, "tokenSource") == "none" && (key.empty() || key == "none");
}

permission_question question_of(boost::json::value const& request) {
    std::string_view const tool = text_of(&request, "tool_name");
    auto const* const input = member_of(&request, "input");
    std::string title{tool};
    for (std::string_view const what : {text_of(input, "command"), text_of(input, "file_path"),
                                        text_of(input, "url"), text_of(&request, "description")})
        if (!what.empty()) {
            (title += ": ") += what;
            break;
        }
    return {std::string{kind_of(tool)}, std::string{tool}, std::move(title)};
}

result<turn_end> end_of(boost::json::value const& line, bool was_cancelled) {
    turn_end end;
    std::string_view const stopped = text_of(&line, "stop_reason");
    if (stopped == "max_tokens" || text_of(&line, "subtype") == "error_max_turns")
        end.reason = agent::finish_reason::length;
    else if (stopped == "refusal")
        end.reason = agent::finish_reason::content_filter;
    if (auto const* const usage = member_of(&line, "usage"); usage != nullptr) {
        end.used_is_known = true;
        end.used.prompt_tokens = number_of(usage, "input_tokens") +
                                 number_of(usage, "cache_creation_input_tokens") +
                                 number_of(usage, "cache_read_input_tokens");
        end.used.completion_tokens = number_of(usage, "output_tokens");
    }
    end.was_cancelled = was_cancelled || text_of(&line, "terminal_reason").starts_with("aborted");
    if (!flag_of(&line, "is_error") || end.was_cancelled ||
        end.reason == agent::finish_reason::length)
        return end;
    std::string why{text_of(&line, "result")};
    if (auto const* const errors = member_of(&line, "errors");
        why.empty() && errors != nullptr && errors->is_array() && !errors->get_array().empty() &&
        errors->get_array().front().is_string())
        why = errors->get_array().front().get_string();
    if (why.empty()) why = "it does not say why";
    if (why.size() > max_message_bytes) why.resize(max_message_bytes);
    auto const status = number_of(&line, "api_error_status");
    auto const code = status == 429 || status == 529   ? rejection_code::overloaded
                      : status == 400 || status == 413 ? rejection_code::bad_request
                                                       : rejection_code::upstream_failed;
    return rejection{code, "claude failed: " + why};
}

} // namespace mcp_provider::server::agents::claude
