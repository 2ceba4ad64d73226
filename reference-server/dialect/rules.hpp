// What both dialects hold a request to: the validation rules of the configuration, and the models on offer.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace mcp_provider::server {

/// Ranges of what a caller may ask for. Every limit is inclusive. Immutable after start; shared by all workers.
struct generation_rules {
    std::shared_ptr<re2::RE2 const> model_pattern; ///< whole-match; null allows any name
    std::string model_pattern_text;                ///< for messages
    std::size_t max_messages = 100;
    std::int64_t max_tokens = 8192;               ///< MAX_TOKEN_LENGTH
    std::size_t max_message_characters = 100'000; ///< code points of all messages together
    std::size_t max_prompt_characters =
        8192; ///< code points of a completion's prompt (with its suffix) or an embedding's input
    std::size_t max_inputs = 2048; ///< texts in one embedding request
    bool streaming = true;         ///< ENABLE_STREAMING
};

/// Checks a model's name against the pattern. `where` is its JSON pointer.
[[nodiscard]] result<> check_model_name(std::string_view name, generation_rules const& rules,
                                        std::string_view where);

/// Counts code points of valid UTF-8. *Complexity*: linear.
[[nodiscard]] std::size_t count_characters(std::string_view utf8) noexcept;

/// Finds a model of the list by name, with or without `:latest`; null where there is none.
[[nodiscard]] agent::model const* find_model(agent::model_list const& models,
                                             std::string_view name) noexcept;

/// The model that a request may use. *Errors*: `overloaded` while the agent knows of no model at all; `not_found` (`model_not_found`) with Ollama's text `model 'x' not found`;
/// `forbidden` where the principal's key does not list it; `bad_request` where the model lacks the ability `needs`
/// (a `capability` flag), with Ollama's text `"x" does not support chat`.
[[nodiscard]] result<agent::model const*> choose_model(agent::model_list const& models,
                                                       std::string_view name, principal const& who,
                                                       std::uint8_t needs,
                                                       std::string_view what_for);

} // namespace mcp_provider::server
