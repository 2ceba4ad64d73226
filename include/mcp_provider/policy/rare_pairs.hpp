// Where in a text some words may lie: a quick look before a thorough one.
#pragma once

#include "mcp_provider/core/byte_block.hpp"
#include "mcp_provider/http/fields.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider {

/// Of each of some words the two neighbouring bytes that are rarest in what people and programmers write, without regard to
/// the case of ASCII letters. Immutable after construction. *Thread safety*: safe.
class rare_pairs {
public:
    /// No pairs: every place of a text may be one.
    rare_pairs() = default;
    /// None either, where a word has no two bytes, or where there are so many words that a look would not be quick.
    explicit rare_pairs(std::vector<std::string> const& words) {
        constexpr std::size_t most = 8;
        for (std::string const& word : words) {
            longest_ = std::max(longest_, word.size());
            if (word.size() < 2) {
                pairs_.clear();
                return;
            }
            pair best = pair_of(word[0], word[1]);
            for (std::size_t i = 2; i < word.size(); ++i)
                if (pair const next = pair_of(word[i - 1], word[i]);
                    commonness(next) <= commonness(best))
                    best = next;
            auto const is_best = [&](pair const& one) { return one.bytes == best.bytes; };
            if (std::none_of(pairs_.begin(), pairs_.end(), is_best)) pairs_.push_back(best);
        }
        if (pairs_.size() > most) pairs_.clear();
    }

    /// Calls `visit(from, to)` for stretches of `text` outside of which no word lies, in order; they may overlap.
    /// *Complexity*: linear, sixteen bytes at a time.
    template <class Visit>
    void for_each_place(std::string_view text, Visit&& visit) const {
        if (pairs_.empty()) return visit(std::size_t{0}, text.size());
        auto const before = [&](std::size_t at) { return at < longest_ ? 0 : at - longest_; };
        std::size_t at = 0;
        for (; text.size() - at > block; at += block)
            if (begins_in(text.data() + at))
                visit(before(at), std::min(at + block + longest_, text.size()));
        visit(before(at), text.size());
    }

private:
    static constexpr std::size_t block = 64;

    struct pair {
        std::array<std::uint8_t, 2> bytes{};
        // Sixteen times: the bytes, and the bit that is set in both cases of a letter, if they are letters.
        std::array<byte_block, 2> wanted{};
        std::array<byte_block, 2> folds{};
    };

    static pair pair_of(char first, char second) noexcept {
        pair out;
        out.bytes = {static_cast<std::uint8_t>(http::to_lower(first)),
                     static_cast<std::uint8_t>(http::to_lower(second))};
        for (std::size_t i = 0; i != 2; ++i) {
            std::uint8_t const one = out.bytes[i];
            out.wanted[i] += one;
            if (one >= 'a' && one <= 'z') out.folds[i] += std::uint8_t{0x20};
        }
        return out;
    }
    /// Only its order counts.
    static std::size_t commonness(pair const& of) noexcept {
        constexpr std::string_view common_first = " etaoinsrhldcumfpgwybvkxjqz";
        constexpr std::size_t place_of_others = 20;
        std::size_t product = 1;
        for (std::uint8_t const one : of.bytes) {
            std::size_t const place = common_first.find(static_cast<char>(one));
            product *=
                common_first.size() - (place == std::string_view::npos ? place_of_others : place);
        }
        return product;
    }
    /// Whether a pair begins in the block at `text`, behind which there is a byte more.
    [[nodiscard]] bool begins_in(char const* text) const noexcept {
        byte_block hits{};
        for (pair const& one : pairs_)
            for (std::size_t i = 0; i != block; i += byte_block_size)
                hits |= reinterpret_cast<byte_block>((load_block(text + i) | one.folds[0]) ==
                                                     one.wanted[0]) &
                        reinterpret_cast<byte_block>((load_block(text + i + 1) | one.folds[1]) ==
                                                     one.wanted[1]);
        return any(hits);
    }

    std::vector<pair> pairs_;
    std::size_t longest_ = 0;
};

} // namespace mcp_provider
