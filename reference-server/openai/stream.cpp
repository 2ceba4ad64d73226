#include "openai/stream.hpp"

#include "mcp_provider/json/write.hpp"
#include "openai/errors.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::openai {

namespace {

/// As much as one call of `next` gathers while the agent has deltas ready.
constexpr std::size_t enough_for_one_write = 32 * 1024;
constexpr std::string_view end_of_chunk = "}]}\n\n";
constexpr std::string_view end_of_delta = R"(},"finish_reason":null}]})"
                                          "\n\n";

/// What both kinds of stream do: ask, pull, gather, end with usage and `[DONE]`.
class event_stream : public http::body_stream {
public:
    event_stream(agent::agent& agents, agent::conversation const& ask, audited const& proof,
                 bool include_usage)
        : agents_{agents}, ask_{ask}, proof_{proof}, include_usage_{include_usage} {}

    [[nodiscard]] asio::awaitable<result<http::stream_step>> next(std::string& out) final {
        if (failure_) co_return std::move(*failure_);
        if (!deltas_) {
            auto begun = co_await agents_.generate(ask_, proof_);
            if (!begun) co_return std::move(begun).error();
            deltas_ = std::move(begun).value();
            if (!deltas_) co_return malformed_answer("there is none");
        }
        std::size_t const size = out.size();
        do {
            auto piece = deltas_->take();
            if (!piece) {
                auto awaited = co_await deltas_->next();
                piece.emplace(std::move(awaited));
            }
            if (*piece) {
                if (auto added = append(**piece, out); !added)
                    failure_.emplace(std::move(added).error());
            } else {
                failure_.emplace(piece->error());
            }
            if (failure_) {
                // What came before the failure goes out first: the connection drops what a failing call appended.
                if (out.size() == size) co_return std::move(*failure_);
                break;
            }
            if ((*piece)->what == agent::delta::kind::finished) {
                end((*piece)->used, out);
                deltas_.reset();
                co_return http::stream_step::end;
            }
        } while (deltas_->ready() && out.size() < enough_for_one_write);
        co_return http::stream_step::more;
    }

    // Not while a failure waits: what came before it must have gone out, or the connection would take
    // the failure for one that may still become a status.
    [[nodiscard]] bool ready() const noexcept final {
        return !failure_ && deltas_ && deltas_->ready();
    }

    // A comment of server-sent events. Not ": ping", at which Continue stops reading.
    void heartbeat(std::string& out) final { out += ": keep-alive\n\n"; }

    void fail(rejection const& why, std::string& out) final {
        out += "data: ";
        append_error(out, why);
        out += "\n\n";
    }

protected:
    /// Begins the text that every chunk begins with: up to and with `"choices":[`.
    void begin_prefix(answer_head const& head, std::string_view object) {
        prefix_ = "data: ";
        append_head(prefix_, head, object);
        prefix_ += R"(,"choices":[)";
        choices_at_ = prefix_.size();
    }
    void end_prefix(std::string_view text) { prefix_ += text; }
    [[nodiscard]] std::string_view prefix() const noexcept { return prefix_; }

    void note_end(agent::delta const& piece, std::string_view reason) const {
        generation_notes& notes = proof_.notes();
        notes.prompt_tokens = piece.used.prompt_tokens;
        notes.completion_tokens = piece.used.completion_tokens;
        notes.finish_reason = reason;
    }

private:
    /// Appends what a delta becomes, which may be nothing.
    [[nodiscard]] virtual result<> append(agent::delta const& piece, std::string& out) = 0;

    void end(agent::usage used, std::string& out) const {
        if (include_usage_) {
            out.append(prefix_, 0, choices_at_);
            out += R"(],"usage":)";
            append_usage(out, used);
            out += "}\n\n";
        }
        out += "data: [DONE]\n\n";
    }

    agent::agent& agents_;
    agent::conversation const& ask_;
    audited const& proof_;
    std::unique_ptr<agent::delta_stream> deltas_;
    std::optional<rejection> failure_;
    std::string prefix_;
    std::size_t choices_at_ = 0;
    bool include_usage_;
};

class chat_stream final : public event_stream {
public:
    chat_stream(agent::agent& agents, agent::conversation const& ask, audited const& proof,
                answer_head const& head, bool include_usage)
        : event_stream{agents, ask, proof, include_usage} {
        begin_prefix(head, "chat.completion.chunk");
        end_prefix(R"({"index":0,"delta":{)");
    }

private:
    [[nodiscard]] result<> append(agent::delta const& piece, std::string& out) override {
        if (!has_role_) {
            has_role_ = true;
            out += prefix();
            out += R"("role":"assistant","content":"")";
            out += end_of_delta;
        }
        switch (piece.what) {
        case agent::delta::kind::opened: return {};
        case agent::delta::kind::text: append_text(piece.text, out); return {};
        case agent::delta::kind::reasoning: append_reasoning(piece.text, out); return {};
        case agent::delta::kind::tool_call: return append_call(piece, out);
        case agent::delta::kind::finished: append_end(piece, out); return {};
        }
        return {};
    }

