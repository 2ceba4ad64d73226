#include "agents/echo_script.hpp"

#include "agents/city_names.hpp"
#include "agents/schema_instance.hpp"
#include "agents/words.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

bool starts_ignoring_case(std::string_view text, std::string_view with) noexcept {
    return text.size() >= with.size() &&
           http::equals_ignoring_case(text.substr(0, with.size()), with);
}

std::size_t find_ignoring_case(std::string_view text, std::string_view lower_needle) noexcept {
    for (std::size_t at = 0; at + lower_needle.size() <= text.size(); ++at)
        if ((text[at] | 0x20) == lower_needle[0] &&
            starts_ignoring_case(text.substr(at), lower_needle))
            return at;
    return std::string_view::npos;
}

/// What was said last, and by whom.
struct question {
    std::string_view text;
    std::size_t images = 0;
    bool from_tool = false;
};

question last_question(agent::conversation const& ask) {
    if (ask.is_completion) return {ask.prompt, 0, false};
    if (!ask.messages.empty() && ask.messages.back().from == agent::role::tool)
        return {ask.messages.back().text, 0, true};
    for (auto one = ask.messages.rbegin(); one != ask.messages.rend(); ++one)
        if (one->from == agent::role::user) return {one->text, one->images.size(), false};
    return {};
}

enum class command_kind : std::uint8_t { none, repeat, count, fail_now, fail_midway };

/// What a question tells echo to do, and with what.
struct command {
    command_kind what = command_kind::none;
    std::string_view text;
    std::uint64_t number = 0;
};

std::optional<std::uint64_t> leading_number(std::string_view text) noexcept {
    std::uint64_t number = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end == text.data()) return std::nullopt;
    return failure == std::errc{} ? std::min(number, max_count) : max_count;
}

/// The rest of `text` from the first `needle` on; empty where there is none. memmem(3) skips, std::string_view does not.
std::string_view from_first(std::string_view text, std::string_view needle) noexcept {
    void const* const found = ::memmem(text.data(), text.size(), needle.data(), needle.size());
    return found != nullptr ? text.substr(static_cast<std::size_t>(static_cast<char const*>(found) -
                                                                   text.data()))
                            : std::string_view{};
}

/// A command stands at the start of a line; the first one counts. Only counting may stand within a sentence.
command read_command(std::string_view text) {
    constexpr std::string_view repeat = "repeat exactly:";
    constexpr std::string_view count_without_c = "ount from 1 to ";
    std::string_view rest = text;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        std::string_view const after = rest.substr(std::min(line.size() + 1, rest.size()));
        std::size_t indent = 0;
        while (indent != line.size() && is_space(line[indent])) ++indent;
        line.remove_prefix(indent);
        if (starts_ignoring_case(line, repeat)) {
            std::string_view what = rest.substr(indent + repeat.size());
            if (!what.empty() && is_space(what.front())) what.remove_prefix(1);
            return {command_kind::repeat, what, 0};
        }
        if (starts_ignoring_case(line, "fail now")) return {command_kind::fail_now, {}, 0};
        if (starts_ignoring_case(line, "fail midway")) return {command_kind::fail_midway, {}, 0};
        for (std::string_view after_c = line;
             !(after_c = from_first(after_c, count_without_c)).empty();) {
            bool const has_c =
                after_c.data() != line.data() && (*(after_c.data() - 1) | 0x20) == 'c';
            after_c.remove_prefix(count_without_c.size());
            if (auto const number = leading_number(after_c); has_c && number)
                return {command_kind::count, {}, *number};
        }
        rest = after;
    }
    return {};
}

// Deterministic, yet not the same in two turns of one conversation: clients use ids as keys of their history.
std::string call_id(agent::conversation const& ask, std::string_view asked, std::size_t index) {
    std::uint64_t hash = 0xcbf29ce484222325U ^ ask.messages.size();
    for (char const c : asked) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    hash = (hash ^ index) * 0x100000001b3U;
    hash ^= hash >> 32U;
    std::string id = "call_";
    for (int i = 0; i < 8; ++i, hash /= 36) id += "0123456789abcdefghijklmnopqrstuvwxyz"[hash % 36];
    return id;
}

std::string city_arguments(std::string_view city) {
    std::string arguments = R"({"city": )";
    json::append_quoted(arguments, city);
    arguments += '}';
    return arguments;
}

