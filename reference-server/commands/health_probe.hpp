// Asks a server on this machine how it is: one HTTP/1.1 GET over a blocking socket, within a time
// limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// A URL on loopback, taken apart.
struct loopback_url {
    std::string host; ///< `127.0.0.1`, `localhost` or `[::1]`
    std::uint16_t port = 80;
    std::string path; ///< `/health` where the URL has none
};

/// Reads `http://HOST[:PORT][/PATH]`. Nothing for another scheme, and for a host that is not
/// loopback.
[[nodiscard]] std::optional<loopback_url> read_loopback_url(std::string_view text);

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
