#include "agents/city_names.hpp"

#include "agents/words.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

template <std::size_t N>
bool is_one_of(std::string_view word, std::array<std::string_view, N> const& list) noexcept {
    return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr std::array<std::string_view, 4> before_a_place = {"in", "for", "at", "of"};
constexpr std::array<std::string_view, 5> between_places = {"and", "or", "und", "et", "&"};
// Small words inside a name: Rio de Janeiro, Frankfurt am Main, Stratford upon Avon.
constexpr std::array<std::string_view, 14> within_a_name = {
    "de", "la", "le", "du", "del", "al", "am", "an", "of", "upon", "sur", "der", "den", "do"};
// What a question starts with, or says of time, is no place.
constexpr std::array<std::string_view, 38> no_place = {
    "a",      "an",       "the",      "what",    "what's",     "how",     "how's",     "is",
    "will",   "tell",     "show",     "give",    "get",        "check",   "please",    "can",
    "could",  "do",       "does",     "compare", "weather",    "i",       "me",        "it",
    "today",  "tonight",  "tomorrow", "now",     "monday",     "tuesday", "wednesday", "thursday",
    "friday", "saturday", "sunday",   "celsius", "fahrenheit", "use"};

std::string lower(std::string_view word) {
    std::string out{word};
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

/// A word, and whether the name that it is part of ends with it.
struct word {
    std::string_view text;
    bool ends_name = false;     // a comma follows
    bool ends_sentence = false; // ? ! . ; : or a line's end follows

    [[nodiscard]] bool is_capitalised() const noexcept {
        auto const first = static_cast<unsigned char>(text.front());
        return (first >= 'A' && first <= 'Z') ||
               first >= 0xC0U; // letters beyond ASCII: Ürümqi, 東京
    }
    [[nodiscard]] bool is_state() const noexcept { // "CA" in "San Francisco, CA"
        return text.size() == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' &&
               text[1] <= 'Z';
    }
};

std::vector<word> words_of(std::string_view text) {
    std::vector<word> words;
    std::size_t at = 0;
    while (at < text.size()) {
        std::size_t end = at;
        while (end < text.size() && !is_space(text[end])) ++end;
        word one;
        one.text = text.substr(at, end - at);
        while (!one.text.empty() &&
               std::string_view{",.;:?!\"')]}*`"}.find(one.text.back()) != std::string_view::npos) {
            char const mark = one.text.back();
            if (mark == ',') one.ends_name = true;
            if (mark == '?' || mark == '!' || mark == ';' || mark == ':' || mark == '.')
                one.ends_sentence = true;
            one.text.remove_suffix(1);
        }
        while (!one.text.empty() &&
               std::string_view{"\"'([{*`"}.find(one.text.front()) != std::string_view::npos)
            one.text.remove_prefix(1);
        at = end;
        while (at < text.size() && is_space(text[at])) {
            if (text[at] == '\n') one.ends_sentence = true;
            ++at;
        }
        if (!one.text.empty()) {
            words.push_back(one);
        } else if (!words.empty()) {
            words.back().ends_name |= one.ends_name;
            words.back().ends_sentence |= one.ends_sentence;
        }
    }
    return words;
}

/// Gathers names word by word.
class gazetteer {
public:
    void add(std::string_view part) {
        if (!name_.empty()) name_ += ' ';
        name_ += part;
    }
    void add_state(std::string_view state) {
        names_.back() += ", ";
        names_.back() += state;
    }
    void end() {
        if (!name_.empty() && std::find(names_.begin(), names_.end(), name_) == names_.end())
            names_.push_back(name_);
        name_.clear();
    }
    [[nodiscard]] bool within_name() const noexcept { return !name_.empty(); }
    [[nodiscard]] bool empty() const noexcept { return names_.empty(); }
    [[nodiscard]] std::vector<std::string> take() { return std::move(names_); }

private:
    std::vector<std::string> names_;
    std::string name_;
};

/// Reads names from `at` on, to the end of the sentence or the first word that belongs to no list of names.
/// Returns where it stopped.
std::size_t read_places(std::vector<word> const& words, std::size_t at, bool capitalised_only,
                        gazetteer& found) {
    bool after_comma = false;
    for (; at < words.size(); ++at) {
        word const& one = words[at];
        bool const small = is_one_of(one.text, within_a_name);
        if (after_comma && one.is_state() && !found.empty()) {
            found.add_state(one.text);
        } else if (is_one_of(one.text, between_places) || is_one_of(one.text, before_a_place)) {
            if (!(found.within_name() && small && at + 1 < words.size() &&
                  words[at + 1].is_capitalised()))
                found.end();
            else
                found.add(one.text);
            after_comma = false;
            continue;
        } else if (is_one_of(lower(one.text), no_place)) {
            if (found.within_name() || !found.empty()) break;
            continue;
        } else if (one.is_capitalised() || !capitalised_only) {
            found.add(one.text);
        } else if (!(found.within_name() && small && at + 1 < words.size() &&
                     words[at + 1].is_capitalised())) {
            break;
        } else {
            found.add(one.text);
        }
        if (one.ends_name || one.ends_sentence) found.end();
        if (one.ends_sentence) break;
        after_comma = one.ends_name;
    }
    found.end();
    return at;
}

} // namespace

std::vector<std::string> city_names(std::string_view question) {
    std::vector<word> const words = words_of(question);
    gazetteer found;
    // Capitalised names after a preposition are the surest sign, then lower-case ones, then any capitalised name.
    for (bool const capitalised_only : {true, false}) {
        for (std::size_t i = 0; i + 1 < words.size(); ++i)
            if (is_one_of(lower(words[i].text), before_a_place) && !words[i].ends_sentence)
                i = read_places(words, i + 1, capitalised_only, found) - 1;
        if (!found.empty()) return found.take();
    }
    for (std::size_t i = 0; i < words.size(); ++i) {
        bool const starts = i == 0 || !words[i - 1].is_capitalised() || words[i - 1].ends_name ||
                            is_one_of(lower(words[i - 1].text), no_place);
        if (starts && words[i].is_capitalised() && !is_one_of(lower(words[i].text), no_place))
            i = read_places(words, i, true, found);
    }
    return found.take();
}

} // namespace mcp_provider::server::agents
