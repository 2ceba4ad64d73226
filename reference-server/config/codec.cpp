#include "config/codec.hpp"

#include "config/checks.hpp"
#include "config/nearest.hpp"

#include <algorithm>
#include <optional>

namespace mcp_provider::server {

namespace {

/// The word's place among the words, ignoring case.
std::optional<std::size_t> place_of(std::string_view word,
                                    std::span<std::string_view const> words) {
    for (std::size_t i = 0; i < words.size(); ++i)
        if (lower_case(words[i]) == lower_case(word)) return i;
    return std::nullopt;
}

} // namespace

complaint want_scalar(node const& from) {
    switch (from.is) {
    case node::shape::nothing: return "has no value";
    case node::shape::list: return "is a list";
    case node::shape::mapping: return "is a mapping";
    case node::shape::scalar:
    case node::shape::quoted: break;
    }
    return std::nullopt;
}

complaint read_integer(setting const& row, node const& from, std::int64_t& to) {
    if (auto wrong = want_scalar(from)) return wrong;
    if (row.where == home::security && from.is == node::shape::quoted)
        return "is a text in quotes, not a number";
    std::string_view const text = from.text;
    if (text.empty()) return "is empty";
    bool const negative = text.starts_with('-');
    std::string_view const digits = negative ? text.substr(1) : text;
    if (digits.empty() ||
        !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return "is not a whole number";
    if (digits.size() > 1 && digits.front() == '0')
        return "has a leading zero, which some read as octal";
    std::int64_t number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || number < row.least || number > row.most)
        return negative || (failure == std::errc{} && number < row.least)
                   ? "is less than " + std::to_string(row.least)
                   : "is greater than " + std::to_string(row.most);
    to = number;
    return std::nullopt;
}

complaint read_boolean(setting const& row, node const& from, bool& to) {
    if (auto wrong = want_scalar(from)) return wrong;
    if (row.where == home::security && from.is == node::shape::quoted)
        return "is a text in quotes, not true or false";
    if (from.text.empty()) return "is empty";
    std::string const word = lower_case(from.text);
    if (word == "true" ||
        (row.where == home::env && (word == "1" || word == "yes" || word == "on"))) {
        to = true;
        return std::nullopt;
    }
    if (word == "false" ||
        (row.where == home::env && (word == "0" || word == "no" || word == "off"))) {
        to = false;
        return std::nullopt;
    }
    return "is neither true nor false";
}

complaint read_text(setting const& row, node const& from, std::string& to) {
    if (auto wrong = want_scalar(from)) return wrong;
    // An empty text switches an optional setting off.
    if (from.text.empty()) {
        if (row.never_empty || !row.show(config{}).empty()) return "is empty";
    } else if (row.check != nullptr) {
        if (auto wrong = row.check(from.text)) return wrong;
    }
    to = from.text;
    return std::nullopt;
}

complaint read_list(setting const& row, node const& from, std::vector<std::string>& to) {
    std::vector<std::string> items;
    if (row.where == home::env) {
        items = split(from.text, ',');
    } else {
        if (from.is == node::shape::nothing) return "has no value";
        if (from.is != node::shape::list) return "is not a list";
        for (node const& item : from.items) {
            if (auto wrong = want_scalar(item)) return "has an item that " + *wrong;
            items.push_back(item.text);
        }
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (items[i].empty()) return "has an empty item";
        if (row.check != nullptr)
            if (auto wrong = row.check(items[i]))
                return "has the item " + items[i] + ", which " + *wrong;
        if (std::find(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(i), items[i]) !=
            items.begin() + static_cast<std::ptrdiff_t>(i))
            return "has the item " + items[i] + " twice";
    }
    to = std::move(items);
    return std::nullopt;
}

complaint read_choice(std::span<std::string_view const> words, node const& from, std::size_t& to) {
    if (auto wrong = want_scalar(from)) return wrong;
    if (from.text.empty()) return "is empty";
    if (auto const found = place_of(from.text, words)) {
        to = *found;
        return std::nullopt;
    }
    std::string_view const meant = nearest(from.text, words);
    return meant.empty() ? std::string{"is not known"}
                         : "is not known; did you mean " + std::string{meant} + "?";
}

complaint read_rules(setting const& row, node const& from, std::vector<content_rule>& to) {
    if (from.is == node::shape::nothing) return "has no value";
    if (from.is != node::shape::list) return "is not a list";
    if (from.items.size() > static_cast<std::size_t>(row.most))
        return "has more than " + std::to_string(row.most) + " rules";
    std::vector<content_rule> rules;
    for (std::size_t i = 0; i < from.items.size(); ++i) {
        node const& item = from.items[i];
        std::string const which = "has a rule (number " + std::to_string(i + 1) + ") ";
        if (item.is != node::shape::mapping) return which + "that is not a mapping";
        content_rule rule;
        for (member const& part : item.members) {
            if (part.key != "pattern" && part.key != "action")
                return which + "with the unknown key " + part.key;
            if (auto wrong = want_scalar(part.value))
                return which + "whose " + part.key + " " + *wrong;
            if (part.key == "pattern") {
                rule.pattern = part.value.text;
            } else {
                std::size_t action = 0;
                if (auto wrong = read_choice(words_of<rule_action>, part.value, action))
                    return which + "whose action " + *wrong;
                rule.action = static_cast<rule_action>(action);
            }
        }
        if (rule.pattern.empty()) return which + "without a pattern";
        if (auto wrong = checks::pattern(rule.pattern)) return which + "whose pattern " + *wrong;
        rules.push_back(std::move(rule));
    }
    to = std::move(rules);
    return std::nullopt;
}

std::vector<model_alias> to_aliases(std::vector<std::string> const& pairs) {
    std::vector<model_alias> aliases;
    for (std::string const& pair : pairs) {
        std::string_view const text = pair;
        std::size_t const equals = text.find('=');
        if (equals == std::string_view::npos) continue; // refused by checks::alias before
        aliases.push_back({std::string{trimmed(text.substr(0, equals))},
                           std::string{trimmed(text.substr(equals + 1))}});
    }
    return aliases;
}

} // namespace mcp_provider::server
