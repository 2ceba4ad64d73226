// The word that was probably meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the
/// other, ignoring case (optimal string alignment). *Complexity*: product of the lengths.
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The word nearest to what was written, or an empty view where none is near: within a third of its
/// length, at least two. What is the beginning of a word, or its end after a full stop, is near to
/// it.
[[nodiscard]] std::string_view nearest(std::string_view written,
                                       std::span<std::string_view const> words);

} // namespace mcp_provider::server
