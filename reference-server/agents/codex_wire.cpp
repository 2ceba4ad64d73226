#include "agents/codex_wire.hpp"

#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/version.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace mcp_provider::server::agents::codex {

using acp::flag_of;
using acp::member_of;
using acp::number_of;
using acp::text_of;

namespace {

constexpr std::size_t max_models = 200;
constexpr std::size_t max_message_bytes = 500;

// What a user has switched on for himself, but not for those who ask through us: none of it asks before it acts.
// What a version does not know of these names, it ignores.
constexpr std::string_view never =
    R"("features.hooks":false,"features.apps":false,"features.plugins":false,)"
    R"("features.memories":false,"features.image_generation":false,"features.browser_use":false,)"
    R"("features.computer_use":false,"web_search":"disabled")";
// All else by which the model could do, see or be told more than the caller says.
constexpr std::string_view not_without_tools =
    R"(,"features.shell_tool":false,"features.unified_exec":false,"features.view_image":false,)"
    R"("features.multi_agent":false,"features.goals":false,"features.skill_search":false,)"
    R"("features.tool_suggest":false,"skills.include_instructions":false,)"
    R"("include_environment_context":false,"include_permissions_instructions":false,)"
    R"("include_apps_instructions":false,"project_doc_max_bytes":0)";

void append_member(std::string& out, std::string_view name, std::string_view text) {
    json::append_quoted(out += ',', name);
    json::append_quoted(out += ':', text);
}

void append_model(std::vector<agent_model>& models, std::string_view id, std::string_view title) {
    if (id.empty() || models.size() == max_models ||
        std::any_of(models.begin(), models.end(), [&](auto const& one) { return one.id == id; }))
        return;
    models.emplace_back(std::string{id}, std::string{title.empty() ? id : title});
}

/// Providers send their own document as the message; what it says is in `error.message`, `message` or `detail`.
std::string plain_message(std::string_view text) {
    if (!text.starts_with('{')) return std::string{text};
    json::parse_limits limits;
    limits.max_bytes = text.size();
    auto const document = json::parse(text, limits);
    if (!document) return std::string{text};
    auto const* const inner = member_of(&*document, "error");
    for (std::string_view const said :
         {text_of(inner, "message"), text_of(&*document, "message"), text_of(&*document, "detail")})
        if (!said.empty()) return std::string{said};
    return std::string{text};
}

} // namespace

std::string initialize_params() {
    std::string params =
        R"({"clientInfo":{"name":"mcp-local-provider","title":"MCP Local Provider")";
    append_member(params, "version", version);
    params += "}}";
    return params;
}

std::vector<std::string> mcp_servers_of(boost::json::value const& config) {
    std::vector<std::string> names;
    auto const* const servers = member_of(member_of(&config, "config"), "mcp_servers");
    if (servers != nullptr && servers->is_object())
        for (auto const& one : servers->get_object())
            names.emplace_back(one.key().data(), one.key().size());
    return names;
}

std::vector<agent_model> models_of(boost::json::value const& config,
                                   boost::json::value const& list) {
    std::vector<agent_model> models;
    auto const* const chosen = member_of(&config, "config");
    append_model(models, text_of(chosen, "model"), {});
    std::string_view const provider = text_of(chosen, "model_provider");
    auto const* const listed = member_of(&list, "data");
    if ((!provider.empty() && provider != "openai") || listed == nullptr || !listed->is_array())
        return models;
    for (boost::json::value const& one : listed->get_array())
        if (!flag_of(&one, "hidden"))
            append_model(models, text_of(&one, "model"), text_of(&one, "displayName"));
    return models;
}

bool needs_login(boost::json::value const& account) {
    auto const* const known = member_of(&account, "account");
    return flag_of(&account, "requiresOpenaiAuth") && (known == nullptr || known->is_null());
}

std::string thread_params(std::string_view directory, agent_prompt const& first, bool with_tools,
                          std::vector<std::string> const& mcp_servers) {
    std::string params = R"({"approvalPolicy":"untrusted","sandbox":"read-only","ephemeral":true)";
    append_member(params, "cwd", directory);
    if (!first.model.empty()) append_member(params, "model", first.model);
    // With tools its own instructions say how they are used; without, there is nothing to say but what the caller says.
    if (!with_tools)
        append_member(params, "baseInstructions", first.system);
    else if (!first.system.empty())
        append_member(params, "developerInstructions", first.system);
    (params += R"(,"config":{)") += never;
    if (!with_tools) params += not_without_tools;
    for (std::string const& one : mcp_servers) {
        json::append_quoted(params += ',', "mcp_servers." + one + ".enabled");
        params += ":false";
    }
    params += "}}";
    return params;
}

