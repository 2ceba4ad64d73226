// Answers that are not streamed: deltas collected to the end and written as one object.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/tool.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/result.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::openai {

/// What is the same in every piece of one answer: its identifier, its time in seconds, and the model
/// as it was asked for.
class answer_head {
public:
    answer_head(std::string identifier, std::int64_t made_at, std::string_view model_name)
        : id{std::move(identifier)}, created{made_at}, model{model_name} {}

    /// Makes a head that is unlike every other. `prefix` says of what kind: `chatcmpl-`, `cmpl-`.
    [[nodiscard]] static answer_head make(std::string_view prefix, std::string_view model_name,
                                          system_time now);

    std::string id;
    std::int64_t created;
    std::string model;
};

/// A whole answer.
class collected {
public:
    collected() = default;

    std::string text;
    std::string reasoning;
    std::vector<agent::tool_call> calls; ///< each with arguments, `{}` where the agent gave none
    agent::finish_reason reason = agent::finish_reason::stop;
    agent::usage used;
};

/// The most that `collect` takes, in bytes: an agent without an end must not take all memory.
inline constexpr std::size_t most_collected_bytes = 16 * 1024 * 1024;

/// Asks and collects the answer. `ask` and `proof` must live until it returns.
/// *Errors*: the agent's; `upstream_failed` where it numbers its calls wrongly or says too much.
[[nodiscard]] asio::awaitable<result<collected>>
collect(agent::agent& agents, agent::conversation const& ask, audited const& proof);

/// The refusal of an answer that makes no sense. `what` goes on after "the agent's answer is malformed: ".
[[nodiscard]] rejection malformed_answer(std::string_view what);

/// The identifier of a call: the agent's, or a new one where it gives none.
[[nodiscard]] std::string identifier_of_call(std::string_view given);

/// The name of a reason. An agent that stops after it has called tools has stopped for them. *Lifetime*: literals.
[[nodiscard]] std::string_view name_of(agent::finish_reason reason, bool has_calls) noexcept;

/// Appends `{"prompt_tokens":…,"completion_tokens":…,"total_tokens":…}`.
void append_usage(std::string& out, agent::usage used);

/// Appends the members that each object of an answer begins with: `{"id":…,"object":…,"created":…,"model":…`.
void append_head(std::string& out, answer_head const& head, std::string_view object);

/// The object `chat.completion`.
[[nodiscard]] std::string write_chat_answer(answer_head const& head, collected const& answer);

/// The object `text_completion`.
[[nodiscard]] std::string write_completion_answer(answer_head const& head, collected const& answer);

} // namespace mcp_provider::server::openai
