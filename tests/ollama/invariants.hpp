// What holds for every request that was accepted, whatever its body was: for tests that make bodies up.
#pragma once

#include "mcp_provider/json/parse.hpp"
#include "ollama/answer.hpp"
#include "ollama/wire.hpp"

#include <re2/re2.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace ollama_tests {

/// The first promise that an accepted request breaks, or nothing.
inline std::string_view broken_promise(mcp_provider::agent::conversation const& ask,
                                       mcp_provider::server::generation_rules const& rules) {
    auto const& how = ask.sampling;
    auto const outside = [](auto const& number, double least, double most) {
        return number &&
               !(static_cast<double>(*number) >= least && static_cast<double>(*number) <= most);
    };
    if (outside(how.temperature, 0.0, 2.0)) return "temperature";
    if (outside(how.top_p, 0.0, 1.0) || outside(how.min_p, 0.0, 1.0)) return "top_p or min_p";
    if (outside(how.frequency_penalty, -2.0, 2.0) || outside(how.presence_penalty, -2.0, 2.0))
        return "a penalty";
    if (how.repeat_penalty && !(*how.repeat_penalty > 0.0)) return "repeat_penalty";
    if (how.top_k && *how.top_k < 0) return "top_k";
    if (outside(ask.max_tokens, 1.0, static_cast<double>(rules.max_tokens))) return "num_predict";
    if (ask.messages.size() > rules.max_messages) return "messages";
    for (auto const& one : ask.stop)
        if (one.empty()) return "stop";
    for (auto const& tool : ask.tools) {
        if (tool.name.empty()) return "a tool's name";
        if (!tool.parameters.empty()) {
            auto const schema = mcp_provider::json::parse(tool.parameters, {.max_depth = 64});
            if (!schema || !schema->is_object()) return "a tool's parameters";
        }
    }
    for (auto const& turn : ask.messages) {
        for (auto const& image : turn.images)
            if (image.base64.empty() || image.base64.starts_with("data:")) return "an image";
        for (auto const& call : turn.tool_calls) {
            auto const arguments = mcp_provider::json::parse(call.arguments);
            if (call.id.empty() || call.name.empty() || !arguments || !arguments->is_object())
                return "a tool call";
        }
    }
    if (ask.is_completion && !ask.messages.empty()) return "a completion with messages";
    return {};
}

template <class Request>
std::string_view broken_promise_of(boost::json::value const& document,
                                   mcp_provider::server::generation_rules const& rules) {
    auto const request = Request::from_json(document, rules);
    if (!request) {
        auto const& why = request.error();
        if (why.status() != 400 || why.message().empty()) return "a refusal without a reason";
        if (!why.where().empty() && why.where().front() != '/')
            return "a refusal whose place is no JSON pointer";
        return {};
    }
    if (!re2::RE2::FullMatch(request->model, *rules.model_pattern)) return "the model's name";
    std::string_view broken;
    request->for_each_text([&](std::string_view at, std::string_view text) {
        if (at.empty() || at.front() != '/' || text.empty()) broken = "a text's place";
    });
    if constexpr (requires { request->ask(); })
        if (broken.empty()) broken = broken_promise(request->ask(), rules);
    return broken;
}

/// Reads a document as each request of the dialect.
inline std::string_view broken_promise_of_any(boost::json::value const& document,
                                              mcp_provider::server::generation_rules const& rules) {
    namespace ollama = mcp_provider::server::ollama;
    for (std::string_view const broken :
         {broken_promise_of<ollama::chat_request>(document, rules),
          broken_promise_of<ollama::generate_request>(document, rules),
          broken_promise_of<ollama::embed_request>(document, rules),
          broken_promise_of<ollama::embeddings_request>(document, rules),
          broken_promise_of<ollama::show_request>(document, rules),
          broken_promise_of<ollama::pull_request>(document, rules)})
        if (!broken.empty()) return broken;
    return {};
}

/// Whether every line that is written about `text` is an object of valid JSON, and is one line.
inline bool writes_valid_lines(std::string_view text) {
    namespace ollama = mcp_provider::server::ollama;
    for (auto const form : {ollama::answer_form::chat, ollama::answer_form::generate}) {
        ollama::answer_writer const writer{form, text.substr(0, 64)};
        std::string out;
        writer.append_text(out, text);
        writer.append_thinking(out, text);
        for (int line = 0; line != 2; ++line) {
            auto const end = out.find('\n');
            if (end == std::string::npos) return false;
            auto const parsed = mcp_provider::json::parse(std::string_view{out}.substr(0, end));
            if (!parsed || !parsed->is_object()) return false;
            out.erase(0, end + 1);
        }
        if (!out.empty()) return false;
    }
    return true;
}

} // namespace ollama_tests
