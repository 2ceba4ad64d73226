#include "commands/duration.hpp"

#include <charconv>
#include <cstdint>

namespace mcp_provider::server {

std::optional<std::chrono::seconds> read_duration(std::string_view text) {
    constexpr std::chrono::seconds most = std::chrono::days{3650};
    std::uint32_t number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number == 0 || text.data() + text.size() - end != 1)
        return std::nullopt;
    std::chrono::seconds unit{};
    switch (*end) {
    case 's': unit = std::chrono::seconds{1}; break;
    case 'm': unit = std::chrono::minutes{1}; break;
    case 'h': unit = std::chrono::hours{1}; break;
    case 'd': unit = std::chrono::days{1}; break;
    case 'w': unit = std::chrono::weeks{1}; break;
    default: return std::nullopt;
    }
    if (number > most / unit) return std::nullopt;
    return number * unit;
}

} // namespace mcp_provider::server