    void append_text(std::string_view text, std::string& out) const {
        if (text.empty()) return;
        out += prefix();
        out += R"("content":)";
        json::append_quoted(out, text);
        out += end_of_delta;
    }

    // Ollama and OpenRouter say `reasoning`, DeepSeek and vLLM `reasoning_content`. Clients that know
    // both take the latter.
    void append_reasoning(std::string_view text, std::string& out) const {
        if (text.empty()) return;
        out += prefix();
        out += R"("reasoning":)";
        json::append_quoted(out, text);
        out += R"(,"reasoning_content":)";
        json::append_quoted(out, text);
        out += end_of_delta;
    }

    result<> append_call(agent::delta const& piece, std::string& out) {
        if (piece.index > has_arguments_.size())
            return malformed_answer("its tool calls are not numbered from 0");
        if (piece.index == has_arguments_.size()) {
            if (piece.name.empty()) return malformed_answer("a tool call has no name");
            has_arguments_.push_back(false);
            begin_call(piece.index, out);
            out += R"(,"id":)";
            json::append_quoted(out, identifier_of_call(piece.id));
            out += R"(,"type":"function","function":{"name":)";
            json::append_quoted(out, piece.name);
            out += R"(,"arguments":""}}])";
            out += end_of_delta;
        }
        append_arguments(piece.index, piece.text, out);
        return {};
    }

    void append_arguments(std::uint32_t index, std::string_view fragment, std::string& out) {
        if (fragment.empty()) return;
        has_arguments_[index] = true;
        begin_call(index, out);
        out += R"(,"function":{"arguments":)";
        json::append_quoted(out, fragment);
        out += "}}]";
        out += end_of_delta;
    }

    void begin_call(std::uint32_t index, std::string& out) const {
        out += prefix();
        out += R"("tool_calls":[{"index":)";
        json::append_number(out, index);
    }

    void append_end(agent::delta const& piece, std::string& out) {
        // Clients drop a call whose arguments are no JSON object, without a word.
        for (std::size_t i = 0; i != has_arguments_.size(); ++i)
            if (!has_arguments_[i]) append_arguments(static_cast<std::uint32_t>(i), "{}", out);
        std::string_view const reason = name_of(piece.reason, !has_arguments_.empty());
        note_end(piece, reason);
        out += prefix();
        out += R"(},"finish_reason":)";
        json::append_quoted(out, reason);
        out += end_of_chunk;
    }

    bool has_role_ = false;
    std::vector<bool> has_arguments_; // one a tool call
};

class completion_stream final : public event_stream {
public:
    completion_stream(agent::agent& agents, agent::conversation const& ask, audited const& proof,
                      answer_head const& head, bool include_usage)
        : event_stream{agents, ask, proof, include_usage} {
        begin_prefix(head, "text_completion");
        end_prefix(R"({"index":0,"text":)");
    }

private:
    // This API has no place for reasoning and tool calls, and nobody can offer tools through it.
    [[nodiscard]] result<> append(agent::delta const& piece, std::string& out) override {
        if (piece.what == agent::delta::kind::text && !piece.text.empty()) {
            append_chunk(piece.text, {}, out);
        } else if (piece.what == agent::delta::kind::finished) {
            std::string_view const reason = name_of(piece.reason, false);
            note_end(piece, reason);
            append_chunk({}, reason, out);
        }
        return {};
    }

    void append_chunk(std::string_view text, std::string_view reason, std::string& out) const {
        out += prefix();
        json::append_quoted(out, text);
        out += R"(,"logprobs":null,"finish_reason":)";
        if (reason.empty())
            out += "null";
        else
            json::append_quoted(out, reason);
        out += end_of_chunk;
    }
};

} // namespace

std::unique_ptr<http::body_stream> stream_chat(agent::agent& agents, agent::conversation const& ask,
                                               audited const& proof, answer_head const& head,
                                               bool include_usage) {
    return std::make_unique<chat_stream>(agents, ask, proof, head, include_usage);
}

std::unique_ptr<http::body_stream> stream_completion(agent::agent& agents,
                                                     agent::conversation const& ask,
                                                     audited const& proof, answer_head const& head,
                                                     bool include_usage) {
    return std::make_unique<completion_stream>(agents, ask, proof, head, include_usage);
}

} // namespace mcp_provider::server::openai
