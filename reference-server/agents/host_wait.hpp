// How a tool's call waits for a prompt, and keeps its host's patience meanwhile.
#pragma once

#include "agents/prompt_queue.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/mcp/call.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace mcp_provider::server::agents {

/// How long a call waits: hosts give up on a tool after 60 s, some of them whatever they are told meanwhile.
struct host_patience {
    std::chrono::seconds most{50};
    std::chrono::seconds usual{25};
    std::chrono::milliseconds progress_every{5'000};

    /// The end of a wait for as long as the argument `name` of the call says, within bounds.
    [[nodiscard]] steady_time until(mcp::call const& asked, std::string_view name) const;
};

/// Takes a place among the hosts until there is a prompt. Nothing where none comes until then, where the host goes, or
/// where too many wait. *Lifetime*: the call must outlive the awaitable.
[[nodiscard]] asio::awaitable<std::optional<given_prompt>>
wait_for_prompt(mcp::call& asked, std::shared_ptr<prompt_queue> queue, steady_time until,
                std::chrono::milliseconds progress_every);

} // namespace mcp_provider::server::agents