std::string history_params(std::string_view thread, std::vector<agent::message> const& history) {
    std::string params = R"({"threadId":)";
    json::append_quoted(params, thread);
    params += R"(,"items":[)";
    for (std::size_t i = 0; i != history.size(); ++i) {
        agent::message const& one = history[i];
        bool const answer = one.from == agent::role::assistant;
        if (i != 0) params += ',';
        params += answer
                      ? R"({"type":"message","role":"assistant","content":[{"type":"output_text")"
                      : R"({"type":"message","role":"user","content":[{"type":"input_text")";
        append_member(params, "text", one.text);
        params += '}';
        for (agent::image const& picture : one.images) {
            if (answer) break;
            params += R"(,{"type":"input_image","image_url":")";
            json::append_escaped(params, "data:");
            json::append_escaped(params,
                                 picture.media_type.empty() ? "image/png" : picture.media_type);
            json::append_escaped(params += ";base64,", picture.base64);
            params += "\"}";
        }
        params += "]}";
    }
    params += "]}";
    return params;
}

std::string turn_params(std::string_view thread, agent_prompt const& what) {
    std::string params = R"({"threadId":)";
    json::append_quoted(params, thread);
    params += R"(,"input":[{"type":"text")";
    append_member(params, "text", what.text);
    params += '}';
    for (agent::image const& picture : what.images) {
        params += R"(,{"type":"image","url":"data:)";
        json::append_escaped(params, picture.media_type.empty() ? "image/png" : picture.media_type);
        json::append_escaped(params += ";base64,", picture.base64);
        params += "\"}";
    }
    params += ']';
    if (!what.effort.empty()) append_member(params, "effort", what.effort);
    params += '}';
    return params;
}

std::string interrupt_params(std::string_view thread, std::string_view turn) {
    std::string params = R"({"threadId":)";
    json::append_quoted(params, thread);
    append_member(params, "turnId", turn);
    params += '}';
    return params;
}

approval read_approval(std::string_view method, boost::json::value const* params) {
    approval read;
    std::string_view const why = text_of(params, "reason");
    // For this once: what would allow more is never chosen.
    if (method == "item/commandExecution/requestApproval") {
        read.question = {"execute", "shell", std::string{text_of(params, "command")}};
        read.allowed = R"({"decision":"accept"})";
        read.refused = R"({"decision":"decline"})";
    } else if (method == "item/fileChange/requestApproval") {
        read.question = {"edit", "apply_patch", std::string{why.empty() ? "change files" : why}};
        read.allowed = R"({"decision":"accept"})";
        read.refused = R"({"decision":"decline"})";
    } else if (method == "item/permissions/requestApproval") {
        read.question = {"", "permissions", std::string{why}};
        read.refused = R"({"permissions":{}})";
    } else if (method == "mcpServer/elicitation/request") {
        read.question = {"", std::string{text_of(params, "serverName")},
                         std::string{text_of(params, "message")}};
        read.refused = R"({"action":"decline"})";
    } else if (method == "item/tool/requestUserInput") {
        read.question = {"", "request_user_input", "a question to the user"};
        read.refused = R"({"answers":{}})";
    }
    return read;
}

rejection failure_of(boost::json::value const* error) {
    std::string text = plain_message(text_of(error, "message"));
    if (text.size() > max_message_bytes) text.resize(max_message_bytes);
    if (text.empty()) text = "it does not say why";
    std::string_view const kind = text_of(error, "codexErrorInfo");
    rejection_code code = rejection_code::upstream_failed;
    if (kind == "contextWindowExceeded" || kind == "badRequest") code = rejection_code::bad_request;
    if (kind == "usageLimitExceeded" || kind == "rateLimitExceeded" || kind == "serverOverloaded")
        code = rejection_code::overloaded;
    return rejection{code, "codex failed: " + text};
}

agent::usage usage_of(boost::json::value const* params) {
    auto const* const total = member_of(member_of(params, "tokenUsage"), "total");
    agent::usage used;
    used.prompt_tokens = number_of(total, "inputTokens");
    used.completion_tokens = number_of(total, "outputTokens");
    return used;
}

} // namespace mcp_provider::server::agents::codex
