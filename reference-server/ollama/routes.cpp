#include "ollama/routes.hpp"

#include "dialect/ignored.hpp"
#include "dialect/prompt_hash.hpp"
#include "dialect/rules.hpp"
#include "mcp_provider/json/write.hpp"
#include "ollama/answer.hpp"
#include "ollama/stream.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::ollama {

namespace {

constexpr std::string_view json_type = "application/json; charset=utf-8";
constexpr std::string_view lines_type = "application/x-ndjson";
/// What is collected of one answer before it counts as endless.
constexpr std::size_t longest_answer = 16 * 1024 * 1024;

rejection unsupported(std::string_view model, std::string_view what) {
    return rejection{rejection_code::bad_request,
                     '"' + std::string{model} + "\" does not support " + std::string{what}}
        .because("unsupported_by_model");
}

/// The model of a request, if it can do all that is asked of it.
result<agent::model const*> choose(agent::model_list const& models, generation const& request,
                                   principal const& who, std::string_view what_for) {
    result<agent::model const*> found =
        choose_model(models, request.model, who, agent::capability::completion, what_for);
    if (!found) return found;
    agent::model const& model = **found;
    agent::conversation const& ask = request.ask();
    if (request.think == thinking::on &&
        !model.has(agent::capability::thinking | agent::capability::effort))
        return unsupported(request.model, "thinking");
    if (!ask.tools.empty() && !model.has(agent::capability::tools))
        return unsupported(request.model, "tools");
    if (!ask.suffix.empty() && !model.has(agent::capability::insert))
        return unsupported(request.model, "insert");
    if (ask.format.how != agent::answer_format::kind::text &&
        model.lacks(agent::limitation::format))
        return unsupported(request.model, "format");
    if (!model.has(agent::capability::vision))
        for (agent::message const& turn : ask.messages)
            if (!turn.images.empty()) return unsupported(request.model, "vision");
    return found;
}

http::response streamed(std::unique_ptr<http::body_stream> body) {
    http::response answer{200, lines_type, std::move(body)};
    answer.fields().set("Cache-Control", "no-cache");
    answer.fields().set("X-Accel-Buffering", "no");
    return answer;
}

/// Awaits the whole answer.
asio::awaitable<result<http::response>> at_once(agent::agent& agents,
                                                agent::conversation const& ask,
                                                audited const& proof, answer_writer const& writer,
                                                bool shows_thinking) {
    stopwatch times;
    result<std::unique_ptr<agent::delta_stream>> begun = co_await agents.generate(ask, proof);
    if (!begun) co_return std::move(begun).error();
    std::unique_ptr<agent::delta_stream> const deltas = *std::move(begun);
    std::string text;
    std::string thoughts;
    collected_calls calls;
    while (true) {
        result<agent::delta> piece = co_await deltas->next();
        if (!piece) co_return std::move(piece).error();
        switch (piece->what) {
        case agent::delta::kind::opened: times.opened(); continue;
        case agent::delta::kind::text: text += piece->text; break;
        case agent::delta::kind::reasoning:
            if (shows_thinking) thoughts += piece->text;
            break;
        case agent::delta::kind::tool_call:
            if (result<> added = calls.add(*piece); !added) co_return std::move(added).error();
            break;
        case agent::delta::kind::finished: {
            result<std::string> object = writer.whole(
                text, thoughts, calls, done_reason_of(piece->reason), piece->used, times);
            if (!object) co_return std::move(object).error();
            note_end(proof, *piece);
            co_return http::response{200, json_type, *std::move(object)};
        }
        }
        times.spoke();
        if (text.size() + thoughts.size() > longest_answer)
            co_return rejection{rejection_code::upstream_failed, "the agent's answer does not end"};
    }
}

/// What chat and generate do alike.
template <class Request>
asio::awaitable<result<http::response>> answer(agent::agent& agents, Request const& request,
                                               principal const& who, audited const& proof,
                                               answer_form form, std::string_view what_for) {
    agent::model_list const models = agents.models();
    result<agent::model const*> found = choose(models, request, who, what_for);
    if (!found) co_return std::move(found).error();
    generation_notes& notes = proof.notes();
    notes.model = (*found)->name;
    answer_writer writer{form, request.model};
    if (request.is_empty()) {
        notes.finish_reason = request.unloads ? "unload" : "load";
        co_return http::response{200, json_type, writer.without_answer(notes.finish_reason)};
    }
    notes.prompt_hash = prompt_hash(request);
    agent::conversation const& ask = request.ask_of(**found, who);
    std::string const ignored = ignored_parameters(ask, **found, "num_predict");
    bool const shows_thinking = request.think != thinking::off;
    if (!request.streamed) {
        result<http::response> whole = co_await at_once(agents, ask, proof, writer, shows_thinking);
        if (whole) note_ignored(*whole, ignored);
        co_return std::move(whole);
    }
    http::response answer = streamed(
        std::make_unique<answer_stream>(agents, ask, proof, std::move(writer), shows_thinking));
    note_ignored(answer, ignored);
    co_return answer;
}

/// Asks for vectors, one an input.
template <class Request>
asio::awaitable<result<agent::embeddings>> embed(agent::agent& agents, Request const& request,
                                                 agent::embedding_request& ask,
                                                 principal const& who, audited const& proof) {
    agent::model_list const models = agents.models();
    result<agent::model const*> found =
        choose_model(models, request.model, who, agent::capability::embedding, "embeddings");
    if (!found) co_return std::move(found).error();
    proof.notes().model = (*found)->name;
    if (ask.inputs.empty()) co_return agent::embeddings{};
    proof.notes().prompt_hash = prompt_hash(request);
    ask.model = (*found)->name;
    result<agent::embeddings> got = co_await agents.embed(ask, proof);
    if (!got) co_return std::move(got).error();
    if (got->vectors.size() != ask.inputs.size())
        co_return rejection{rejection_code::upstream_failed,
                            "the agent gave " + std::to_string(got->vectors.size()) +
                                " vectors for " + std::to_string(ask.inputs.size()) + " texts"};
    proof.notes().prompt_tokens = got->prompt_tokens;
    co_return std::move(got);
}

/// Appends an array of numbers. *Errors*: `upstream_failed` for what JSON cannot hold.
result<> append_vector(std::string& out, std::vector<float> const& vector) {
    std::array<char, 24> digits;
    char separator = '[';
    for (float const number : vector) {
        if (!std::isfinite(number))
            return rejection{rejection_code::upstream_failed,
                             "the agent gave a vector with a number that is not finite"};
        out += separator;
        separator = ',';
        out.append(digits.data(),
                   std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
    }
    out += vector.empty() ? "[]" : "]";
    return {};
}

} // namespace

asio::awaitable<result<http::response>> chat_handler::operator()(chat_request const& request,
                                                                 principal const& who,
                                                                 audited const& proof) const {
    return answer(agents, request, who, proof, answer_form::chat, "chat");
}

asio::awaitable<result<http::response>>
generate_handler::operator()(generate_request const& request, principal const& who,
                             audited const& proof) const {
    return answer(agents, request, who, proof,
                  request.raw ? answer_form::raw : answer_form::generate, "generate");
}

asio::awaitable<result<http::response>> embed_handler::operator()(embed_request const& request,
                                                                  principal const& who,
                                                                  audited const& proof) const {
    stopwatch const times;
    agent::embedding_request ask;
    ask.inputs = request.inputs;
    ask.dimensions = request.dimensions;
    ask.truncate = request.truncate;
    result<agent::embeddings> got = co_await embed(agents, request, ask, who, proof);
    if (!got) co_return std::move(got).error();
    std::string out = R"({"model":)";
    json::append_quoted(out, request.model);
    out += R"(,"embeddings":[)";
    for (std::size_t i = 0; i != got->vectors.size(); ++i) {
        if (i != 0) out += ',';
        if (result<> written = append_vector(out, got->vectors[i]); !written)
            co_return std::move(written).error();
    }
    out += ']';
    times.append_embedding_to(out, got->prompt_tokens);
    out += '}';
    co_return http::response{200, json_type, std::move(out)};
}

asio::awaitable<result<http::response>>
embeddings_handler::operator()(embeddings_request const& request, principal const& who,
                               audited const& proof) const {
    agent::embedding_request ask;
    if (!request.prompt.empty()) ask.inputs.push_back(request.prompt);
    result<agent::embeddings> got = co_await embed(agents, request, ask, who, proof);
    if (!got) co_return std::move(got).error();
    std::string out = R"({"embedding":)";
    std::vector<float> const none;
    result<> written = append_vector(out, got->vectors.empty() ? none : got->vectors.front());
    if (!written) co_return std::move(written).error();
    out += '}';
    co_return http::response{200, json_type, std::move(out)};
}

result<http::response> pull_handler::operator()(pull_request const& request,
                                                principal const& who) const {
    agent::model_list const models = agents.models();
    agent::model const* const found = find_model(models, request.model);
    if (found == nullptr || !who.may_use(found->name))
        return rejection{
            rejection_code::forbidden,
            "this server does not pull models; those that it has are listed at /api/tags"}
            .because("models_are_fixed");
    if (request.streamed) return http::response{200, lines_type, "{\"status\":\"success\"}\n"};
    return http::response{200, json_type, R"({"status":"success"})"};
}

result<http::response> management_handler::operator()(http::request const&) const {
    return rejection{
        rejection_code::forbidden,
        "this server does not manage models; those that it has are listed at /api/tags"}
        .because("models_are_fixed");
}

} // namespace mcp_provider::server::ollama
