// Where a person is asked whether an agent may do what it wants to do.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <asio/awaitable.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace mcp_provider::server::agents {

/// What an agent wants to be allowed. The texts are the agent's: to be shown, never to be trusted.
class permission_question {
public:
    permission_question() = default;
    permission_question(std::string its_kind, std::string its_tool, std::string its_title)
        : kind{std::move(its_kind)}, tool{std::move(its_tool)}, title{std::move(its_title)} {}

    std::string caller; ///< the principal whose request the agent works on
    std::string agent;  ///< the kind of agent: `acp`, `codex`, `claude`
    std::string
        kind; ///< what kind of act: `read`, `edit`, `execute`, `fetch`, …; empty where not said
    std::string tool;  ///< the name of the tool, where the agent tells one
    std::string title; ///< what it is about, for people
};

enum class permission_verdict : std::uint8_t { refuse, allow };

/// Asks, and brings back the answer. *Thread safety*: called on the runtime's thread.
class permission_desk {
public:
    permission_desk() = default;
    permission_desk(permission_desk const&) = delete;
    permission_desk& operator=(permission_desk const&) = delete;
    virtual ~permission_desk() = default;

    /// Waits for somebody's answer; `refuse` when `until` has passed, or where nobody is there to ask.
    /// Cancelled through the coroutine's cancellation slot when the request has gone; the verdict does not matter then.
    [[nodiscard]] virtual asio::awaitable<permission_verdict> ask(permission_question question,
                                                                  steady_time until) = 0;
};

} // namespace mcp_provider::server::agents