bool has_city(agent::tool const& one) {
    auto const schema = json::parse(one.parameters);
    if (!schema || !schema->is_object())
        return true; // whoever says nothing of the parameters takes any
    boost::json::value const* const properties = schema->get_object().if_contains("properties");
    return properties == nullptr || !properties->is_object() || properties->get_object().empty() ||
           properties->get_object().contains("city");
}

result<std::string> arguments_by_schema(agent::tool const& one) {
    if (stripped(one.parameters).empty()) return std::string{"{}"};
    auto const made = schema_instance(one.parameters);
    if (!made) return made.error();
    return made->is_object() ? spaced_text(*made) : std::string{"{}"};
}

/// The calls that the conversation asks for: none, where it asks for none.
result<std::vector<agent::tool_call>> make_calls(agent::conversation const& ask,
                                                 question const& last) {
    using choice = agent::tool_choice::kind;
    std::vector<agent::tool_call> calls;
    bool const forced = ask.choice.how == choice::required || ask.choice.how == choice::named;
    if (ask.tools.empty() && !forced) return calls;
    if (ask.choice.how == choice::none) return calls;

    agent::tool const* chosen = ask.tools.empty() ? nullptr : &ask.tools.front();
    if (ask.choice.how == choice::named) {
        auto const found =
            std::find_if(ask.tools.begin(), ask.tools.end(),
                         [&](agent::tool const& one) { return one.name == ask.choice.name; });
        chosen = found != ask.tools.end() ? &*found : nullptr;
    }
    if (chosen == nullptr)
        return rejection{rejection_code::bad_request,
                         "tool_choice asks for a tool that is not among the tools"}
            .because("invalid_value")
            .at("/tool_choice");

    bool const asks_weather =
        !last.from_tool && find_ignoring_case(last.text, "weather") != std::string_view::npos;
    if (asks_weather && (ask.choice.how != choice::named || has_city(*chosen))) {
        std::vector<std::string> cities = city_names(last.text);
        if (cities.empty()) cities.emplace_back("here");
        if (!ask.parallel_tool_calls.value_or(true)) cities.resize(1);
        for (std::string const& city : cities)
            calls.emplace_back(call_id(ask, last.text, calls.size()), chosen->name,
                               city_arguments(city));
    } else if (forced) {
        auto arguments = arguments_by_schema(*chosen);
        if (!arguments) return std::move(arguments).error();
        calls.emplace_back(call_id(ask, last.text, 0), chosen->name, *std::move(arguments));
    }
    return calls;
}

std::string_view last_word(std::string_view text) noexcept {
    text = stripped(text);
    std::size_t begin = text.size();
    while (begin != 0 && !is_space(text[begin - 1])) --begin;
    return text.substr(begin);
}

std::string_view first_word(std::string_view text) noexcept {
    text = stripped(text);
    return text.substr(0, static_cast<std::size_t>(
                              std::find_if(text.begin(), text.end(), is_space) - text.begin()));
}

std::string plain_answer(agent::conversation const& ask, question const& last) {
    std::string text;
    if (last.from_tool) {
        // The answers of all tools since the assistant spoke.
        auto first = ask.messages.end();
        while (first != ask.messages.begin() && std::prev(first)->from == agent::role::tool)
            --first;
        for (; first != ask.messages.end(); ++first) {
            if (!text.empty()) text += '\n';
            text += first->tool_name.empty() ? std::string_view{"The tool"}
                                             : std::string_view{first->tool_name};
            text += " said: ";
            text += first->text;
        }
        return text;
    }
    if (ask.is_completion && !ask.suffix.empty()) {
        text = "echo fills the gap between '";
        text += last_word(ask.prompt);
        text += "' and '";
        text += first_word(ask.suffix);
        text += '\'';
        return text;
    }
    if (last.text.empty() && last.images == 0) return "You said nothing.";
    text.reserve(last.text.size() + 48);
    text = "You said: ";
    text += last.text;
    if (last.images != 0) {
        text += " (and showed ";
        text += std::to_string(last.images);
        text += last.images == 1 ? " image)" : " images)";
    }
    return text;
}

result<std::string> formatted_answer(agent::conversation const& ask, question const& last) {
    if (ask.format.how == agent::answer_format::kind::text) return plain_answer(ask, last);
    if (ask.format.how == agent::answer_format::kind::schema) {
        auto const made = schema_instance(ask.format.schema);
        if (!made) return made.error();
        return spaced_text(*made);
    }
    std::string text = R"({"answer": )";
    json::append_quoted(text, plain_answer(ask, last));
    text += '}';
    return text;
}

