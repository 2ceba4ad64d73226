// Lengths of time as people write them: `90s`, `15m`, `24h`, `30d`.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mcp_provider::server {

/// Reads a whole number and one of the units s, m, h, d, w. Nothing for any other text, for 0, and
/// beyond ten years.
[[nodiscard]] std::optional<std::chrono::seconds> read_duration(std::string_view text);

} // namespace mcp_provider::server
