// What an upstream's refusal becomes for our caller.
#pragma once

#include "mcp_provider/core/rejection.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server::agents {

/// Makes a message of an upstream fit to be passed on: valid UTF-8, one line, at most 500 bytes, without `key`.
[[nodiscard]] std::string cleaned_message(std::string_view message, std::string_view key);

/// Turns an answer other than 200 into a rejection. 400, 404 and 422 keep their meaning and their message; 401 and 403 are
/// the gateway's trouble with its upstream, not the caller's, and become 502; 429 stays, with its Retry-After; a redirect
/// is not followed; all else is 502, or 504 where the upstream itself ran out of time.
/// `retry_after` is the value of that field, empty for none: seconds, or an HTTP date (RFC 9110 §10.2.3).
[[nodiscard]] rejection upstream_rejection(std::uint16_t status, std::string_view body,
                                           std::string_view retry_after, std::string_view key);

/// An error event within a stream.
[[nodiscard]] rejection stream_rejection(std::string_view message, std::string_view key);

/// Adds what to do about it to a rejection of the HTTP client that says no connection came about.
[[nodiscard]] rejection with_advice(rejection why);

} // namespace mcp_provider::server::agents