/// Where the first of the stop sequences begins in `text`.
std::size_t find_stop(std::string_view text, std::vector<std::string> const& stops) noexcept {
    std::size_t first = std::string_view::npos;
    for (std::string const& stop : stops)
        if (!stop.empty()) first = std::min(first, text.find(stop));
    return first;
}

/// Where the first stop sequence begins in "1 2 3 ...", found block by block so that a long count needs little memory.
std::uint64_t find_stop_in_count(std::uint64_t count_to, std::vector<std::string> const& stops) {
    std::size_t longest = 0;
    for (std::string const& stop : stops) longest = std::max(longest, stop.size());
    std::uint64_t before = 0; // bytes of the count that were dropped from `block`
    std::string block;
    for (std::uint64_t i = 1; longest != 0 && i <= count_to;) {
        for (std::size_t n = 0; n < 1000 && i <= count_to; ++n, ++i) {
            if (i != 1) block += ' ';
            json::append_number(block, i);
        }
        if (std::size_t const at = find_stop(block, stops); at != std::string_view::npos) {
            // A sequence that is only partly here may yet begin earlier, but none that begins earlier is found later
            // unless it reaches over the end; those are looked at with the next block.
            bool const sure = at + longest <= block.size() || i > count_to;
            if (sure) return before + at;
            continue;
        }
        std::size_t const keep = std::min(block.size(), longest - 1);
        before += block.size() - keep;
        block.erase(0, block.size() - keep);
    }
    return ~std::uint64_t{0};
}

void shorten_count(echo_script& script, agent::conversation const& ask) {
    script.count_bytes = find_stop_in_count(script.count_to, ask.stop);
    if (!ask.max_tokens) return;
    auto const most = static_cast<std::uint64_t>(std::max<std::int64_t>(*ask.max_tokens, 0));
    if (most >= script.count_to) return;
    std::uint64_t bytes_of_most = most == 0 ? 0 : most - 1; // the spaces
    for (std::uint64_t least = 1; least <= most; least *= 10) bytes_of_most += most - least + 1;
    script.count_to = most;
    // A stop sequence within the words that are left ends the answer before its length does.
    if (script.count_bytes >= bytes_of_most) script.reason = agent::finish_reason::length;
}

void shorten_text(echo_script& script, agent::conversation const& ask) {
    std::size_t const stop = find_stop(script.text, ask.stop);
    if (stop != std::string_view::npos) script.text.resize(stop);
    if (!ask.max_tokens) return;
    auto const most = static_cast<std::uint64_t>(std::max<std::int64_t>(*ask.max_tokens, 0));
    if (count_words(script.text) <= most) return; // which costs less than to find where they end
    std::size_t const end = size_of_words(script.text, most);
    script.text.resize(end);
    script.reason = agent::finish_reason::length;
}

} // namespace

result<echo_script> write_script(agent::conversation const& ask) {
    question const last = last_question(ask);
    command const told = last.from_tool ? command{} : read_command(last.text);
    echo_script script;
    if (told.what == command_kind::fail_now)
        return rejection{rejection_code::upstream_failed,
                         "echo failed, as it was asked to (\"Fail now\")"};
    if (told.what == command_kind::count) {
        script.how = echo_script::kind::count;
        script.count_to = told.number;
        shorten_count(script, ask);
        return script;
    }
    if (told.what == command_kind::fail_midway) {
        script.how = echo_script::kind::fail_midway;
        script.text = "Failing";
        return script;
    }
    if (told.what == command_kind::repeat) {
        script.text = told.text;
        shorten_text(script, ask);
        return script;
    }
    auto calls = make_calls(ask, last);
    if (!calls) return std::move(calls).error();
    if (!calls->empty()) {
        script.how = echo_script::kind::calls;
        script.reason = agent::finish_reason::tool_calls;
        script.calls = *std::move(calls);
        return script;
    }
    auto text = formatted_answer(ask, last);
    if (!text) return std::move(text).error();
    script.text = *std::move(text);
    shorten_text(script, ask);
    return script;
}

std::uint64_t count_prompt_words(agent::conversation const& ask) noexcept {
    std::uint64_t words = 0;
    if (ask.is_completion) return count_words(ask.prompt) + count_words(ask.suffix);
    for (agent::message const& one : ask.messages) words += count_words(one.text);
    return words;
}

} // namespace mcp_provider::server::agents
