// Words as `echo` counts them: runs of anything but ASCII white space.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcp_provider::server::agents {

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Counts the words of a text. *Complexity*: linear.
[[nodiscard]] constexpr std::uint64_t count_words(std::string_view text) noexcept {
    std::uint64_t words = 0;
    bool outside = true;
    for (char const c : text) {
        bool const space = is_space(c);
        words += static_cast<std::uint64_t>(outside && !space);
        outside = space;
    }
    return words;
}

/// Returns how much of `text` is its first `count` words, with the white space before each; after the last word of the
/// text the white space that follows belongs to it too, so that nothing is lost.
[[nodiscard]] constexpr std::size_t size_of_words(std::string_view text, std::uint64_t count) noexcept {
    std::size_t at = 0;
    for (; count != 0 && at != text.size(); --count) {
        while (at != text.size() && is_space(text[at])) ++at;
        while (at != text.size() && !is_space(text[at])) ++at;
    }
    std::size_t end = at;
    while (end != text.size() && is_space(text[end])) ++end;
    return end == text.size() ? end : at;
}

/// The text without white space at its ends.
[[nodiscard]] constexpr std::string_view stripped(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

} // namespace mcp_provider::server::agents
