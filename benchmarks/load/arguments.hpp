// The command lines of the programs that make load: `--name value` pairs, repeated where there are several.
#pragma once

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace load {

/// *Errors*: throws `std::invalid_argument` for what is missing or no number.
class arguments {
public:
    arguments(int count, char** words) {
        for (int i = 1; i < count; i += 2) {
            std::string_view const name = words[i];
            if (name == "--") {
                command_.assign(words + i + 1, words + count);
                return;
            }
            if (!name.starts_with("--") || i + 1 == count)
                throw std::invalid_argument{"expected --name value, not " + std::string{name}};
            pairs_.emplace_back(name.substr(2), words[i + 1]);
        }
    }

    [[nodiscard]] std::vector<std::string> all(std::string_view name) const {
        std::vector<std::string> out;
        for (auto const& [key, value] : pairs_)
            if (key == name) out.push_back(value);
        return out;
    }
    [[nodiscard]] std::string text(std::string_view name) const {
        auto const given = all(name);
        if (given.empty()) throw std::invalid_argument{"--" + std::string{name} + " is missing"};
        return given.back();
    }
    [[nodiscard]] std::int64_t number(std::string_view name) const { return to_number(text(name)); }
    [[nodiscard]] std::uint16_t port(std::string_view name) const {
        return static_cast<std::uint16_t>(number(name));
    }
    void set(std::string name, std::string value) {
        pairs_.emplace_back(std::move(name), std::move(value));
    }
    /// What stands behind `--`, ready for `execv`.
    [[nodiscard]] std::vector<char*> const& command() const noexcept { return command_; }

    [[nodiscard]] static std::int64_t to_number(std::string const& text) {
        std::int64_t out = 0;
        auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
        if (error != std::errc{} || end != text.data() + text.size())
            throw std::invalid_argument{text + " is not a number"};
        return out;
    }

private:
    std::vector<std::pair<std::string, std::string>> pairs_;
    std::vector<char*> command_;
};

} // namespace load
