// Runs the server as a process: listeners, signals, the line that says it is ready.
#pragma once

#include "config/config.hpp"

#include <memory>

namespace mcp_provider::server {

/// Serves in the foreground until SIGTERM or SIGINT, then drains. Prints one line on stdout when it listens:
/// `ready adapter=http://127.0.0.1:11434 bridge=http://127.0.0.1:8787`, the parts that run only. Returns the exit code: 0, 69 for a busy port, 78 for what cannot be used.
[[nodiscard]] int run_server(std::shared_ptr<config const> settings, run_mode mode);

} // namespace mcp_provider::server
