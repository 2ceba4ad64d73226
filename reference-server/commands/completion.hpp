// Completions for shells, made from the tree of commands, so that they cannot fall behind it.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace mcp_provider::server {

/// A script for bash: source it, or put it under /usr/share/bash-completion/completions.
[[nodiscard]] std::string bash_completion(CLI::App const& root);
/// A script for zsh: put it as `_mcp-local-provider` into a folder of `$fpath`.
[[nodiscard]] std::string zsh_completion(CLI::App const& root);
/// A script for fish: put it under ~/.config/fish/completions.
[[nodiscard]] std::string fish_completion(CLI::App const& root);

} // namespace mcp_provider::server
