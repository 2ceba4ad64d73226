// An answer of /api/chat or /api/generate as it comes: newline-delimited JSON, pulled from the agent.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "ollama/answer.hpp"

#include <asio/awaitable.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mcp_provider::server::ollama {

/// Notes for the audit record how an answer ended. Precondition: `last.what` is `finished`.
void note_end(audited const& proof, agent::delta const& last);

/// Asks the agent at the first pull, so that the head of the response does not wait for it.
/// *Lifetime*: the agent, the conversation and the proof must outlive the stream.
class answer_stream final : public http::body_stream {
public:
    /// `shows_thinking` is whether the caller wants to read the model's reasoning.
    answer_stream(agent::agent& agents, agent::conversation const& ask, audited const& proof,
                  answer_writer writer, bool shows_thinking)
        : agents_{agents}, ask_{ask}, proof_{proof}, writer_{std::move(writer)},
          shows_thinking_{shows_thinking} {}

    [[nodiscard]] asio::awaitable<result<http::stream_step>> next(std::string& out) override;
    /// Not when the stream broke off after pieces of the last pull: those shall go out first.
    [[nodiscard]] bool ready() const noexcept override { return deltas_ && deltas_->ready(); }
    /// A real chunk without text: some clients parse every line, and none has another form for "still here".
    void heartbeat(std::string& out) override { writer_.append_text(out, {}); }
    void fail(rejection const& why, std::string& out) override;

private:
    /// What one delta makes of the stream. Nothing is awaited here.
    [[nodiscard]] result<http::stream_step> take(agent::delta const& piece, std::string& out);

    agent::agent& agents_;
    agent::conversation const& ask_;
    audited const& proof_;
    answer_writer writer_;
    std::unique_ptr<agent::delta_stream> deltas_;
    collected_calls calls_;
    stopwatch times_;
    std::optional<rejection>
        broke_off_; // came after pieces that are not written yet; for the next pull
    bool shows_thinking_;
};

} // namespace mcp_provider::server::ollama
