#include "openai/routes.hpp"

#include "dialect/ignored.hpp"
#include "dialect/prompt_hash.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/http/query.hpp"
#include "mcp_provider/json/write.hpp"
#include "openai/answer.hpp"
#include "openai/errors.hpp"
#include "openai/stream.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::openai {

namespace {

/// `max_completion_tokens` means the same and is read into the same place.
constexpr std::string_view length_name = "max_tokens";
constexpr std::string_view json_type = "application/json";

/// Notes what is about to be asked.
template <class Request>
void note_question(Request const& asked, agent::model const& chosen, audited const& proof) {
    proof.notes().model = chosen.name;
    proof.notes().prompt_hash = prompt_hash(asked);
}

void note_answer(collected const& answer, std::string_view reason, audited const& proof) {
    generation_notes& notes = proof.notes();
    notes.prompt_tokens = answer.used.prompt_tokens;
    notes.completion_tokens = answer.used.completion_tokens;
    notes.finish_reason = reason;
}

http::response as_events(std::unique_ptr<http::body_stream> stream, std::string_view ignored) {
    http::response answer{200, "text/event-stream", std::move(stream)};
    answer.fields().set("Cache-Control", "no-cache");
    answer.fields().set("X-Accel-Buffering", "no");
    note_ignored(answer, ignored);
    return answer;
}

http::response whole_answer(std::string text, std::string_view ignored) {
    http::response answer{200, json_type, std::move(text)};
    note_ignored(answer, ignored);
    return answer;
}

rejection lacks(agent::model const& chosen, std::string_view ability, std::string_view where) {
    return rejection{rejection_code::bad_request,
                     '"' + chosen.name + "\" does not support " + std::string{ability}}
        .because("unsupported_by_model")
        .at(std::string{where});
}

/// Checks what a chat needs of its model beyond chatting.
result<> check_abilities(agent::conversation const& ask, agent::model const& chosen) {
    if (!ask.tools.empty() && ask.choice.how != agent::tool_choice::kind::none &&
        !chosen.has(agent::capability::tools))
        return lacks(chosen, "tools", "/tools");
    if (ask.format.how != agent::answer_format::kind::text &&
        chosen.lacks(agent::limitation::format))
        return lacks(chosen, "answers in JSON", "/response_format");
    if (!ask.reasoning_effort.empty() && ask.reasoning_effort != "none" &&
        !chosen.has(agent::capability::thinking | agent::capability::effort))
        return lacks(chosen, "thinking", "/reasoning_effort");
    if (chosen.has(agent::capability::vision)) return {};
    for (std::size_t i = 0; i != ask.messages.size(); ++i)
        if (!ask.messages[i].images.empty())
            return lacks(chosen, "images", "/messages/" + std::to_string(i) + "/content");
    return {};
}

void append_model(std::string& out, agent::model const& one) {
    auto const seconds =
        std::chrono::duration_cast<std::chrono::seconds>(one.modified.time_since_epoch());
    out += R"({"id":)";
    json::append_quoted(out, one.name);
    out += R"(,"object":"model","created":)";
    json::append_number(out, seconds.count());
    out += R"(,"owned_by":"library"})";
}

/// Checks that the vectors are what was asked for, and numbers.
result<> check_vectors(agent::embedding_request const& ask,
                       std::vector<std::vector<float>> const& vectors) {
    if (vectors.size() != ask.inputs.size())
        return malformed_answer("it has " + std::to_string(vectors.size()) + " vectors for " +
                                std::to_string(ask.inputs.size()) + " texts");
    for (std::vector<float> const& vector : vectors) {
        if (ask.dimensions != 0 && vector.size() != ask.dimensions)
            return malformed_answer("it has vectors of " + std::to_string(vector.size()) +
                                    " dimensions, and " + std::to_string(ask.dimensions) +
                                    " were asked for");
        for (float const one : vector)
            if (!std::isfinite(one)) return malformed_answer("a vector holds what is no number");
    }
    return {};
}

void append_numbers(std::string& out, std::vector<float> const& vector) {
    std::array<char, 24> digits;
    out += '[';
    for (float const one : vector) {
        if (out.back() != '[') out += ',';
        out.append(digits.data(),
                   std::to_chars(digits.data(), digits.data() + digits.size(), one).ptr);
    }
    out += ']';
}

void append_base64(std::string& out, std::vector<float> const& vector) {
    std::string bytes;
    bytes.reserve(vector.size() * sizeof(float));
    for (float const one : vector) {
        auto const bits = std::bit_cast<std::uint32_t>(one);
        for (unsigned shift = 0; shift != 32; shift += 8)
            bytes += static_cast<char>((bits >> shift) & 0xFFU);
    }
    out += '"';
    out += crypto::base64_encode(bytes);
    out += '"';
}

std::string write_embeddings(embedding_request const& asked, agent::embeddings const& made) {
    std::string out = R"({"object":"list","data":[)";
    for (std::size_t i = 0; i != made.vectors.size(); ++i) {
        out += i == 0 ? R"({"object":"embedding","index":)" : R"(,{"object":"embedding","index":)";
        json::append_number(out, i);
        out += R"(,"embedding":)";
        if (asked.as_base64())
            append_base64(out, made.vectors[i]);
        else
            append_numbers(out, made.vectors[i]);
        out += '}';
    }
    out += R"(],"model":)";
    json::append_quoted(out, asked.model());
    out += R"(,"usage":{"prompt_tokens":)";
    json::append_number(out, made.prompt_tokens);
    out += R"(,"total_tokens":)";
    json::append_number(out, made.prompt_tokens);
    out += "}}";
    return out;
}

} // namespace

