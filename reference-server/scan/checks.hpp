// The checks of the security scan: of files, of the configuration, and of the server that runs.
#pragma once

#include "config/config.hpp"
#include "config/load.hpp"
#include "keys/moment.hpp"
#include "scan/finding.hpp"

#include <chrono>

namespace mcp_provider::server::scan {

/// Modes and owners of all files of the installation, the audit chain, keys, the disk. Reads, changes nothing.
void check_files(report& into, config const& settings, sources const& from, moment now);

/// What the configuration allows that a careful operator would not.
void check_configuration(report& into, config const& settings);

/// The server that runs with this STATE_DIR: where it listens as the kernel sees it, what it refuses, what it would
/// leave behind. Asks it a few times over loopback, with requests that reach no agent; where none runs, says so.
void check_running_server(report& into, config const& settings);

} // namespace mcp_provider::server::scan
