// Asks a server on this machine how it is.
#pragma once

#include "commands/loopback_call.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace mcp_provider::server {

/// What a probe has found.
struct health_answer {
    enum class verdict : std::uint8_t { healthy, degraded, unhealthy, not_ours, not_there };
    verdict is = verdict::not_there;
    std::string text; ///< the JSON of the answer, or why there is none
};

/// Asks and judges. Ours is an answer that says `"service":"mcp-local-provider"`; a real Ollama is
/// not.
[[nodiscard]] health_answer probe_health(loopback_url const& where,
                                         std::chrono::milliseconds limit);

} // namespace mcp_provider::server
