// A command line as a person writes it, without a shell; and where its program is.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::net {

/// Splits a command line at blanks. Within '…' all is literal; within "…" a backslash escapes `"` and `\`; elsewhere a
/// backslash escapes anything. No variable, no pattern and no operator of a shell has a meaning: they are text.
/// *Errors*: nothing, where a quote is not closed, a backslash is the last character, or there is a NUL.
[[nodiscard]] inline std::optional<std::vector<std::string>>
split_command_line(std::string_view text) {
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    for (std::size_t i = 0; i != text.size(); ++i) {
        char const c = text[i];
        if (c == 0) return std::nullopt;
        if (quote != '\'' && c == '\\') {
            if (i + 1 == text.size()) return std::nullopt;
            char const next = text[i + 1];
            in_word = true;
            if (quote == 0 || next == '"' || next == '\\') {
                word += next;
                ++i;
            } else {
                word += c;
            }
        } else if (quote != 0) {
            if (c == quote)
                quote = 0;
            else
                word += c;
        } else if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            if (std::exchange(in_word, false)) words.push_back(std::exchange(word, {}));
        } else {
            word += c;
            in_word = true;
        }
    }
    if (quote != 0) return std::nullopt;
    if (in_word) words.push_back(std::move(word));
    return words;
}

/// The file that a command means: itself where it has a slash, else the first program of that name in the folders of
/// `path` (`a:b`), which must be absolute: the working directory is never searched. Empty where there is none.
[[nodiscard]] inline std::string find_program(std::string_view command, std::string_view path) {
    auto const is_program = [](std::string const& file) {
        struct stat found {};
        return ::stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode) &&
               ::access(file.c_str(), X_OK) == 0;
    };
    if (command.empty()) return {};
    if (command.find('/') != std::string_view::npos) {
        std::string file{command};
        return is_program(file) ? file : std::string{};
    }
    while (!path.empty()) {
        std::size_t const end = path.find(':');
        std::string_view const folder = path.substr(0, end);
        path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
        if (folder.empty() || folder.front() != '/') continue;
        std::string file{folder};
        file += '/';
        file += command;
        if (is_program(file)) return file;
    }
    return {};
}

} // namespace mcp_provider::net
