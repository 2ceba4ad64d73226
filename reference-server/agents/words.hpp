// Words as `echo` counts them: runs of anything but ASCII white space.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace mcp_provider::server::agents {

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

namespace detail {

/// Marks the white space among eight bytes with the top bit of each.
[[nodiscard]] constexpr std::uint64_t spaces_of(std::uint64_t eight) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    constexpr std::uint64_t tops = 0x80U * ones;
    std::uint64_t const low = eight & ~tops;
    std::uint64_t const at_least_tab = low + (0x80U - '\t') * ones;
    std::uint64_t const beyond_cr = low + (0x80U - '\r' - 1) * ones;
    std::uint64_t const no_blank = (low ^ (' ' * ones)) + 0x7fU * ones;
    return ((at_least_tab & ~beyond_cr) | ~no_blank) & ~eight & tops;
}

} // namespace detail

/// Counts the words of a text. *Complexity*: linear, eight bytes at a time.
[[nodiscard]] inline std::uint64_t count_words(std::string_view text) noexcept {
    std::uint64_t words = 0;
    std::uint64_t before = 0x80; // the byte before counts as white space
    auto const add = [&](std::uint64_t eight) {
        std::uint64_t const spaces = detail::spaces_of(eight);
        // A word begins at a byte that is none, after one that is. Little-endian: the byte before is the lower one.
        std::uint64_t const begins = ~spaces & (spaces << 8U | before) & 0x8080808080808080U;
        words += ((begins >> 7U) * 0x0101010101010101U) >> 56U; // the sum of the bytes
        before = spaces >> 56U;
    };
    static_assert(std::endian::native == std::endian::little);
    std::uint64_t eight = 0;
    for (; text.size() >= sizeof eight; text.remove_prefix(sizeof eight)) {
        std::memcpy(&eight, text.data(), sizeof eight);
        add(eight);
    }
    eight = 0x2020202020202020U;
    if (!text.empty()) std::memcpy(&eight, text.data(), text.size());
    add(eight);
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
