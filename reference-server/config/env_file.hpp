// Reads `.env` as docker compose and systemd's EnvironmentFile do, where the two agree.
#pragma once

#include "config/document.hpp"
#include "config/problem.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// Largest configuration file that is read.
inline constexpr std::size_t max_config_bytes = 1024 * 1024;

/// The lines of a file that could be read; each key stands once.
struct env_lines {
    std::vector<member> entries;
    std::vector<problem> problems;
};

/// Reads `KEY=VALUE` lines. Blank lines, `#` comments (also after an unquoted value and a space),
/// an `export ` prefix, CRLF, a byte order mark and blanks around `=` are tolerated. Single quotes
/// take everything literally; double quotes know `\\`, `\"`, `\$`, `\n`, `\r` and `\t`. A `$` is a
/// `$`: nothing is expanded. No value is ever put in a problem, for a line that cannot be read may
/// hold a secret. *Complexity*: linear but for keys, which are few.
[[nodiscard]] env_lines read_env_file(std::string_view text, std::string const& file_name);

} // namespace mcp_provider::server
