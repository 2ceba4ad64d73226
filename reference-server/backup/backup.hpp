// What a backup holds, and how it comes back.
#pragma once

#include "backup/archive.hpp"
#include "config/config.hpp"
#include "config/load.hpp"
#include "keys/moment.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace mcp_provider::server::backup {

/// Copies what STATE_DIR holds (keys, tokens, sessions, blocks, the audit key and heads), the audit log with its rotated
/// files, and both configuration files into `folder`, as `mcp-local-provider-TIME.tar`; a server may run meanwhile. The
/// audit log is taken up to its last whole line, and not before its head, so that the copy verifies.
/// The archive holds secrets. Returns its path. *Errors*: `archive_error`.
[[nodiscard]] std::filesystem::path make(config const& settings, sources const& from,
                                         std::filesystem::path const& folder, moment now);

/// Removes the oldest archives of a folder until `keep` are left; returns how many it has removed.
std::size_t thin_out(std::filesystem::path const& folder, std::size_t keep);

/// The names of the members of an archive that is whole. *Errors*: `archive_error` where it is not.
[[nodiscard]] std::vector<std::string> verify(std::filesystem::path const& archive);

/// What a restore has done.
struct restored {
    std::vector<std::string> files; ///< now in STATE_DIR
    std::filesystem::path before;   ///< where what was there has gone; empty where nothing was
    std::filesystem::path
        configuration; ///< where the configuration files of the archive lie; empty for none
};

/// Puts an archive back. It is verified and unpacked beside STATE_DIR's files first; what was there is moved away, not
/// deleted. Precondition: no server runs with this STATE_DIR. *Errors*: `archive_error`; then nothing has changed, or,
/// where moving failed, it says how far it came.
[[nodiscard]] restored restore(config const& settings, std::filesystem::path const& archive,
                               moment now);

} // namespace mcp_provider::server::backup
