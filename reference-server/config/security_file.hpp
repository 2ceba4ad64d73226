// Reads config/security.yaml into a tree with line numbers, within bounds.
#pragma once

#include "config/document.hpp"
#include "config/problem.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// The document, or what is wrong with it.
struct security_tree {
    node root; ///< `nothing` for an empty file
    std::vector<problem> problems;
};

/// Bounds of the file, inclusive.
inline constexpr std::size_t max_yaml_depth = 16;
inline constexpr std::size_t max_yaml_nodes = 10'000;

/// Reads one YAML document. Refused: anchors and aliases (and with them bombs), tags, keys that are
/// not scalars, a key that stands twice, a second document, control characters, nesting and size
/// beyond the bounds. *Complexity*: linear, save for the keys of one mapping.
[[nodiscard]] security_tree read_security_file(std::string_view text, std::string const& file_name);

} // namespace mcp_provider::server
