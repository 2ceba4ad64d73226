// Small dealings with text that the readers of both files share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// Without the spaces and tabs at both ends.
[[nodiscard]] inline std::string_view trimmed(std::string_view text) noexcept {
    auto const blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

/// The parts between separators, trimmed; nothing at all for a blank text.
[[nodiscard]] inline std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    if (trimmed(text).empty()) return parts;
    for (std::size_t at = 0;;) {
        std::size_t const end = text.find(separator, at);
        parts.emplace_back(
            trimmed(text.substr(at, end == std::string_view::npos ? end : end - at)));
        if (end == std::string_view::npos) return parts;
        at = end + 1;
    }
}

[[nodiscard]] inline std::string join(std::vector<std::string> const& parts,
                                      std::string_view between) {
    std::string text;
    for (std::string const& part : parts) {
        if (!text.empty()) text += between;
        text += part;
    }
    return text;
}

/// ASCII letters in lower case.
[[nodiscard]] inline std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

/// Why a text from outside cannot be a line of a configuration: NUL, another control character,
/// invalid UTF-8. Empty where nothing is wrong; a tab is right.
[[nodiscard]] std::string_view unfit_text(std::string_view text) noexcept;

} // namespace mcp_provider::server
