// Asks a server on this machine: one HTTP/1.1 exchange over a blocking socket, within a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

struct loopback_request {
    loopback_url where;
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>>
        fields{};                          ///< `Host` too, where it shall be another one
    std::string body{};                    ///< JSON; empty for none
    std::chrono::milliseconds limit{5000}; ///< for all of it
};

struct loopback_answer {
    bool came = false;
    int status = 0; ///< 0: what came is no HTTP response
    std::string body;
    std::string why; ///< why nothing came
};

[[nodiscard]] loopback_answer call_loopback(loopback_request const& what);

} // namespace mcp_provider::server
