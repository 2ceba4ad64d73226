#include "config/setting.hpp"

#include "config/words.hpp"

#include <vector>

namespace mcp_provider::server {

std::span<setting const> settings_of(home file) {
    static std::vector<setting> const env = env_settings();
    static std::vector<setting> const security = security_settings();
    return file == home::env ? env : security;
}

setting const* find_setting(home file, std::string_view key) {
    for (setting const& one : settings_of(file))
        if (one.key == key) return &one;
    return nullptr;
}

std::string allowed_text(setting const& row) {
    switch (row.kind) {
    case value_kind::boolean: return "true or false";
    case value_kind::integer:
        return "a whole number from " + std::to_string(row.least) + " to " +
               std::to_string(row.most);
    case value_kind::choice: {
        std::vector<std::string> words{row.choices.begin(), row.choices.end()};
        return "one of " + join(words, ", ");
    }
    case value_kind::text:
    case value_kind::secret_text:
    case value_kind::path:
    case value_kind::list:
    case value_kind::rules: break;
    }
    return std::string{row.allowed};
}

std::string default_text(setting const& row) {
    if (!row.default_note.empty()) return std::string{row.default_note};
    std::string const value = row.show(config{});
    return value.empty() ? value : "`" + value + "`";
}

} // namespace mcp_provider::server
