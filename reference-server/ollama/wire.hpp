// What clients ask over Ollama's API, read from JSON: contracts of /api/chat, generate, embed, embeddings, show, pull.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/core/result.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::ollama {

/// What `think` says: absent is the model's own way.
enum class thinking : std::uint8_t { unset, off, on };

/// What chat and generate have in common. *Thread safety*: used on the connection's thread only.
class generation {
public:
    std::string model; ///< as asked; answers repeat it
    bool streamed = true;
    bool unloads =
        false; ///< `keep_alive` is 0: with nothing to answer, the caller wants the model unloaded
    thinking think = thinking::unset;

    /// The conversation as it was read; its model is the one that was asked for.
    [[nodiscard]] agent::conversation const& ask() const noexcept { return ask_; }

    /// The conversation for the agent, now that the model and the caller are known. Const, as a handler knows its facts as constants;
    /// to be called once, before the conversation is handed on. *Lifetime*: that of the request.
    [[nodiscard]] agent::conversation const& ask_of(agent::model const& found,
                                                    principal const& who) const;

protected:
    generation() = default;
    generation(generation&&) noexcept = default;
    generation& operator=(generation&&) noexcept = default;
    ~generation() = default;

    mutable agent::conversation ask_;
};

/// POST /api/chat.
class chat_request final : public generation {
public:
    using rules = generation_rules;

    /// *Errors*: `bad_request`, with the JSON pointer of what is wrong and what is allowed there.
    [[nodiscard]] static result<chat_request> from_json(boost::json::value const& document,
                                                        generation_rules const& rules);

    /// Whether there is nothing to answer: the caller wants the model loaded or unloaded.
    [[nodiscard]] bool is_empty() const noexcept { return ask_.messages.empty(); }

    /// Calls `visit(json_pointer, text)` for each text that the model gets to read.
    template <class Visit>
    void for_each_text(Visit&& visit) const;

private:
    chat_request() = default;
};

/// POST /api/generate. With `raw` or a `suffix` it is a text to be continued (FIM), else a chat of one turn.
class generate_request final : public generation {
public:
    using rules = generation_rules;

    /// *Errors*: as `chat_request::from_json`.
    [[nodiscard]] static result<generate_request> from_json(boost::json::value const& document,
                                                            generation_rules const& rules);

    bool raw = false;

    [[nodiscard]] bool is_empty() const noexcept { return empty_; }

    template <class Visit>
    void for_each_text(Visit&& visit) const;

private:
    generate_request() = default;

    bool empty_ = false;
};

/// POST /api/embed.
class embed_request final {
public:
    using rules = generation_rules;

    /// *Errors*: as `chat_request::from_json`; "invalid input type" for an `input` that is no string or list of strings.
    [[nodiscard]] static result<embed_request> from_json(boost::json::value const& document,
                                                         generation_rules const& rules);

    std::string model;
    std::vector<std::string> inputs;
    std::uint32_t dimensions = 0;
    bool truncate = true;
    bool single = false; ///< whether `input` was one string

    template <class Visit>
    void for_each_text(Visit&& visit) const;
};

/// POST /api/embeddings, the older form of embed.
class embeddings_request final {
public:
    using rules = generation_rules;

    [[nodiscard]] static result<embeddings_request> from_json(boost::json::value const& document,
                                                              generation_rules const& rules);

    std::string model;
    std::string prompt;

    template <class Visit>
    void for_each_text(Visit&& visit) const {
        if (!prompt.empty()) visit(std::string_view{"/prompt"}, std::string_view{prompt});
    }
};

/// POST /api/show.
class show_request final {
public:
    using rules = generation_rules;

    /// The model stands in `model`, or in `name` as older clients have it.
    [[nodiscard]] static result<show_request> from_json(boost::json::value const& document,
                                                        generation_rules const& rules);

    std::string model;
    bool verbose = false;

    template <class Visit>
    void for_each_text(Visit&&) const noexcept {}
};

/// POST /api/pull.
class pull_request final {
public:
    using rules = generation_rules;

    [[nodiscard]] static result<pull_request> from_json(boost::json::value const& document,
                                                        generation_rules const& rules);

    std::string model;
    bool streamed = true;

    template <class Visit>
    void for_each_text(Visit&&) const noexcept {}
};

namespace detail {

/// Visits one text unless it is empty.
template <class Visit>
void visit_text(Visit& visit, std::string_view pointer, std::string_view text) {
    if (!text.empty()) visit(pointer, text);
}

/// Visits what is around the turns: the tools on offer and the schema of the answer.
template <class Visit>
void visit_surroundings(Visit& visit, agent::conversation const& ask) {
    for (std::size_t i = 0; i != ask.tools.size(); ++i) {
        std::string const at = "/tools/" + std::to_string(i) + "/function/";
        visit_text(visit, at + "description", ask.tools[i].description);
        visit_text(visit, at + "parameters", ask.tools[i].parameters);
    }
    visit_text(visit, "/format", ask.format.schema);
}

} // namespace detail

template <class Visit>
void chat_request::for_each_text(Visit&& visit) const {
    for (std::size_t i = 0; i != ask_.messages.size(); ++i) {
        agent::message const& turn = ask_.messages[i];
        std::string const at = "/messages/" + std::to_string(i) + '/';
        detail::visit_text(visit, at + "content", turn.text);
        detail::visit_text(visit, at + "thinking", turn.reasoning);
        for (std::size_t j = 0; j != turn.tool_calls.size(); ++j)
            detail::visit_text(visit,
                               at + "tool_calls/" + std::to_string(j) + "/function/arguments",
                               turn.tool_calls[j].arguments);
    }
    detail::visit_surroundings(visit, ask_);
}

template <class Visit>
void generate_request::for_each_text(Visit&& visit) const {
    for (agent::message const& turn : ask_.messages)
        detail::visit_text(visit, turn.from == agent::role::system ? "/system" : "/prompt",
                           turn.text);
    detail::visit_text(visit, "/prompt", ask_.prompt);
    detail::visit_text(visit, "/suffix", ask_.suffix);
    detail::visit_surroundings(visit, ask_);
}

template <class Visit>
void embed_request::for_each_text(Visit&& visit) const {
    for (std::size_t i = 0; i != inputs.size(); ++i)
        detail::visit_text(visit, single ? std::string{"/input"} : "/input/" + std::to_string(i),
                           inputs[i]);
}

} // namespace mcp_provider::server::ollama
