// What the program's exit codes mean.
#pragma once

namespace mcp_provider::server {

inline constexpr int exit_done = 0;
inline constexpr int exit_found = 1;        ///< a check found something, or the answer is no
inline constexpr int exit_usage = 2;        ///< the command line is wrong
inline constexpr int exit_port_in_use = 69; ///< EX_UNAVAILABLE of sysexits.h
inline constexpr int exit_configuration =
    78; ///< EX_CONFIG: the configuration, or state that it points to

} // namespace mcp_provider::server
