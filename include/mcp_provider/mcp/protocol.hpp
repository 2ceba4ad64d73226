// The fixed words of the Model Context Protocol: its revisions, error codes, header fields and keys.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mcp_provider::mcp {

/// The published revisions, oldest first. Those before 2026-07-28 are of the *legacy* era, with a handshake and sessions;
/// from then on every request stands for itself: the *modern* era.
enum class revision : std::uint8_t {
    v2024_11_05,
    v2025_03_26,
    v2025_06_18,
    v2025_11_25,
    v2026_07_28
};

inline constexpr revision latest_legacy = revision::v2025_11_25;
inline constexpr revision latest_modern = revision::v2026_07_28;
inline constexpr std::array every_revision{revision::v2024_11_05, revision::v2025_03_26,
                                           revision::v2025_06_18, revision::v2025_11_25,
                                           revision::v2026_07_28};

[[nodiscard]] constexpr bool is_modern(revision one) noexcept {
    return one >= revision::v2026_07_28;
}

[[nodiscard]] constexpr std::string_view name_of(revision one) noexcept {
    switch (one) {
    case revision::v2024_11_05: return "2024-11-05";
    case revision::v2025_03_26: return "2025-03-26";
    case revision::v2025_06_18: return "2025-06-18";
    case revision::v2025_11_25: return "2025-11-25";
    case revision::v2026_07_28: return "2026-07-28";
    }
    return "";
}

/// The revision of that name; nothing where we do not speak it.
[[nodiscard]] constexpr std::optional<revision> revision_of(std::string_view name) noexcept {
    for (revision const one : every_revision)
        if (name_of(one) == name) return one;
    return std::nullopt;
}

/// Error codes beside those of JSON-RPC (`rpc::invalid_params`, ...).
namespace error_code {
/// Refused by the transport, for reasons that no revision has a code for.
inline constexpr std::int64_t refused = -32000;
inline constexpr std::int64_t session_not_found = -32001;   ///< legacy, with HTTP 404
inline constexpr std::int64_t header_mismatch = -32020;     ///< modern, with HTTP 400
inline constexpr std::int64_t missing_capability = -32021;  ///< modern, with HTTP 400
inline constexpr std::int64_t unsupported_version = -32022; ///< modern, with HTTP 400
} // namespace error_code

/// Header fields of Streamable HTTP.
namespace field_name {
inline constexpr std::string_view protocol_version = "MCP-Protocol-Version";
inline constexpr std::string_view session = "Mcp-Session-Id";   ///< legacy
inline constexpr std::string_view last_event = "Last-Event-ID"; ///< legacy
inline constexpr std::string_view method = "Mcp-Method";        ///< modern
inline constexpr std::string_view name = "Mcp-Name";            ///< modern
} // namespace field_name

/// Keys of `_meta` in the modern era.
namespace meta_key {
inline constexpr std::string_view protocol_version = "io.modelcontextprotocol/protocolVersion";
inline constexpr std::string_view client_info = "io.modelcontextprotocol/clientInfo";
inline constexpr std::string_view client_capabilities =
    "io.modelcontextprotocol/clientCapabilities";
inline constexpr std::string_view log_level = "io.modelcontextprotocol/logLevel";
inline constexpr std::string_view server_info = "io.modelcontextprotocol/serverInfo";
inline constexpr std::string_view subscription = "io.modelcontextprotocol/subscriptionId";
} // namespace meta_key

/// Severities of log messages, after RFC 5424 §6.2.1, least severe first.
enum class log_level : std::uint8_t {
    debug,
    info,
    notice,
    warning,
    error,
    critical,
    alert,
    emergency
};

inline constexpr std::array<std::string_view, 8> log_level_names{
    "debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"};

[[nodiscard]] constexpr std::string_view name_of(log_level one) noexcept {
    return log_level_names[static_cast<std::size_t>(one)];
}

[[nodiscard]] constexpr std::optional<log_level> log_level_of(std::string_view name) noexcept {
    for (std::size_t i = 0; i != log_level_names.size(); ++i)
        if (log_level_names[i] == name) return static_cast<log_level>(i);
    return std::nullopt;
}

} // namespace mcp_provider::mcp
