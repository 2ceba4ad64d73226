#include "config/load.hpp"

#include "config/assembly.hpp"
#include "config/env_file.hpp"
#include "config/nearest.hpp"
#include "config/private_file.hpp"
#include "config/security_file.hpp"
#include "config/setting.hpp"
#include "config/words.hpp"
#include "mcp_provider/audit/chain_files.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>

namespace mcp_provider::server {

namespace {

constexpr std::string_view usual_env_file = ".env";
constexpr std::string_view usual_security_file = "config/security.yaml";
constexpr std::string_view keys_of_compose =
    "COMPOSE_"; // docker compose reads its own from .env too

std::string_view what_failed(std::error_code const& failure) {
    if (failure == std::errc::file_too_large) return "is larger than 1 MiB";
    if (failure == std::errc::is_a_directory) return "is no regular file";
    return {};
}

/// The text of a configuration file; nothing where it is not there and need not be, or where it is
/// a problem.
std::optional<std::string>
read_configuration_file(std::optional<std::filesystem::path> const& named, std::string_view usual,
                        std::vector<problem>& problems) {
    std::filesystem::path const path = named.value_or(std::filesystem::path{usual});
    file_content content = read_whole_file(path, max_config_bytes);
    if (!content.failure) return std::move(content.text);
    if (content.failure == std::errc::no_such_file_or_directory && !named) return std::nullopt;
    std::string_view const known = what_failed(content.failure);
    problems.push_back({path.string(),
                        0,
                        {},
                        {},
                        known.empty() ? "cannot be read: " + content.failure.message()
                                      : "the file " + std::string{known},
                        "a readable file of at most 1 MiB",
                        {}});
    return std::nullopt;
}

/// The keys of a file, and the sections that they stand in.
std::vector<std::string_view> keys_of(home file) {
    std::vector<std::string_view> keys;
    for (setting const& one : settings_of(file)) {
        keys.push_back(one.key);
        for (std::size_t dot = 0; (dot = one.key.find('.', dot + 1)) != std::string_view::npos;)
            if (std::string_view const section = one.key.substr(0, dot);
                std::find(keys.begin(), keys.end(), section) == keys.end())
                keys.push_back(section);
    }
    return keys;
}

void complain_of_unknown(std::string const& file, int line, std::string const& key, home where,
                         std::vector<problem>& problems) {
    // The value stays unseen: behind a misspelt key may be a secret.
    problems.push_back({file,
                        line,
                        key,
                        {},
                        "the key is not known",
                        where == home::env ? "a key of docs/configuration.md"
                                           : "a key of docs/configuration.md, under security:",
                        std::string{nearest(key, keys_of(where))}});
}

void read_env(sources const& from, assembly& into, std::vector<problem>& problems) {
    std::string const name = from.env_file.value_or(std::filesystem::path{usual_env_file}).string();
    env_lines lines;
    if (auto const text = read_configuration_file(from.env_file, usual_env_file, problems))
        lines = read_env_file(*text, name);
    problems.insert(problems.end(), lines.problems.begin(), lines.problems.end());

    std::filesystem::path const folder = std::filesystem::path{name}.parent_path();
    for (member const& line : lines.entries) {
        setting const* const row = find_setting(home::env, line.key);
        if (line.key.starts_with(keys_of_compose)) continue;
        if (row == nullptr) {
            complain_of_unknown(name, line.line, line.key, home::env, problems);
            continue;
        }
        bool const outvoted =
            std::any_of(from.environment.begin(), from.environment.end(),
                        [&line](auto const& variable) { return variable.first == line.key; });
        if (!outvoted) into.assign(*row, line.value, {name, line.line, folder});
    }
    for (auto const& [key, value] : from.environment)
        if (setting const* const row = find_setting(home::env, key))
            into.assign(*row, node{node::shape::scalar, 0, value, {}, {}}, {"environment", 0, {}});
}

/// Walks the mappings of the file down to its keys.
class security_walk {
public:
    security_walk(std::string file, assembly& into, std::vector<problem>& problems)
        : file_{std::move(file)}, into_{into}, problems_{problems} {}

    void walk(node const& at, std::string const& path) {
        for (member const& one : at.members) {
            std::string const key = path.empty() ? one.key : path + "." + one.key;
            if (setting const* const row = find_setting(home::security, key)) {
                into_.assign(*row, one.value, {file_, one.line, {}});
            } else if (!is_section(key)) {
                complain_of_unknown(file_, one.line, key, home::security, problems_);
            } else if (one.value.is == node::shape::mapping) {
                walk(one.value, key);
            } else if (one.value.is != node::shape::nothing) {
                problems_.push_back({file_,
                                     one.line,
                                     key,
                                     one.value.text,
                                     "is not a mapping",
                                     "a mapping of keys",
                                     {}});
            }
        }
    }

private:
    static bool is_section(std::string const& path) {
        auto const rows = settings_of(home::security);
        return std::any_of(rows.begin(), rows.end(), [prefix = path + "."](setting const& row) {
            return row.key.starts_with(prefix);
        });
    }

