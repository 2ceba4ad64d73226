// Finds out who holds a port, for the message that a busy port deserves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mcp_provider::server {

/// A process that listens.
struct port_holder {
    int pid = 0; ///< 0 where the process belongs to another user and cannot be looked at
    std::uint32_t uid = 0;
    std::string command; ///< its short name; empty where it cannot be looked at
};

/// The process that listens on a TCP port of this machine, from /proc; nothing where nobody does.
/// *Complexity*: reads the descriptors of all processes; for start-up only.
[[nodiscard]] std::optional<port_holder> find_port_holder(std::uint16_t port);

/// Says who holds the port and how to move either: for exit code 69.
[[nodiscard]] std::string explain_busy_port(std::string const& address, std::uint16_t port,
                                            std::string const& our_key);

} // namespace mcp_provider::server
