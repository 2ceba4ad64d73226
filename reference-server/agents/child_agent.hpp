// What agent processes of every protocol share: the child itself, and how its start and its end are told.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <asio/awaitable.hpp>

#include <string>

namespace mcp_provider::server::agents {

/// Starts it. *Errors*: `upstream_failed`, saying which command, and where it was looked for.
[[nodiscard]] result<> launch_child(net::child_process& child, net::child_command const& command);

/// Ends what is left of it, waits for that, and adds to `why` how it ended: its status, the signal, or what could not be
/// started.
[[nodiscard]] asio::awaitable<std::string>
end_of_child(net::child_process& child, net::child_command const& command, std::string why);

} // namespace mcp_provider::server::agents
