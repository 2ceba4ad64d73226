// How hard a token is to guess, as far as its text can tell.
#pragma once

#include <string_view>

namespace mcp_provider::server {

inline constexpr double least_token_bits = 128.0;

/// The seed's stand-in for a token; never accepted.
inline constexpr std::string_view placeholder_token = "CHANGE_THIS_SECRET_TOKEN_NOW";

/// An upper estimate of the entropy in bits: length times log2 of the smallest usual alphabet that
/// covers the text, where a repetition of a pattern counts once and a run of five or more (`aaaaa`,
/// `12345`) counts as its start.
[[nodiscard]] double estimated_bits(std::string_view token);

} // namespace mcp_provider::server