    std::string file_;
    assembly& into_;
    std::vector<problem>& problems_;
};

void read_security(sources const& from, assembly& into, std::vector<problem>& problems) {
    auto const text = read_configuration_file(from.security_file, usual_security_file, problems);
    if (!text) return;
    std::string const name =
        from.security_file.value_or(std::filesystem::path{usual_security_file}).string();
    security_tree tree = read_security_file(*text, name);
    problems.insert(problems.end(), tree.problems.begin(), tree.problems.end());
    if (tree.root.is == node::shape::mapping)
        security_walk{name, into, problems}.walk(tree.root, {});
    else if (tree.root.is != node::shape::nothing)
        problems.push_back({name,
                            tree.root.line,
                            {},
                            {},
                            "the file is not a mapping",
                            "one mapping with the key security",
                            {}});
}

/// The problems of a file together, in the order of its lines; what has no line comes last.
void put_in_order(std::vector<problem>& problems) {
    std::vector<std::string> files;
    for (problem const& one : problems)
        if (std::find(files.begin(), files.end(), one.file) == files.end())
            files.push_back(one.file);
    std::stable_sort(
        problems.begin(), problems.end(), [&files](problem const& a, problem const& b) {
            auto const place = [&files](problem const& one) {
                return std::pair{std::find(files.begin(), files.end(), one.file),
                                 static_cast<unsigned>(one.line) - 1}; // 0 becomes the largest
            };
            return place(a) < place(b);
        });
}

config assemble(sources const& from, run_mode mode, std::vector<problem>& problems) {
    assembly made{problems};
    read_env(from, made, problems);
    read_security(from, made, problems);
    config finished = std::move(made).finish(from, mode);
    put_in_order(problems);
    return finished;
}

problem state_problem(std::filesystem::path const& path, std::string message) {
    return {path.string(),
            0,
            "STATE_DIR",
            {},
            std::move(message),
            "a folder of our own that we can write to",
            {}};
}

/// Makes a secret of 32 random bytes where there is none.
std::error_code make_secret(std::filesystem::path const& path) {
    std::string text = crypto::base64url_encode(crypto::as_text(crypto::random_bytes<32>())) + "\n";
    std::error_code const failure = create_private_file(path, text);
    wipe(text.data(), text.size());
    return failure == std::errc::file_exists ? std::error_code{} : failure;
}

} // namespace

std::vector<std::pair<std::string, std::string>> process_environment() {
    std::vector<std::pair<std::string, std::string>> variables;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        std::string_view const one = *at;
        std::size_t const equals = one.find('=');
        if (equals == std::string_view::npos) continue;
        variables.emplace_back(one.substr(0, equals), one.substr(equals + 1));
    }
    return variables;
}

loaded load(sources const& from, run_mode mode) {
    std::vector<problem> problems;
    config made = assemble(from, mode, problems);
    if (!problems.empty()) return {nullptr, std::move(problems)};
    return {std::make_shared<config const>(std::move(made)), {}};
}

loaded load_only(sources const& from, std::initializer_list<std::string_view> needed) {
    std::vector<problem> problems;
    config made = assemble(from, run_mode::serve, problems);
    auto const is_needed = [needed](std::string const& key) {
        return std::find(needed.begin(), needed.end(), key) != needed.end();
    };
    // A misspelt key counts as the one that was meant.
    std::erase_if(problems, [&](problem const& one) {
        return !one.key.empty() && !is_needed(one.key) && !is_needed(one.nearest);
    });
    if (!problems.empty()) return {nullptr, std::move(problems)};
    return {std::make_shared<config const>(std::move(made)), {}};
}

loaded make_own_secrets(sources const& from, run_mode mode) {
    loaded first = load(from, mode);
    if (!first.settings) return first;
    config const& settings = *first.settings;
    std::filesystem::path const& folder = settings.state_directory;
    if (auto const failure = make_private_directory(folder))
        return {nullptr, {state_problem(folder, "cannot be made: " + failure.message())}};
    if (settings.audit.enabled) {
        try {
            audit::chain_key key = audit::read_or_make_key(settings.audit.key_file.string());
            wipe(key.data(), key.size());
        } catch (std::exception const& failure) {
            return {nullptr, {state_problem(settings.audit.key_file, failure.what())}};
        }
    }
    if (!settings.bridge.token.empty()) return first;
    if (auto const failure = make_secret(settings.bridge_token_file()))
        return {
            nullptr,
            {state_problem(settings.bridge_token_file(), "cannot be made: " + failure.message())}};
    return load(from, mode);
}

std::vector<std::string> restart_needed(config const& running, config const& wanted) {
    std::vector<std::string> keys;
    for (home const file : {home::env, home::security})
        for (setting const& row : settings_of(file))
            if (!row.reloadable && !row.same(running, wanted)) keys.emplace_back(row.key);
    return keys;
}

} // namespace mcp_provider::server
