#include "openai/messages.hpp"

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/http/fields.hpp"
#include "openai/parameters.hpp"
#include "openai/tools.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server::openai {

namespace {

std::optional<agent::role> role_of(std::string_view name) noexcept {
    if (name == "user") return agent::role::user;
    if (name == "assistant") return agent::role::assistant;
    if (name == "system" || name == "developer") return agent::role::system;
    if (name == "tool" || name == "function") return agent::role::tool;
    return std::nullopt;
}

bool starts_ignoring_case(std::string_view text, std::string_view start) noexcept {
    return text.size() >= start.size() &&
           http::equals_ignoring_case(text.substr(0, start.size()), start);
}

bool is_image_type(std::string_view media_type) noexcept {
    constexpr std::string_view kind = "image/";
    return starts_ignoring_case(media_type, kind) && media_type.size() > kind.size() &&
           std::all_of(media_type.begin() + kind.size(), media_type.end(),
                       http::is_token_character);
}

/// Reads an image from `data:image/…;base64,…` (RFC 2397).
void read_image(json::reader place, std::vector<agent::image>& images) {
    constexpr std::string_view wanted = "must be a data: URL like data:image/png;base64,…";
    json::reader const at = place.is_text() ? place : place["url"];
    std::string_view url = at.text();
    if (!at.is_text()) return;
    if (starts_ignoring_case(url, "http://") || starts_ignoring_case(url, "https://")) {
        at.complain(std::string{wanted} +
                    ": this server fetches no remote images, so that nobody can make it read "
                    "addresses for them (server-side request forgery)");
        return;
    }
    constexpr std::string_view scheme = "data:";
    constexpr std::string_view coding = ";base64";
    std::size_t const comma = url.find(',');
    if (!starts_ignoring_case(url, scheme) || comma == std::string_view::npos) {
        at.complain(wanted);
        return;
    }
    std::string_view const type = url.substr(scheme.size(), comma - scheme.size());
    std::string_view const base64 = url.substr(comma + 1);
    std::string_view const media_type = type.substr(0, type.find(';'));
    if (type.size() < coding.size() ||
        !starts_ignoring_case(type.substr(type.size() - coding.size()), coding) ||
        !is_image_type(media_type)) {
        at.complain(wanted);
        return;
    }
    if (base64.empty() || !crypto::base64_decode(base64)) {
        at.complain("must hold padded base64 after its comma, and something");
        return;
    }
    images.emplace_back(std::string{media_type}, std::string{base64});
}

void read_part(json::reader part, agent::message& to) {
    if (!require_object(part)) return;
    json::reader const type = part["type"];
    std::string_view const kind = type.text();
    if (!type.is_text()) return;
    if (kind == "text" || kind == "refusal") {
        if (!to.text.empty()) to.text += '\n';
        to.text += part[kind == "text" ? "text" : "refusal"].text();
    } else if (kind == "image_url") {
        read_image(part["image_url"], to.images);
    } else if (kind == "input_audio" || kind == "file") {
        type.complain("must be \"text\" or \"image_url\": audio and files are not supported here" +
                      it_is(type));
    } else {
        type.complain("must be \"text\" or \"image_url\"" + it_is(type));
    }
}

void read_content(json::reader in, agent::message& to) {
    json::reader const content = in["content"];
    if (content.is_text()) {
        to.text = content.text();
    } else if (content.is_array()) {
        for (json::reader const part : content.elements()) read_part(part, to);
    } else if (!content.present() && to.from == agent::role::assistant) {
        // What an assistant said before may be nothing but calls, a refusal or its reasoning.
        to.text = in["refusal"].text_or({});
        if (to.text.empty() && to.tool_calls.empty() && to.reasoning.empty())
            content.complain("must be a string or an array of parts; only an assistant's message "
                             "with tool_calls may "
                             "do without");
    } else {
        content.complain("must be a string or an array of parts");
    }
}

/// What only an assistant's message may carry.
void read_answer(json::reader in, agent::message& to) {
    if (to.from != agent::role::assistant) {
        if (in["tool_calls"].elements_or_none().size() != 0)
            in["tool_calls"].complain("is for messages of an assistant only");
        return;
    }
    json::reader const reasoning =
        in[in["reasoning_content"].present() ? "reasoning_content" : "reasoning"];
    if (reasoning.is_text()) to.reasoning = reasoning.text();
    to.tool_calls = read_tool_calls(in);
    refuse_present(in["audio"], "; send the text of the answer as content");
}

/// The name of the function that was called under an id; empty where none was.
std::string_view function_called(std::vector<agent::message> const& before, std::string_view id) {
    for (auto one = before.rbegin(); one != before.rend(); ++one)
        for (agent::tool_call const& call : one->tool_calls)
            if (call.id == id) return call.name;
    return {};
}

/// What a tool's answer refers to. This dialect names the call, agents may want the function.
void read_reference(json::reader in, std::string_view role,
                    std::vector<agent::message> const& before, agent::message& to) {
    if (to.from != agent::role::tool) return;
    if (role == "function") {
        to.tool_name = read_name(in["name"]);
        to.tool_call_id = identifier_of_function_call(to.tool_name);
        return;
    }
    to.tool_call_id = read_name(in["tool_call_id"]);
    to.tool_name =
        in["name"].is_text() ? in["name"].text() : function_called(before, to.tool_call_id);
}

std::size_t characters_of(agent::message const& one) noexcept {
    std::size_t count = count_characters(one.text) + count_characters(one.reasoning);
    for (agent::tool_call const& call : one.tool_calls) count += count_characters(call.arguments);
    return count;
}

} // namespace

std::vector<agent::message> read_messages(json::reader messages, generation_rules const& allowed) {
    std::vector<agent::message> read;
    std::size_t characters = 0;
    json::element_range const given = messages.elements(1, allowed.max_messages);
    read.reserve(given.size());
    for (json::reader const one : given) {
        if (!require_object(one)) break;
        json::reader const role = one["role"];
        std::string_view const name = role.text();
        std::optional<agent::role> const from = role_of(name);
        if (!from) {
            role.complain("must be \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"" +
                          it_is(role));
            break;
        }
        agent::message& to = read.emplace_back(*from, std::string{});
        read_answer(one, to);
        read_content(one, to);
        read_reference(one, name, read, to);
        characters += characters_of(to);
    }
    if (characters > allowed.max_message_characters)
        messages.complain("must have at most " + std::to_string(allowed.max_message_characters) +
                          " characters of text together; they have " + std::to_string(characters));
    return read;
}

} // namespace mcp_provider::server::openai
