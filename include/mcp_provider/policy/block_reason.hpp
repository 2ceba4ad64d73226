// Why somebody is shut out.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mcp_provider {

/// What a block is for.
enum class block_reason : std::uint8_t { by_operator, wrong_tokens, ignored_limits };

[[nodiscard]] constexpr std::string_view name_of(block_reason why) noexcept {
    switch (why) {
    case block_reason::by_operator: return "operator";
    case block_reason::wrong_tokens: return "wrong_tokens";
    case block_reason::ignored_limits: return "ignored_limits";
    }
    return "";
}

/// The reason of that name, or nothing.
[[nodiscard]] constexpr std::optional<block_reason>
block_reason_of(std::string_view name) noexcept {
    for (block_reason why :
         {block_reason::by_operator, block_reason::wrong_tokens, block_reason::ignored_limits})
        if (name_of(why) == name) return why;
    return std::nullopt;
}

} // namespace mcp_provider
