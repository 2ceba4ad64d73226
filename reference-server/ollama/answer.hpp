// The objects of an answer of /api/chat and /api/generate: a line of a stream each, or one for the whole.
#pragma once

#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::ollama {

/// Which of the two forms an answer has.
enum class answer_form : std::uint8_t {
    chat, ///< `message`
    generate, ///< `response`, and an empty `context` in the end: Ollama's is deprecated, and agents keep none
    raw, ///< as `generate`, without `context`
};

/// Tool calls as they come from an agent, in fragments, until they are whole.
class collected_calls {
public:
    /// Adds the begin of a call or a fragment of its arguments.
    /// *Errors*: `upstream_failed` beyond 128 calls or 1 MiB of arguments.
    [[nodiscard]] result<> add(agent::delta const& piece);

    [[nodiscard]] bool empty() const noexcept { return calls_.empty(); }

    /// Appends the value of `tool_calls`, arguments as objects. *Errors*: `upstream_failed` where they are none.
    [[nodiscard]] result<> append_to(std::string& out) const;

private:
    struct call {
        std::uint32_t index;
        std::string id;
        std::string name;
        std::string arguments;
    };

    std::vector<call> calls_; // by index
    std::size_t bytes_ = 0;
};

/// When an answer passed its stages, for the durations of its last object.
class stopwatch {
public:
    stopwatch() noexcept : began_{real_clock{}.steady()} {}

    void opened() noexcept { opened_ = real_clock{}.steady(); }
    /// To be called for every piece; the first one counts.
    void spoke() noexcept {
        if (spoke_ == steady_time{}) spoke_ = real_clock{}.steady();
    }

    /// Appends the members from `total_duration` to `eval_duration`, in whole nanoseconds.
    void append_to(std::string& out, agent::usage used) const;
    /// Appends the members of an answer with embeddings, from `total_duration` to `prompt_eval_count`.
    void append_embedding_to(std::string& out, std::uint64_t prompt_tokens) const;

private:
    steady_time began_;
    steady_time opened_{};
    steady_time spoke_{};
};

/// Writes the objects of one answer. What they have in common is prepared once, so that a token costs one append of
/// its own and no allocation but of the output. *Thread safety*: used on the connection's thread.
class answer_writer {
public:
    answer_writer(answer_form form, std::string_view model);

    /// The text of an answer goes on. An empty text changes nothing and makes a heartbeat.
    void append_text(std::string& out, std::string_view text) const;
    /// The reasoning goes on.
    void append_thinking(std::string& out, std::string_view text) const;
    /// All calls of the answer, whole. *Errors*: as `collected_calls::append_to`; `out` is then as it was.
    [[nodiscard]] result<> append_calls(std::string& out, collected_calls const& calls) const;
    /// The last line of a stream.
    void append_end(std::string& out, std::string_view done_reason, agent::usage used,
                    stopwatch const& times) const;

    /// The one object of an answer that is not streamed. *Errors*: as `append_calls`.
    [[nodiscard]] result<std::string> whole(std::string_view text, std::string_view thinking,
                                            collected_calls const& calls,
                                            std::string_view done_reason, agent::usage used,
                                            stopwatch const& times) const;
    /// The one object that says that a model was loaded or unloaded.
    [[nodiscard]] std::string without_answer(std::string_view done_reason) const;

private:
    void append_head(std::string& out) const;
    void append_end_members(std::string& out, std::string_view done_reason) const;

    answer_form form_;
    std::string head_; // `{"model":"…","created_at":"`
};

/// Ollama's word for why an answer ended; a literal.
[[nodiscard]] std::string_view done_reason_of(agent::finish_reason why) noexcept;

} // namespace mcp_provider::server::ollama
