// One row of the table of settings: all that is known of a key, and how its text becomes a member
// of `config`.
#pragma once

#include "config/config.hpp"
#include "config/document.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// Where a key lives. Keys of `env` are looked up in the process environment first.
enum class home : std::uint8_t { env, security };

enum class value_kind : std::uint8_t {
    boolean,
    integer,
    text,
    secret_text,
    path,
    choice,
    list,
    rules
};

/// What is wrong with a value, as a clause that follows it ("is greater than 65535"), or nothing.
using complaint = std::optional<std::string>;

/// A key and everything that is derived from it: parsing, the documentation page, the JSON Schemas.
struct setting {
    std::string_view key; ///< `ADAPTER_PORT`, or the dotted path in security.yaml
    home where = home::env;
    std::string_view section; ///< heading of the documentation page
    std::string_view doc;     ///< one sentence
    std::int64_t least = 0;   ///< of a whole number, inclusive
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::string_view allowed{}; ///< for texts, paths, lists: what is allowed, in words
    complaint (*check)(std::string_view) = nullptr; ///< of a text, a path, or each item of a list
    std::string_view default_note{}; ///< where the default is computed: what it is, in words
    bool reloadable = true;          ///< whether SIGHUP brings a new value into force
    bool is_secret = false;          ///< never shown; may be `file:PATH`
    bool never_empty = false; ///< of a text: whether an empty value is a mistake and not "off"

    value_kind kind = value_kind::text;
    std::span<std::string_view const> choices{};
    complaint (*assign)(setting const&, node const&, config&) = nullptr;
    std::string (*show)(config const&) = nullptr; ///< secrets masked; lists joined by commas
    bool (*same)(config const&, config const&) = nullptr;
};

/// The rows of each file, made anew; `settings_of` keeps them.
[[nodiscard]] std::vector<setting> env_settings();
[[nodiscard]] std::vector<setting> security_settings();

/// Every key of the file in the order of the documentation page.
[[nodiscard]] std::span<setting const> settings_of(home file);

/// The row of that key, or null.
[[nodiscard]] setting const* find_setting(home file, std::string_view key);

/// What a value of this key may be, in words: "a whole number from 0 to 65535".
[[nodiscard]] std::string allowed_text(setting const& row);

/// The default in words; empty where there is none.
[[nodiscard]] std::string default_text(setting const& row);

} // namespace mcp_provider::server
