#include "config/env_file.hpp"

#include "config/words.hpp"

#include <algorithm>
#include <unordered_map>

namespace mcp_provider::server {

namespace {

constexpr std::string_view line_form = "KEY=VALUE, with the value in quotes where it has spaces";

bool is_key(std::string_view text) noexcept {
    auto const fits = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), fits) &&
           !(text[0] >= '0' && text[0] <= '9');
}

/// A value without its quotes, or what is wrong with it.
struct unquoted {
    std::string text;
    bool was_quoted = false;
    std::string_view wrong;
};

std::string_view wrong_tail(std::string_view rest) noexcept {
    rest = trimmed(rest);
    return rest.empty() || rest.starts_with('#') ? std::string_view{}
                                                 : "goes on after its closing quote";
}

unquoted read_single_quoted(std::string_view text) {
    std::size_t const end = text.find('\'', 1);
    if (end == std::string_view::npos) return {{}, true, "has no closing quote"};
    return {std::string{text.substr(1, end - 1)}, true, wrong_tail(text.substr(end + 1))};
}

unquoted read_double_quoted(std::string_view text) {
    unquoted value{{}, true, {}};
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '"') {
            value.wrong = wrong_tail(text.substr(i + 1));
            return value;
        }
        if (text[i] != '\\') {
            value.text += text[i];
            continue;
        }
        if (++i == text.size()) break;
        switch (text[i]) {
        case '\\':
        case '"':
        case '$': value.text += text[i]; break;
        case 'n': value.text += '\n'; break;
        case 'r': value.text += '\r'; break;
        case 't': value.text += '\t'; break;
        default:
            return {
                {}, true, "has an unknown escape; in double quotes \\\\ stands for a backslash"};
        }
    }
    return {{}, true, "has no closing quote"};
}

unquoted read_value(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('\'')) return read_single_quoted(text);
    if (text.starts_with('"')) return read_double_quoted(text);
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '#' && (i == 0 || text[i - 1] == ' ' || text[i - 1] == '\t')) {
            text = trimmed(text.substr(0, i));
            break;
        }
    return {std::string{text}, false, {}};
}

class line_reader {
public:
    line_reader(env_lines& into, std::string const& file_name)
        : into_{into}, file_name_{file_name} {}

    void read(std::string_view line, int number) {
        if (line.ends_with('\r')) line.remove_suffix(1);
        line = trimmed(line);
        if (line.empty() || line.starts_with('#')) return;
        if (std::string_view const unfit = unfit_text(line); !unfit.empty())
            return complain(number, {}, "the line " + std::string{unfit}, "UTF-8 text");
        if (line.starts_with("export ") || line.starts_with("export\t"))
            line = trimmed(line.substr(7));
        std::size_t const equals = line.find('=');
        if (equals == std::string_view::npos)
            return complain(number, {}, "the line has no =", std::string{line_form});
        std::string key{trimmed(line.substr(0, equals))};
        if (!is_key(key))
            return complain(number, {}, "the text before the = is no key",
                            "letters, digits and underscores, not beginning with a digit");
        unquoted value = read_value(line.substr(equals + 1));
        if (!value.wrong.empty())
            return complain(number, key, "the value " + std::string{value.wrong},
                            std::string{line_form});
        if (auto const [first, is_new] = lines_.emplace(key, number); !is_new)
            return complain(number, key,
                            "the key stands in line " + std::to_string(first->second) + " already",
                            "each key once");
        node scalar{value.was_quoted ? node::shape::quoted : node::shape::scalar,
                    number,
                    std::move(value.text),
                    {},
                    {}};
        into_.entries.push_back({std::move(key), number, std::move(scalar)});
    }

private:
    void complain(int number, std::string const& key, std::string message, std::string allowed) {
        into_.problems.push_back(
            {file_name_, number, key, {}, std::move(message), std::move(allowed), {}});
    }

    env_lines& into_;
    std::string const& file_name_;
    std::unordered_map<std::string, int> lines_;
};

} // namespace

env_lines read_env_file(std::string_view text, std::string const& file_name) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    env_lines lines;
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    line_reader reader{lines, file_name};
    int number = 1;
    for (std::size_t at = 0; at < text.size(); ++number) {
        std::size_t const end = std::min(text.find('\n', at), text.size());
        reader.read(text.substr(at, end - at), number);
        at = end + 1;
    }
    return lines;
}

} // namespace mcp_provider::server
