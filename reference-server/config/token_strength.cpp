#include "config/token_strength.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace mcp_provider::server {

namespace {

/// The smallest prefix whose repetition gives the text, the last one perhaps cut short.
std::string_view without_repetition(std::string_view text) {
    for (std::size_t period = 1; period <= text.size() / 2; ++period)
        if (std::equal(text.begin() + static_cast<std::ptrdiff_t>(period), text.end(),
                       text.begin()))
            return text.substr(0, period);
    return text;
}

/// The number of characters that do not merely continue a run of equal steps.
std::size_t unforeseen(std::string_view text) {
    constexpr std::size_t harmless_run = 4; // shorter ones turn up in good random text too
    std::size_t count = 0;
    std::size_t run = 1;
    int last_step = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        int const step = i == 0 ? 0 : text[i] - text[i - 1];
        bool const goes_on = i > 1 && step == last_step && step >= -1 && step <= 1;
        run = goes_on ? run + 1 : 2;
        last_step = step;
        if (run <= harmless_run) ++count;
    }
    return count;
}

double alphabet_of(std::string_view text) {
    auto const each = [text](auto belongs) {
        return std::all_of(text.begin(), text.end(), belongs);
    };
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    auto const lower = [](char c) { return c >= 'a' && c <= 'z'; };
    auto const upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (each(digit)) return 10;
    if (each([&](char c) { return digit(c) || (c >= 'a' && c <= 'f'); })) return 16;
    if (each([&](char c) { return digit(c) || (c >= 'A' && c <= 'F'); })) return 16;
    if (each(lower) || each(upper)) return 26;
    if (each([&](char c) { return digit(c) || lower(c); })) return 36;
    if (each([&](char c) { return digit(c) || upper(c); })) return 36;
    if (each([&](char c) { return lower(c) || upper(c); })) return 52;
    if (each([&](char c) {
            return digit(c) || lower(c) || upper(c) || c == '-' || c == '_' || c == '+' ||
                   c == '/' || c == '=';
        }))
        return 64;
    return 94;
}

} // namespace

double estimated_bits(std::string_view token) {
    if (token.empty()) return 0.0;
    while (token.ends_with('=')) token.remove_suffix(1); // base64's padding says nothing
    std::string_view const once = without_repetition(token);
    return static_cast<double>(unforeseen(once)) * std::log2(alphabet_of(once));
}

} // namespace mcp_provider::server
