// Words as `echo` counts them: runs of anything but ASCII white space.
#pragma once

#include "mcp_provider/core/byte_block.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mcp_provider::server::agents {

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

namespace detail {

/// Ones where a byte is white space.
[[nodiscard]] inline byte_block spaces_of(byte_block const& text) noexcept {
    auto const blank = reinterpret_cast<byte_block>(text == std::uint8_t{' '});
    auto const control = reinterpret_cast<byte_block>(text - std::uint8_t{'\t'} <=
                                                      static_cast<std::uint8_t>('\r' - '\t'));
    return (blank | control) & std::uint8_t{1};
}

} // namespace detail

/// Counts the words of a text. *Complexity*: linear, sixteen bytes at a time.
[[nodiscard]] inline std::uint64_t count_words(std::string_view text) noexcept {
    if (text.empty()) return 0;
    // A word begins at a byte that is no white space, after one that is.
    std::uint64_t words = is_space(text.front()) ? 0 : 1;
    std::size_t at = 1;
    while (text.size() - at >= byte_block_size) {
        byte_block begun{};
        // A sum of so many blocks fits a byte.
        for (int blocks = 0; blocks != 255 && text.size() - at >= byte_block_size; ++blocks) {
            begun += detail::spaces_of(load_block(text.data() + at - 1)) &
                     ~detail::spaces_of(load_block(text.data() + at));
            at += byte_block_size;
        }
        words += sum(begun);
    }
    for (; at != text.size(); ++at)
        if (!is_space(text[at]) && is_space(text[at - 1])) ++words;
    return words;
}

/// Returns how much of `text` is its first `count` words, with the white space before each; after the last word of the
/// text the white space that follows belongs to it too, so that nothing is lost.
[[nodiscard]] constexpr std::size_t size_of_words(std::string_view text,
                                                  std::uint64_t count) noexcept {
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
