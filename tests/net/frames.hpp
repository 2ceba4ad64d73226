// WebSocket frames put together by hand, also the wrong ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mcp_provider::net {

/// One frame, as a test wants it.
struct frame_wish {
    unsigned opcode = 1;
    bool fin = true;
    bool masked = true;
    unsigned reserved = 0;     ///< bits 0x40, 0x20, 0x10
    unsigned length_bytes = 9; ///< 0, 2 or 8; 9 for the shortest that fits
};

inline std::string frame(std::string_view payload, frame_wish const& wish = {}) {
    std::string out;
    std::size_t const size = payload.size();
    unsigned const bytes = wish.length_bytes != 9 ? wish.length_bytes
                           : size < 126           ? 0
                           : size <= 0xFFFF       ? 2
                                                  : 8;
    out.push_back(static_cast<char>((wish.fin ? 0x80U : 0U) | wish.reserved | wish.opcode));
    out.push_back(
        static_cast<char>((wish.masked ? 0x80U : 0U) | (bytes == 0   ? static_cast<unsigned>(size)
                                                        : bytes == 2 ? 126U
                                                                     : 127U)));
    for (unsigned i = bytes; i != 0; --i)
        out.push_back(static_cast<char>((size >> (8 * (i - 1))) & 0xFFU));
    constexpr std::string_view key = "\x37\xfa\x21\x3d";
    if (wish.masked) out += key;
    for (std::size_t i = 0; i < size; ++i)
        out.push_back(wish.masked ? static_cast<char>(payload[i] ^ key[i % 4]) : payload[i]);
    return out;
}

inline std::string close_frame(unsigned code, std::string_view reason = {}, bool masked = true) {
    std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
    return frame(payload.append(reason), {.opcode = 8, .masked = masked});
}

} // namespace mcp_provider::net
