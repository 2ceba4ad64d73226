// What a model is asked: the one form that every dialect is read into and every agent understands.
#pragma once

#include "mcp_provider/agent/tool.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::agent {

enum class role : std::uint8_t { system, user, assistant, tool };

/// As every dialect spells it.
[[nodiscard]] constexpr std::string_view name_of(role from) noexcept {
    switch (from) {
    case role::system: return "system";
    case role::user: return "user";
    case role::assistant: return "assistant";
    case role::tool: return "tool";
    }
    return "";
}

/// An image given inline; `base64` is checked by the dialect. Remote addresses are never fetched.
class image {
public:
    image(std::string its_type, std::string bytes)
        : media_type{std::move(its_type)}, base64{std::move(bytes)} {}

    std::string media_type; ///< `image/png`, …; empty where the dialect does not say
    std::string base64;
};

/// One turn. `text` is valid UTF-8.
class message {
public:
    message(role speaker, std::string words) : from{speaker}, text{std::move(words)} {}

    role from;
    std::string text;
    std::string reasoning; ///< of an earlier answer, where the caller sends it back
    std::vector<image> images;
    std::vector<tool_call> tool_calls; ///< of an assistant
    std::string tool_call_id;          ///< of a tool's answer
    std::string tool_name;             ///< of a tool's answer, where the dialect names it
};

/// The form that the answer must have.
class answer_format {
public:
    enum class kind : std::uint8_t { text, json, schema };

    answer_format() = default;
    explicit answer_format(kind form, std::string its_schema = {}, std::string its_name = {},
                           bool exact = false)
        : how{form}, strict{exact}, schema{std::move(its_schema)}, name{std::move(its_name)} {}

    kind how = kind::text;
    bool strict = false;
    std::string schema; ///< a JSON Schema as text, for `schema`
    std::string name;
};

/// How the model shall choose its words. What is absent is the model's own default.
struct sampling {
    std::optional<double> temperature;       ///< 0..2
    std::optional<double> top_p;             ///< 0..1
    std::optional<double> min_p;             ///< 0..1
    std::optional<std::int64_t> top_k;       ///< >= 0
    std::optional<double> frequency_penalty; ///< -2..2
    std::optional<double> presence_penalty;  ///< -2..2
    std::optional<double> repeat_penalty;    ///< > 0
    std::optional<std::int64_t> seed;
};

/// A whole request to a model: a chat, or a text to be continued (`is_completion`), perhaps with what follows it (FIM).
class conversation {
public:
    conversation() = default;
    conversation(conversation&&) noexcept = default;
    conversation& operator=(conversation&&) noexcept = default;

    std::string model; ///< as the agent knows it
    std::string
        caller; ///< who asks, as an opaque id: what an agent remembers of one caller no other gets
    std::vector<message> messages; ///< of a chat
    bool is_completion = false;
    std::string prompt; ///< of a completion: the text before the cursor
    std::string suffix; ///< of a completion: the text after the cursor; empty for none
    std::vector<tool> tools;
    agent::tool_choice choice;
    std::optional<bool> parallel_tool_calls;
    answer_format format;
    agent::sampling sampling;
    std::optional<std::int64_t> max_tokens; ///< >= 1
    std::vector<std::string> stop;
    std::string
        reasoning_effort; ///< `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`; empty for the default
    bool streamed =
        false; ///< whether the caller reads a stream; an agent may ask its upstream the same way
};

} // namespace mcp_provider::agent
