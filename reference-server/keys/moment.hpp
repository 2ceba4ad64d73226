// Moments of the wall clock in the key file: RFC 3339, UTC, whole seconds.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// A moment as the key file keeps it.
using moment = std::chrono::sys_seconds;

/// `2026-11-23T02:49:17Z`. Precondition: the year has four digits.
[[nodiscard]] std::string to_text(moment when);

/// The moment of exactly that form, or nothing: no other zone, no fraction, no date that does not
/// exist.
[[nodiscard]] std::optional<moment> read_moment(std::string_view text);

} // namespace mcp_provider::server
