#include "openai/answer.hpp"

#include "mcp_provider/core/request_id.hpp"
#include "mcp_provider/json/write.hpp"

#include <chrono>
#include <memory>

namespace mcp_provider::server::openai {

namespace {

/// The random part of an identifier: 22 hexadecimal digits.
std::string_view digits_of(request_id const& unique) noexcept { return unique.text().substr(4); }

std::size_t size_of(collected const& answer) noexcept {
    std::size_t bytes = answer.text.size() + answer.reasoning.size();
    for (agent::tool_call const& call : answer.calls)
        bytes += call.arguments.size() + call.name.size() + call.id.size();
    return bytes;
}

result<> add_to_calls(agent::delta const& piece, std::vector<agent::tool_call>& calls) {
    if (piece.index > calls.size())
        return malformed_answer("its tool calls are not numbered from 0");
    if (piece.index == calls.size()) {
        if (piece.name.empty()) return malformed_answer("a tool call has no name");
        calls.emplace_back(identifier_of_call(piece.id), std::string{piece.name},
                           std::string{piece.text});
    } else {
        calls[piece.index].arguments += piece.text;
    }
    return {};
}

void append_text_or_null(std::string& out, std::string_view text, bool is_null) {
    if (is_null)
        out += "null";
    else
        json::append_quoted(out, text);
}

void append_calls(std::string& out, std::vector<agent::tool_call> const& calls) {
    out += R"(,"tool_calls":[)";
    for (agent::tool_call const& call : calls) {
        if (&call != &calls.front()) out += ',';
        out += R"({"id":)";
        json::append_quoted(out, call.id);
        out += R"(,"type":"function","function":{"name":)";
        json::append_quoted(out, call.name);
        out += R"(,"arguments":)";
        json::append_quoted(out, call.arguments);
        out += "}}";
    }
    out += ']';
}

} // namespace

answer_head answer_head::make(std::string_view prefix, std::string_view model_name,
                              system_time now) {
    std::string id{prefix};
    id += digits_of(request_id::next());
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    return answer_head{std::move(id), seconds.count(), model_name};
}

rejection malformed_answer(std::string_view what) {
    return rejection{rejection_code::upstream_failed,
                     "the agent's answer is malformed: " + std::string{what}};
}

std::string identifier_of_call(std::string_view given) {
    if (!given.empty()) return std::string{given};
    return "call_" + std::string{digits_of(request_id::next())};
}

std::string_view name_of(agent::finish_reason reason, bool has_calls) noexcept {
    switch (reason) {
    case agent::finish_reason::stop: return has_calls ? "tool_calls" : "stop";
    case agent::finish_reason::length: return "length";
    case agent::finish_reason::tool_calls: return has_calls ? "tool_calls" : "stop";
    case agent::finish_reason::content_filter: return "content_filter";
    }
    return "stop";
}

void append_usage(std::string& out, agent::usage used) {
    out += R"({"prompt_tokens":)";
    json::append_number(out, used.prompt_tokens);
    out += R"(,"completion_tokens":)";
    json::append_number(out, used.completion_tokens);
    out += R"(,"total_tokens":)";
    json::append_number(out, used.prompt_tokens + used.completion_tokens);
    out += '}';
}

void append_head(std::string& out, answer_head const& head, std::string_view object) {
    out += R"({"id":)";
    json::append_quoted(out, head.id);
    out += R"(,"object":)";
    json::append_quoted(out, object);
    out += R"(,"created":)";
    json::append_number(out, head.created);
    out += R"(,"model":)";
    json::append_quoted(out, head.model);
}

asio::awaitable<result<collected>> collect(agent::agent& agents, agent::conversation const& ask,
                                           audited const& proof) {
    auto begun = co_await agents.generate(ask, proof);
    if (!begun) co_return std::move(begun).error();
    std::unique_ptr<agent::delta_stream> const deltas = std::move(begun).value();
    if (!deltas) co_return malformed_answer("there is none");

    collected answer;
    for (;;) {
        auto next = deltas->take();
        if (!next) {
            auto awaited = co_await deltas->next();
            next.emplace(std::move(awaited));
        }
        if (!*next) co_return std::move(*next).error();
        agent::delta const& piece = **next;
        switch (piece.what) {
        case agent::delta::kind::opened: break;
        case agent::delta::kind::text: answer.text += piece.text; break;
        case agent::delta::kind::reasoning: answer.reasoning += piece.text; break;
        case agent::delta::kind::tool_call:
            if (auto added = add_to_calls(piece, answer.calls); !added)
                co_return std::move(added).error();
            break;
        case agent::delta::kind::finished:
            answer.reason = piece.reason;
            answer.used = piece.used;
            for (agent::tool_call& call : answer.calls)
                if (call.arguments.empty()) call.arguments = "{}";
            co_return std::move(answer);
        }
        if (size_of(answer) > most_collected_bytes)
            co_return malformed_answer("it has no end; ask for a stream or set max_tokens");
    }
}

std::string write_chat_answer(answer_head const& head, collected const& answer) {
    bool const has_calls = !answer.calls.empty();
    std::string out;
    out.reserve(512 + size_of(answer) + answer.reasoning.size());
    append_head(out, head, "chat.completion");
    out += R"(,"choices":[{"index":0,"message":{"role":"assistant","content":)";
    append_text_or_null(out, answer.text, answer.text.empty() && has_calls);
    out += R"(,"refusal":null)";
    if (!answer.reasoning.empty()) {
        std::string quoted;
        json::append_quoted(quoted, answer.reasoning);
        out += R"(,"reasoning":)" + quoted + R"(,"reasoning_content":)" + quoted;
    }
    if (has_calls) append_calls(out, answer.calls);
    out += R"(},"logprobs":null,"finish_reason":)";
    json::append_quoted(out, name_of(answer.reason, has_calls));
    out += R"(}],"usage":)";
    append_usage(out, answer.used);
    out += '}';
    return out;
}

std::string write_completion_answer(answer_head const& head, collected const& answer) {
    std::string out;
    out.reserve(256 + answer.text.size());
    append_head(out, head, "text_completion");
    out += R"(,"choices":[{"index":0,"text":)";
    json::append_quoted(out, answer.text);
    out += R"(,"logprobs":null,"finish_reason":)";
    json::append_quoted(out, name_of(answer.reason, false));
    out += R"(}],"usage":)";
    append_usage(out, answer.used);
    out += '}';
    return out;
}

} // namespace mcp_provider::server::openai
