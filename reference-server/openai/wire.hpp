// The requests of the OpenAI dialect: JSON in, a checked question to an agent out.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/core/result.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server::openai {

/// The body of `POST /v1/chat/completions`. Move-only.
/// A member that is null counts as absent, one that is unknown is ignored, and one that cannot be honoured is refused.
class chat_request {
public:
    using rules = generation_rules;

    /// Reads and checks a document.
    /// *Errors*: `bad_request` with the JSON pointer of the first thing that is wrong and what is allowed there.
    [[nodiscard]] static result<chat_request> from_json(boost::json::value const& document,
                                                        generation_rules const& allowed);

    /// The model as the caller named it.
    [[nodiscard]] std::string const& model() const noexcept { return model_; }
    /// The question. *Lifetime*: that of this object.
    [[nodiscard]] agent::conversation const& asked() const noexcept { return asked_; }
    /// Whether a stream ends with a chunk of usage.
    [[nodiscard]] bool include_usage() const noexcept { return include_usage_; }

    /// Names the model as the agent knows it, and who asks. No change of what the caller said,
    /// hence const; done once, by the handler.
    void resolve(std::string_view name, principal const& who) const {
        asked_.model = name;
        asked_.caller = who.id();
    }

    /// Calls `visit(json_pointer, text)` for each text that reaches the model. *Lifetime*: both views, during the call.
    template <class Visit>
    void for_each_text(Visit&& visit) const;

private:
    chat_request() = default;

    std::string model_;
    mutable agent::conversation asked_;
    bool include_usage_ = false;
};

/// The body of `POST /v1/completions`: a text to be continued, or a gap to be filled. Move-only. See `chat_request`.
class completion_request {
public:
    using rules = generation_rules;

    /// *Errors*: as `chat_request::from_json`.
    [[nodiscard]] static result<completion_request> from_json(boost::json::value const& document,
                                                              generation_rules const& allowed);

    [[nodiscard]] std::string const& model() const noexcept { return model_; }
    [[nodiscard]] agent::conversation const& asked() const noexcept { return asked_; }
    [[nodiscard]] bool include_usage() const noexcept { return include_usage_; }
    void resolve(std::string_view name, principal const& who) const {
        asked_.model = name;
        asked_.caller = who.id();
    }

    template <class Visit>
    void for_each_text(Visit&& visit) const {
        visit(std::string_view{"/prompt"}, std::string_view{asked_.prompt});
        if (!asked_.suffix.empty())
            visit(std::string_view{"/suffix"}, std::string_view{asked_.suffix});
    }

private:
    completion_request() = default;

    std::string model_;
    mutable agent::conversation asked_;
    bool include_usage_ = false;
};

/// The body of `POST /v1/embeddings`. Move-only. See `chat_request`.
class embedding_request {
public:
    using rules = generation_rules;

    /// *Errors*: as `chat_request::from_json`.
    [[nodiscard]] static result<embedding_request> from_json(boost::json::value const& document,
                                                             generation_rules const& allowed);

    [[nodiscard]] std::string const& model() const noexcept { return model_; }
    [[nodiscard]] agent::embedding_request const& asked() const noexcept { return asked_; }
    /// Whether vectors are written as base64 of little-endian 32-bit floats and not as arrays of numbers.
    [[nodiscard]] bool as_base64() const noexcept { return as_base64_; }
    void resolve(std::string_view name) const { asked_.model = name; }

    template <class Visit>
    void for_each_text(Visit&& visit) const {
        for (std::size_t i = 0; i != asked_.inputs.size(); ++i) {
            std::string const at = is_list_ ? "/input/" + std::to_string(i) : "/input";
            visit(std::string_view{at}, std::string_view{asked_.inputs[i]});
        }
    }

private:
    embedding_request() = default;

    std::string model_;
    mutable agent::embedding_request asked_;
    bool as_base64_ = false;
    bool is_list_ = false;
};

template <class Visit>
void chat_request::for_each_text(Visit&& visit) const {
    std::string at;
    auto const show = [&](std::string_view place, std::string_view text) {
        if (text.empty()) return;
        std::size_t const size = at.size();
        at += place;
        visit(std::string_view{at}, text);
        at.resize(size);
    };
    for (std::size_t i = 0; i != asked_.messages.size(); ++i) {
        agent::message const& one = asked_.messages[i];
        at = "/messages/" + std::to_string(i);
        show("/content", one.text);
        show("/reasoning_content", one.reasoning);
        for (std::size_t j = 0; j != one.tool_calls.size(); ++j)
            show("/tool_calls/" + std::to_string(j) + "/function/arguments",
                 one.tool_calls[j].arguments);
    }
    for (std::size_t i = 0; i != asked_.tools.size(); ++i) {
        at = "/tools/" + std::to_string(i);
        show("/function/description", asked_.tools[i].description);
        show("/function/parameters", asked_.tools[i].parameters);
    }
    at.clear();
    show("/response_format/json_schema/schema", asked_.format.schema);
}

} // namespace mcp_provider::server::openai
