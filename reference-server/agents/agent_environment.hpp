// What a started agent sees of our environment, and what must not be said of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// The variables that an agent gets, as `NAME=value`: those that programs need to run (HOME, PATH, LANG, TERM, XDG_*, proxies,
/// certificates, …), the keys and settings of the known agents by the beginnings of their names, and those of `more`
/// (AGENT_ENVIRONMENT). Nothing else of `ours`, so none of our own secrets.
[[nodiscard]] std::vector<std::string> agent_environment(char const* const* ours,
                                                         std::vector<std::string> const& more);

/// Sets a variable, where the environment has none of that name.
void set_default(std::vector<std::string>& environment, std::string_view name,
                 std::string_view value);

/// A text of an agent made fit for logs and answers: the values of variables whose names say that they are secret are
/// left out, control characters become blanks, and of a text longer than `most` bytes only the end is kept.
[[nodiscard]] std::string without_secrets(std::string_view text,
                                          std::vector<std::string> const& environment,
                                          std::size_t most);

} // namespace mcp_provider::server::agents
