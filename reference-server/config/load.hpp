// From the environment and the two files to a checked configuration, or to all that is wrong with
// them.
#pragma once

#include "config/config.hpp"
#include "config/problem.hpp"

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// Where the configuration comes from. A file that is not named is read from its usual place if it
/// is there (`.env`, `config/security.yaml`); one that is named must be there.
struct sources {
    std::optional<std::filesystem::path> env_file;
    std::optional<std::filesystem::path> security_file;
    std::vector<std::pair<std::string, std::string>>
        environment; ///< of the process, name and value
};

/// The process's own environment as `sources` wants it.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> process_environment();

/// A configuration, or the reasons why there is none; never both.
struct loaded {
    std::shared_ptr<config const> settings; ///< null when there are problems
    std::vector<problem> problems;
};

/// Reads and checks everything and reports every problem at once. Changes nothing on disk: where
/// `serve` is to make secrets of its own, they are left empty for `make_own_secrets`. *Thread
/// safety*: safe; environment passed in.
[[nodiscard]] loaded load(sources const& from, run_mode mode);

/// For what is about to run: makes STATE_DIR (0700) and in it the secrets that nobody has set
/// (0600: the audit key, and for `serve` the bridge token), and returns the completed
/// configuration. Two servers that start at once agree on one set. *Errors*: as problems.
[[nodiscard]] loaded make_own_secrets(sources const& from, run_mode mode);

/// As `load`, for commands that need only some keys and must work while others are wrong: problems
/// of keys that are not named are left out, and those settings have any value. Problems of a file
/// as a whole stay.
[[nodiscard]] loaded load_only(sources const& from, std::initializer_list<std::string_view> needed);

/// The keys whose values differ and which cannot change while the server runs; a reload names them.
[[nodiscard]] std::vector<std::string> restart_needed(config const& running, config const& wanted);

} // namespace mcp_provider::server
