// How a member of `config` is read from a file's value and shown again, by its type.
#pragma once

#include "config/setting.hpp"
#include "config/words.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <type_traits>
#include <vector>

namespace mcp_provider::server {

/// The words of an enumeration in the order of its enumerators.
template <class Enum>
inline constexpr std::array<std::string_view, 0> words_of{};
template <>
inline constexpr std::array<std::string_view, 8> words_of<agent_kind>{
    "echo", "openai", "acp", "codex", "claude", "mcp-pull", "mcp-sampling", "mcp-tool"};
template <>
inline constexpr std::array<std::string_view, 6> words_of<log_level>{
    "TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
template <>
inline constexpr std::array<std::string_view, 2> words_of<content_profile>{"editor", "strict"};
template <>
inline constexpr std::array<std::string_view, 2> words_of<audit_mode>{"fast", "durable"};
template <>
inline constexpr std::array<std::string_view, 2> words_of<audit_failure>{"open", "closed"};
template <>
inline constexpr std::array<std::string_view, 3> words_of<rule_action>{"flag", "reject", "redact"};

/// The text of a scalar, or why the value is none.
[[nodiscard]] complaint want_scalar(node const& from);
/// A whole number in decimal within the row's range.
[[nodiscard]] complaint read_integer(setting const& row, node const& from, std::int64_t& to);
[[nodiscard]] complaint read_boolean(setting const& row, node const& from, bool& to);
/// A text that passes the row's check, or an empty one where that means "off".
[[nodiscard]] complaint read_text(setting const& row, node const& from, std::string& to);
/// Items of a YAML list, or between commas; each passes the row's check and stands once.
[[nodiscard]] complaint read_list(setting const& row, node const& from,
                                  std::vector<std::string>& to);
[[nodiscard]] complaint read_choice(std::span<std::string_view const> words, node const& from,
                                    std::size_t& to);
[[nodiscard]] complaint read_rules(setting const& row, node const& from,
                                   std::vector<content_rule>& to);
[[nodiscard]] std::vector<model_alias> to_aliases(std::vector<std::string> const& pairs);

template <class T>
struct codec;

template <>
struct codec<bool> {
    static constexpr value_kind kind = value_kind::boolean;
    static complaint read(setting const& row, node const& from, bool& to) {
        return read_boolean(row, from, to);
    }
    static std::string show(bool value) { return value ? "true" : "false"; }
};

template <std::integral T>
    requires(!std::same_as<T, bool>)
struct codec<T> {
    static constexpr value_kind kind = value_kind::integer;
    static complaint read(setting const& row, node const& from, T& to) {
        std::int64_t number = 0;
        if (auto wrong = read_integer(row, from, number)) return wrong;
        to = static_cast<T>(
            number); // the row's range lies within the type's: a test of the table says so
        return std::nullopt;
    }
    static std::string show(T value) { return std::to_string(value); }
};

template <class Rep, class Period>
struct codec<std::chrono::duration<Rep, Period>> {
    using duration = std::chrono::duration<Rep, Period>;
    static constexpr value_kind kind = value_kind::integer;
    static complaint read(setting const& row, node const& from, duration& to) {
        std::int64_t number = 0;
        if (auto wrong = read_integer(row, from, number)) return wrong;
        to = duration{static_cast<Rep>(number)};
        return std::nullopt;
    }
    static std::string show(duration value) { return std::to_string(value.count()); }
};

template <>
struct codec<std::string> {
    static constexpr value_kind kind = value_kind::text;
    static complaint read(setting const& row, node const& from, std::string& to) {
        return read_text(row, from, to);
    }
    static std::string show(std::string const& value) { return value; }
};

template <>
struct codec<std::filesystem::path> {
    static constexpr value_kind kind = value_kind::path;
    static complaint read(setting const& row, node const& from, std::filesystem::path& to) {
        std::string text;
        if (auto wrong = read_text(row, from, text)) return wrong;
        to = std::move(text);
        return std::nullopt;
    }
    static std::string show(std::filesystem::path const& value) { return value.string(); }
};

template <>
struct codec<secret> {
    static constexpr value_kind kind = value_kind::secret_text;
    static complaint read(setting const& row, node const& from, secret& to) {
        std::string text;
        if (auto wrong = read_text(row, from, text)) return wrong;
        to = secret{std::move(text)};
        return std::nullopt;
    }
    static std::string show(secret const& value) { return std::string{value.reveal()}; }
};

template <>
struct codec<std::vector<std::string>> {
    static constexpr value_kind kind = value_kind::list;
    static complaint read(setting const& row, node const& from, std::vector<std::string>& to) {
        return read_list(row, from, to);
    }
    static std::string show(std::vector<std::string> const& value) { return join(value, ","); }
};

template <>
struct codec<std::vector<model_alias>> {
    static constexpr value_kind kind = value_kind::list;
    static complaint read(setting const& row, node const& from, std::vector<model_alias>& to) {
        std::vector<std::string> pairs;
        if (auto wrong = read_list(row, from, pairs)) return wrong;
        std::vector<model_alias> aliases = to_aliases(pairs);
        for (std::size_t i = 0; i < aliases.size(); ++i)
            for (std::size_t j = 0; j < i; ++j)
                if (aliases[i].name == aliases[j].name)
                    return "gives the name " + aliases[i].name + " twice";
        to = std::move(aliases);
        return std::nullopt;
    }
    static std::string show(std::vector<model_alias> const& value) {
        std::vector<std::string> pairs;
        for (model_alias const& one : value) pairs.push_back(one.name + "=" + one.model);
        return join(pairs, ",");
    }
};

template <>
struct codec<std::vector<content_rule>> {
    static constexpr value_kind kind = value_kind::rules;
    static complaint read(setting const& row, node const& from, std::vector<content_rule>& to) {
        return read_rules(row, from, to);
    }
    static std::string show(std::vector<content_rule> const& value) {
        std::vector<std::string> rules;
        for (content_rule const& one : value)
            rules.push_back(
                std::string{words_of<rule_action>[static_cast<std::size_t>(one.action)]} + " " +
                one.pattern);
        return join(rules, "; ");
    }
};

template <class Enum>
    requires std::is_enum_v<Enum>
struct codec<Enum> {
    static constexpr value_kind kind = value_kind::choice;
    static complaint read(setting const&, node const& from, Enum& to) {
        std::size_t which = 0;
        if (auto wrong = read_choice(words_of<Enum>, from, which)) return wrong;
        to = static_cast<Enum>(which);
        return std::nullopt;
    }
    static std::string show(Enum value) {
        return std::string{words_of<Enum>[static_cast<std::size_t>(value)]};
    }
};

/// Completes a row whose value is the member that `Field` picks out of a configuration: a lambda
/// that captures nothing, and so can be made again from its type.
template <class Field>
[[nodiscard]] setting row(Field, setting plain) {
    using member_type = std::remove_cvref_t<decltype(Field{}(std::declval<config&>()))>;
    using reading = codec<member_type>;
    plain.kind = reading::kind;
    if constexpr (std::is_same_v<member_type, secret>) plain.is_secret = true;
    if constexpr (std::is_enum_v<member_type>) plain.choices = words_of<member_type>;
    plain.assign = [](setting const& self, node const& from, config& to) {
        return reading::read(self, from, Field{}(to));
    };
    plain.show = [](config const& from) { return reading::show(Field{}(from)); };
    plain.same = [](config const& a, config const& b) {
        return reading::show(Field{}(a)) == reading::show(Field{}(b));
    };
    return plain;
}

} // namespace mcp_provider::server
