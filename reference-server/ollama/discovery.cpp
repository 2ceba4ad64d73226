#include "ollama/discovery.hpp"

#include "dialect/rules.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/json/write.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

constexpr std::string_view json_type = "application/json; charset=utf-8";
/// Models are no files here, but clients want a size above 0.
constexpr std::string_view size_on_disk = "1";
/// Agents do not unload. Ollama writes "for ever" as a time some centuries ahead; a system clock ends in 2262.
constexpr std::chrono::hours for_ever{24 * 365 * 100};
constexpr std::uint8_t any_ability = 0xFF;

std::string_view family_of(agent::model const& model) noexcept {
    return model.family.empty() ? std::string_view{"agent"} : std::string_view{model.family};
}

/// What people read: the name without the tag that says nothing.
std::string_view display_name_of(agent::model const& model) noexcept {
    std::string_view name = model.name;
    if (constexpr std::string_view latest = ":latest"; name.ends_with(latest))
        name.remove_suffix(latest.size());
    return name;
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
    out += ",\"";
    out += name;
    out += "\":";
    json::append_quoted(out, text);
}

void append_time(std::string& out, std::string_view name,
                 std::chrono::system_clock::time_point moment) {
    out += ",\"";
    out += name;
    out += "\":\"";
    append_timestamp(out, moment);
    out += '"';
}

void append_details(std::string& out, agent::model const& model) {
    out += R"(,"details":{"parent_model":"","format":"agent")";
    append_member(out, "family", family_of(model));
    out += R"(,"families":[)";
    json::append_quoted(out, family_of(model));
    out += R"(],"parameter_size":"","quantization_level":"")";
    if (model.context_tokens != 0)
        json::append_number(out += R"(,"context_length":)", model.context_tokens);
    if (model.embedding_length != 0)
        json::append_number(out += R"(,"embedding_length":)", model.embedding_length);
    out += '}';
}

void append_capabilities(std::string& out, agent::model const& model) {
    // Koog fails on a word that it does not know: these are Ollama's own.
    constexpr std::pair<std::uint8_t, std::string_view> words[] = {
        {agent::capability::completion, "completion"}, {agent::capability::tools, "tools"},
        {agent::capability::insert, "insert"},         {agent::capability::vision, "vision"},
        {agent::capability::embedding, "embedding"},   {agent::capability::thinking, "thinking"}};
    out += R"(,"capabilities":[)";
    bool first = true;
    for (auto const& [ability, word] : words) {
        if (!model.has(ability)) continue;
        if (!std::exchange(first, false)) out += ',';
        json::append_quoted(out, word);
    }
    out += ']';
}

/// Appends the members that tags and ps have in common, from `name` to `details`.
void append_model(std::string& out, agent::model const& model) {
    out += R"("name":)";
    json::append_quoted(out, model.name);
    append_member(out, "model", model.name);
    out += R"(,"size":)";
    out += size_on_disk;
    out += R"(,"digest":")";
    crypto::append_hex(out, crypto::as_text(crypto::sha256(model.name)));
    out += '"';
    append_details(out, model);
}

/// Lists what `who` may use; `append_rest` adds what only one of the listings has.
template <class AppendRest>
http::response list(agent::agent const& agents, principal const& who,
                    AppendRest const& append_rest) {
    agent::model_list const models = agents.models();
    std::string out = R"({"models":[)";
    bool first = true;
    for (agent::model const& model : *models) {
        if (!who.may_use(model.name)) continue;
        if (!std::exchange(first, false)) out += ',';
        out += '{';
        append_model(out, model);
        append_rest(out, model);
        out += '}';
    }
    out += "]}";
    return http::response{200, json_type, std::move(out)};
}

/// The text of `parameters`: a name, blanks, a value, a line each.
std::string parameters_of(agent::model const& model) {
    if (model.context_tokens == 0) return {};
    return "num_ctx                        " + std::to_string(model.context_tokens);
}

/// Continue takes a model for one that fills in the middle if `.Suffix` stands here.
std::string_view template_of(agent::model const& model) noexcept {
    if (!model.has(agent::capability::completion)) return "{{ .Prompt }}";
    if (model.has(agent::capability::insert))
        return "{{- if .Suffix }}{{ .Prompt }}{{ .Suffix }}{{ else }}{{ .System }}{{ .Prompt }}{{ "
               "end }}";
    return "{{ .System }}{{ .Prompt }}";
}

void append_model_info(std::string& out, agent::model const& model) {
    std::string const architecture{family_of(model)};
    out += R"(,"model_info":{"general.architecture":)";
    json::append_quoted(out, architecture);
    append_member(out, "general.basename", display_name_of(model));
    auto const append_count = [&](std::string_view name, std::uint64_t count) {
        if (count == 0) return;
        out += ',';
        json::append_quoted(out, architecture + std::string{name});
        json::append_number(out += ':', count);
    };
    append_count(".context_length", model.context_tokens);
    append_count(".embedding_length", model.embedding_length);
    out += '}';
}

} // namespace

http::response root_handler::operator()(http::request const&) const {
    return http::response{200, "text/plain; charset=utf-8", "Ollama is running"};
}

http::response version_handler::operator()(http::request const&) const {
    return http::response{200, json_type,
                          R"({"version":")" + std::string{compatible_version} + "\"}"};
}

http::response tags_handler::operator()(principal const& who) const {
    return list(agents, who, [](std::string& out, agent::model const& model) {
        append_time(out, "modified_at", model.modified);
        append_capabilities(out, model);
    });
}

http::response ps_handler::operator()(principal const& who) const {
    auto const expiry = real_clock{}.system() + for_ever;
    return list(agents, who, [expiry](std::string& out, agent::model const& model) {
        append_time(out, "expires_at", expiry);
        out += R"(,"size_vram":)";
        out += size_on_disk;
        json::append_number(out += R"(,"context_length":)", model.context_tokens);
    });
}

result<http::response> show_handler::operator()(show_request const& request,
                                                principal const& who) const {
    agent::model_list const models = agents.models();
    result<agent::model const*> found =
        choose_model(models, request.model, who, any_ability, "anything");
    if (!found) return std::move(found).error();
    agent::model const& model = **found;
    std::string out = R"({"modelfile":)";
    json::append_quoted(out, "FROM " + model.name + '\n');
    append_member(out, "parameters", parameters_of(model));
    append_member(out, "template", template_of(model));
    append_details(out, model);
    append_model_info(out, model);
    append_capabilities(out, model);
    append_time(out, "modified_at", model.modified);
    out += '}';
    return http::response{200, json_type, std::move(out)};
}

} // namespace mcp_provider::server::ollama
