// A conversation as an agent that takes only prompts is told of it, and how it is recognised when it goes on.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// What an agent is told apart from its prompt's text. See `agent_driver`.
struct prompt_parts {
    bool system = false;
    bool history = false;
};

/// Owns what it tells, so that it may outlive the request. Whoever knows a key knows nothing of the conversation.
class conversation_text {
public:
    /// A beginning of the conversation that ends with an answer: what an agent's session may hold already.
    struct beginning {
        crypto::digest key; ///< of the caller, the model, its effort, and all messages so far
        std::size_t messages;
    };

    /// `model` and the rest of the wish are part of every key: a session never changes them.
    explicit conversation_text(agent::conversation const& ask);

    /// The beginnings, the longest first; none where the conversation has no answer yet. Only those that leave
    /// something to be said.
    [[nodiscard]] std::vector<beginning> const& beginnings() const noexcept { return beginnings_; }
    /// The key of the whole with `answer` behind it: what the caller sends when it goes on.
    [[nodiscard]] crypto::digest key_with(std::string_view answer) const;

    /// What a session that holds the first `known` messages is told: the others. One message of a user goes as it is, unless
    /// an agent could take it for a command of its own, such as `/allow-all`: then a line goes before it. Anything else is
    /// told as history, or marked up, so that the agent can tell who said what.
    [[nodiscard]] agent_prompt prompt(std::size_t known, prompt_parts apart) const;

private:
    void append_history(std::string& out, std::size_t from, std::size_t to) const;
    [[nodiscard]] std::vector<agent::message> history(std::size_t from, std::size_t to) const;

    std::string model_;
    std::string effort_;
    std::vector<agent::message> messages_;
    std::vector<beginning> beginnings_;
    crypto::digest whole_{};
};

} // namespace mcp_provider::server::agents
