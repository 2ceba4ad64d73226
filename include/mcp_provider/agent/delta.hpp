// A piece of an answer as it comes from an agent.
#pragma once

#include <cstdint>
#include <string_view>

namespace mcp_provider::agent {

/// Why an answer ended.
enum class finish_reason : std::uint8_t { stop, length, tool_calls, content_filter };

/// Tokens, as the agent counts them.
struct usage {
    std::uint64_t prompt_tokens = 0;
    std::uint64_t completion_tokens = 0;
};

/// One piece. Trivial, so that it may travel through coroutines by value.
/// *Lifetime*: the views are good until the next call of `delta_stream::next`.
struct delta {
    enum class kind : std::uint8_t {
        opened,    ///< the agent has taken the request; from here on errors are part of the stream
        text,      ///< `text` goes on the answer
        reasoning, ///< `text` goes on the reasoning
        tool_call, ///< a call begins (`id` and `name` set, once a call) or its `text` of arguments goes on
        finished, ///< the last one: `reason` and `used` are set
    };

    delta::kind what = kind::opened;
    finish_reason reason = finish_reason::stop;
    std::uint32_t index = 0; ///< of a tool call, counted from 0
    std::string_view text;   ///< text, reasoning, or a fragment of a call's arguments (JSON)
    std::string_view id;     ///< of a tool call, in its first delta only
    std::string_view name;   ///< of a tool call, in its first delta only
    usage used;              ///< with `finished`
};

} // namespace mcp_provider::agent
