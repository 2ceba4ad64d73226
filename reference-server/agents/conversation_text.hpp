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

    /// What a session that holds the first `known` messages is told: the others. One message of a user goes as it is;
    /// anything else is marked up, so that the agent can tell who said what.
    [[nodiscard]] agent_prompt prompt(std::size_t known, bool system_apart) const;

private:
    void append_history(std::string& out, std::size_t from, std::size_t to, bool with_system) const;

    std::string model_;
    std::string effort_;
    std::vector<agent::message> messages_;
    std::vector<beginning> beginnings_;
    crypto::digest whole_{};
};

} // namespace mcp_provider::server::agents
