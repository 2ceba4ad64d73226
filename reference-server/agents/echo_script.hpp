// Decides what `echo` answers: a conversation in, a script of the answer out. No time, no waiting.
#pragma once

#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/agent/tool.hpp"
#include "mcp_provider/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// What an answer will be, with `max_tokens` and `stop` already applied.
class echo_script {
public:
    enum class kind : std::uint8_t {
        text,  ///< says `text`
        calls, ///< makes `calls`
        count, ///< says the numbers from 1 to `count_to`, paced, of all that only the first `count_bytes` bytes
        fail_midway, ///< says the first word of `text`, then fails
    };

    echo_script() = default;

    kind how = kind::text;
    agent::finish_reason reason = agent::finish_reason::stop;
    std::string text;
    std::vector<agent::tool_call> calls;
    std::uint64_t count_to = 0;
    std::uint64_t count_bytes = ~std::uint64_t{0};
};

/// The greatest N of `Count from 1 to N`: at 200 a second, over an hour.
inline constexpr std::uint64_t max_count = 1'000'000;

/// Writes the script of an answer. *Errors*: `upstream_failed` for `Fail now`; `bad_request` where the conversation
/// forces a tool that it does not offer, or wishes for JSON of a schema that cannot be met.
[[nodiscard]] result<echo_script> write_script(agent::conversation const& ask);

/// Counts the words of all that is asked.
[[nodiscard]] std::uint64_t count_prompt_words(agent::conversation const& ask) noexcept;

} // namespace mcp_provider::server::agents