asio::awaitable<result<http::response>> chat_handler::operator()(chat_request const& asked,
                                                                 principal const& who,
                                                                 audited const& proof) const {
    agent::model_list const models = agents.models();
    auto const chosen =
        choose_model(models, asked.model(), who, agent::capability::completion, "chat");
    if (!chosen) co_return chosen.error();
    auto able = check_abilities(asked.asked(), **chosen);
    if (!able) co_return std::move(able).error();
    asked.resolve((*chosen)->name, who);
    std::string const ignored = ignored_parameters(asked.asked(), **chosen, length_name);
    note_question(asked, **chosen, proof);

    answer_head const head = answer_head::make("chatcmpl-", asked.model(), real_clock{}.system());
    if (asked.asked().streamed)
        co_return as_events(stream_chat(agents, asked.asked(), proof, head, asked.include_usage()),
                            ignored);
    auto const answer = co_await collect(agents, asked.asked(), proof);
    if (!answer) co_return answer.error();
    note_answer(*answer, name_of(answer->reason, !answer->calls.empty()), proof);
    co_return whole_answer(write_chat_answer(head, *answer), ignored);
}

asio::awaitable<result<http::response>>
completion_handler::operator()(completion_request const& asked, principal const& who,
                               audited const& proof) const {
    agent::model_list const models = agents.models();
    auto const chosen =
        choose_model(models, asked.model(), who, agent::capability::completion, "completions");
    if (!chosen) co_return chosen.error();
    if (!asked.asked().suffix.empty() && !(*chosen)->has(agent::capability::insert))
        co_return lacks(**chosen, "insert", "/suffix");
    asked.resolve((*chosen)->name, who);
    std::string const ignored = ignored_parameters(asked.asked(), **chosen, length_name);
    note_question(asked, **chosen, proof);

    answer_head const head = answer_head::make("cmpl-", asked.model(), real_clock{}.system());
    if (asked.asked().streamed)
        co_return as_events(
            stream_completion(agents, asked.asked(), proof, head, asked.include_usage()), ignored);
    auto const answer = co_await collect(agents, asked.asked(), proof);
    if (!answer) co_return answer.error();
    note_answer(*answer, name_of(answer->reason, false), proof);
    co_return whole_answer(write_completion_answer(head, *answer), ignored);
}

asio::awaitable<result<http::response>>
embedding_handler::operator()(embedding_request const& asked, principal const& who,
                              audited const& proof) const {
    agent::model_list const models = agents.models();
    auto const chosen =
        choose_model(models, asked.model(), who, agent::capability::embedding, "embeddings");
    if (!chosen) co_return chosen.error();
    agent::model const& model = **chosen;
    if (model.embedding_length != 0 && asked.asked().dimensions > model.embedding_length)
        co_return rejection{rejection_code::bad_request,
                            "/dimensions must be at most " +
                                std::to_string(model.embedding_length) + " for this model"}
            .because("invalid_value")
            .at("/dimensions");
    asked.resolve(model.name);
    note_question(asked, model, proof);

    auto const made = co_await agents.embed(asked.asked(), proof);
    if (!made) co_return made.error();
    auto fits = check_vectors(asked.asked(), made->vectors);
    if (!fits) co_return std::move(fits).error();
    proof.notes().prompt_tokens = made->prompt_tokens;
    proof.notes().finish_reason = "stop";
    co_return http::response{200, json_type, write_embeddings(asked, *made)};
}

result<http::response> model_list_handler::operator()(principal const& who) const {
    agent::model_list const models = agents.models();
    std::string out = R"({"object":"list","data":[)";
    for (agent::model const& one : *models) {
        if (!who.may_use(one.name)) continue;
        if (out.back() != '[') out += ',';
        append_model(out, one);
    }
    out += "]}";
    return http::response{200, json_type, std::move(out)};
}

result<http::response> model_handler::operator()(http::request const& asked,
                                                 principal const& who) const {
    agent::model_list const models = agents.models();
    std::string_view const path = asked.path();
    auto const name = http::percent_decoded(
        path.substr(path.starts_with(path_prefix) ? path_prefix.size() : path.size()));
    agent::model const* const found = name ? find_model(models, *name) : nullptr;
    if (found == nullptr || !who.may_use(found->name))
        return rejection{rejection_code::not_found, "model '" + name.value_or("") + "' not found"}
            .because("model_not_found");
    std::string out;
    append_model(out, *found);
    return http::response{200, json_type, std::move(out)};
}

} // namespace mcp_provider::server::openai
