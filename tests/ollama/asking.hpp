// What the tests of the Ollama dialect share: reading a body, callers, models, and draining a response.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/awaitable.hpp>
#include <re2/re2.h>

#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ollama_tests {

namespace agent = mcp_provider::agent;
namespace http = mcp_provider::http;
using mcp_provider::server::generation_rules;

inline generation_rules allowed() {
    generation_rules rules;
    rules.model_pattern_text = "^[a-zA-Z0-9\\-_.:/]+$";
    rules.model_pattern = std::make_shared<re2::RE2 const>(rules.model_pattern_text);
    return rules;
}

template <class Request>
mcp_provider::result<Request> read(std::string_view body,
                                   generation_rules const& rules = allowed()) {
    auto const document = mcp_provider::json::parse(body);
    if (!document) return document.error();
    return Request::from_json(*document, rules);
}

/// The refusal of a body: its status, place and text in one line, for comparing.
template <class Request>
std::string refusal(std::string_view body, generation_rules const& rules = allowed()) {
    auto const request = read<Request>(body, rules);
    if (request) return "accepted";
    return std::to_string(request.error().status()) + ' ' + request.error().where() + " | " +
           request.error().message();
}

/// What a request shows to content rules: places and texts.
template <class Request>
std::vector<std::pair<std::string, std::string>> texts_of(Request const& request) {
    std::vector<std::pair<std::string, std::string>> out;
    request.for_each_text(
        [&](std::string_view at, std::string_view text) { out.emplace_back(at, text); });
    return out;
}

inline mcp_provider::principal caller(std::vector<std::string> models = {}) {
    auto who = std::make_shared<mcp_provider::identity>();
    who->id = "uid:1000";
    who->may = mcp_provider::scope::discover | mcp_provider::scope::generate;
    who->models = std::move(models);
    return mcp_provider::principal{std::move(who)};
}

/// A model for everything, one for text only, and one for vectors.
inline std::vector<agent::model> models() {
    using namespace agent::capability;
    std::vector<agent::model> out;
    out.emplace_back("all:latest", std::uint8_t{completion | tools | insert | vision | thinking},
                     131'072, "echo");
    out.emplace_back("plain:7b", completion, 4096, "");
    out.emplace_back("vectors:latest", embedding, 2048, "echo");
    out.back().embedding_length = 3;
    return out;
}

/// Puts `T` for moments and `N` for durations, which no test can foretell.
inline std::string scrubbed(std::string text) {
    static std::regex const moment{
        R"re("(created_at|expires_at)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")re"};
    static std::regex const duration{R"re("(total|load|prompt_eval|eval)_duration":[1-9]\d*)re"};
    text = std::regex_replace(text, moment, R"("$1":"T")");
    return std::regex_replace(text, duration, R"("$1_duration":N)");
}

/// What came out of a stream, and in how many pieces.
class drained {
public:
    std::string text;
    std::size_t pulls = 0;
    std::string refused; ///< of a stream that was refused before its first byte
};

/// Pulls a stream to its end as a connection does: a refusal before the first byte is the caller's, a later one `fail`s.
inline asio::awaitable<drained> drain(http::body_stream& stream) {
    drained out;
    while (true) {
        ++out.pulls;
        mcp_provider::result<http::stream_step> step = co_await stream.next(out.text);
        if (!step && out.text.empty()) {
            out.refused = step.error().message();
            co_return std::move(out);
        }
        if (!step) {
            stream.fail(step.error(), out.text);
            co_return std::move(out);
        }
        if (*step == http::stream_step::end) co_return std::move(out);
    }
}

/// The text of a response, streamed or not, with what cannot be foretold scrubbed.
inline std::string text_of(http::response const& answer) {
    if (answer.stream() == nullptr) return scrubbed(answer.text());
    return scrubbed(mcp_provider::testing::run(drain(*answer.stream())).text);
}

} // namespace ollama_tests
