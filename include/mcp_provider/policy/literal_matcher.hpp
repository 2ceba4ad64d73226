// Finds any of many words in a text, in one pass.
#pragma once

#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/policy/rare_pairs.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider {

/// Aho and Corasick's automaton, without regard to the case of ASCII letters. It can be fed in pieces, so that a word
/// across the border of two chunks is found. Immutable after construction.
/// *Complexity*: linear in the text, whatever it holds: one table look-up a byte. *Thread safety*: safe.
class literal_matcher {
public:
    /// Where a text stands between two pieces.
    using state = std::uint32_t;
    static constexpr state start = 0;

    /// *Errors*: throws std::invalid_argument for an empty word.
    explicit literal_matcher(std::vector<std::string> const& words) {
        for (std::string const& word : words)
            for (char const c : word) {
                std::uint8_t& class_of = classes_[byte(c)];
                if (class_of == 0) class_of = static_cast<std::uint8_t>(class_count_++);
            }
        for (std::size_t upper = 'A'; upper <= 'Z'; ++upper)
            classes_[upper] = classes_[upper + ('a' - 'A')];
        add_node();
        for (std::size_t i = 0; i != words.size(); ++i)
            insert(words[i], static_cast<std::uint32_t>(i));
        link();
        for (std::size_t c = 0; c != classes_.size(); ++c)
            begins_a_word_[c] = next_[classes_[c]] != start;
        pairs_ = rare_pairs{words};
    }

    /// Calls `found(index of the word)` for each word in a whole text. Finds what `feed` finds, and passes over what no word
    /// can lie in many bytes at a time.
    template <class Found>
    void scan(std::string_view text, Found&& found) const {
        state at = start;
        std::size_t done = 0; // so far the automaton has come
        auto const read = [&](std::size_t from, std::size_t to) {
            if (from > done) at = start, done = from;
            at = feed(at, text.substr(done, to - done), found);
            done = to;
        };
        pairs_.for_each_place(text, read);
    }

    /// Goes on from `at`, calls `found(index of the word)` for each word that ends in `text`, and returns the new state.
    template <class Found>
    state feed(state at, std::string_view text, Found&& found) const {
        for (auto p = text.begin(), end = text.end(); p != end;) {
            if (at == start) { // most of the time: these look-ups do not wait for one another
                while (p != end && !begins_a_word_[static_cast<unsigned char>(*p)]) ++p;
                if (p == end) break;
            }
            at = next_[at * class_count_ + classes_[static_cast<unsigned char>(*p++)]];
            if ((at & ends_here) == 0) [[likely]]
                continue;
            at &= ~ends_here;
            for (std::uint32_t const word : words_[at]) found(std::size_t{word});
        }
        return at;
    }

private:
    static constexpr state ends_here =
        0x8000'0000U; // set in a transition to a node where words end

    static std::size_t byte(char c) noexcept {
        return static_cast<unsigned char>(http::to_lower(c));
    }

    state add_node() {
        next_.resize(next_.size() + class_count_, 0);
        words_.emplace_back();
        return static_cast<state>(words_.size() - 1);
    }

    void insert(std::string const& word, std::uint32_t index) {
        if (word.empty()) throw std::invalid_argument{"a word to find is empty"};
        state at = start;
        for (char const c : word) {
            std::size_t const slot = at * class_count_ + classes_[byte(c)];
            if (next_[slot] == 0) {
                state const fresh = add_node();
                next_[slot] = fresh;
            }
            at = next_[slot];
        }
        words_[at].push_back(index);
    }

    /// Turns the tree of words into the automaton, node by node in breadth.
    void link() {
        std::vector<state> fallback(words_.size(), start);
        std::vector<state> queue;
        for (std::size_t c = 0; c != class_count_; ++c)
            if (next_[c] != 0) queue.push_back(next_[c]);
        for (std::size_t head = 0; head != queue.size(); ++head) {
            state const at = queue[head];
            auto const& inherited = words_[fallback[at]];
            words_[at].insert(words_[at].end(), inherited.begin(), inherited.end());
            for (std::size_t c = 0; c != class_count_; ++c) {
                state& to = next_[at * class_count_ + c];
                state const otherwise = next_[fallback[at] * class_count_ + c];
                if (to == 0) {
                    to = otherwise;
                } else {
                    fallback[to] = otherwise;
                    queue.push_back(to);
                }
            }
        }
        for (state& to : next_)
            if (!words_[to].empty()) to |= ends_here;
    }

    std::array<std::uint8_t, 256> classes_{}; // 0 stands for all bytes that are in no word
    std::array<bool, 256> begins_a_word_{};
    std::size_t class_count_ = 1;
    std::vector<state> next_; // a row of classes for each node
    std::vector<std::vector<std::uint32_t>> words_;
    rare_pairs pairs_;
};

} // namespace mcp_provider
