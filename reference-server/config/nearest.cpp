#include "config/nearest.hpp"

#include <algorithm>
#include <vector>

namespace mcp_provider::server {

namespace {

constexpr std::size_t longest_word =
    128; // what is longer is no misspelt key, and would cost its square

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Whether a word was cut short (`WARN`), or written without the path to it
/// (`session.max_concurrent`).
bool is_part(std::string_view written, std::string_view word) {
    if (written.size() < 3 || word.size() <= written.size()) return false;
    if (edit_distance(written, word.substr(0, written.size())) == 0) return true;
    std::size_t const rest = word.size() - written.size();
    return word[rest - 1] == '.' && edit_distance(written, word.substr(rest)) == 0;
}

} // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<std::size_t> before_last(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> now(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= from.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            std::size_t const replaced =
                last[j - 1] + (lower(from[i - 1]) == lower(to[j - 1]) ? 0 : 1);
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, replaced});
            if (i > 1 && j > 1 && lower(from[i - 1]) == lower(to[j - 2]) &&
                lower(from[i - 2]) == lower(to[j - 1]))
                now[j] = std::min(now[j], before_last[j - 2] + 1);
        }
        before_last.swap(last);
        last.swap(now);
    }
    return last[to.size()];
}

std::string_view nearest(std::string_view written, std::span<std::string_view const> words) {
    if (written.empty() || written.size() > longest_word) return {};
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, written.size() / 3) + 1;
    for (std::string_view const word : words) {
        std::size_t const distance = is_part(written, word) ? 1 : edit_distance(written, word);
        if (distance >= best_distance) continue;
        best = word;
        best_distance = distance;
    }
    return best;
}

} // namespace mcp_provider::server
