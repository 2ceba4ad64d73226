// What a conversation over a WebSocket is made of and bounded by.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcp_provider::net {

/// The status of a Close frame (RFC 6455 §7.4). 1005 and 1006 never go over the wire.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported_data = 1003;
inline constexpr std::uint16_t none_given = 1005;
inline constexpr std::uint16_t broken = 1006;
inline constexpr std::uint16_t invalid_text = 1007;
inline constexpr std::uint16_t policy_violation = 1008;
inline constexpr std::uint16_t too_large = 1009;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t try_again_later = 1013;

/// Whether a peer may send the code: one that is defined, or of a library or an application (RFC 6455 §7.4.2, the IANA
/// registry of 2026).
[[nodiscard]] constexpr bool may_be_sent(std::uint16_t code) noexcept {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
} // namespace close_code

/// What a conversation over a WebSocket is bounded by.
struct websocket_limits {
    std::size_t max_message_bytes = 1024 * 1024;
    std::chrono::milliseconds ping_after{15'000}; ///< of silence
    std::chrono::milliseconds pong_within{10'000};
    std::chrono::milliseconds write_time{10'000}; ///< a peer that takes no byte for so long is gone
    std::chrono::milliseconds close_time{2'000};  ///< for the peer's answer to a Close
};

/// A whole message. *Lifetime*: the text is good until the next call of `read`.
struct websocket_message {
    bool is_text = true; ///< then it is valid UTF-8
    std::string_view data;
};

/// Why a WebSocket ended.
struct websocket_end {
    std::uint16_t code = close_code::broken; ///< the peer's, or ours where we found the fault
    bool by_peer = false;                    ///< the peer sent a Close first
    bool went_silent = false;                ///< a ping was not answered in time
    std::string reason;                      ///< valid UTF-8
};

} // namespace mcp_provider::net
