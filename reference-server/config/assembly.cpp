#include "config/assembly.hpp"

#include "config/checks.hpp"
#include "config/env_file.hpp"
#include "config/local_users.hpp"
#include "config/private_file.hpp"
#include "config/words.hpp"
#include "mcp_provider/audit/chain_files.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::string_view file_prefix = "file:";
constexpr std::size_t max_secret_bytes = 64 * 1024;
constexpr std::string_view token_advice =
    "at least 128 bits: run `mcp-local-provider token rotate bridge` and leave the key out, "
    "or set it to the output of `openssl rand -base64 32`";

/// The value as a problem may show it: no secret, no password in a URL, no endless text.
std::string shown(setting const& row, node const& value) {
    constexpr std::size_t longest = 200;
    if (row.is_secret) return value.text.empty() ? std::string{} : std::string{masked};
    std::string text = value.text;
    if (value.is == node::shape::list) {
        std::vector<std::string> items;
        for (node const& item : value.items) items.push_back(item.text);
        text = join(items, ", ");
    }
    std::size_t const at = text.rfind('@');
    std::size_t const start = text.find("://");
    if (at != std::string::npos && start != std::string::npos && start + 3 <= at)
        text.replace(start + 3, at - start - 3, masked);
    if (value.is == node::shape::quoted && row.where == home::security) text = '"' + text + '"';
    if (text.size() > longest) text = text.substr(0, longest) + "...";
    return text;
}

std::string without_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

std::optional<std::string> variable(sources const& from, std::string_view name) {
    for (auto const& [key, value] : from.environment)
        if (key == name && !value.empty()) return value;
    return std::nullopt;
}

std::optional<std::filesystem::path> home_directory(sources const& from) {
    if (auto const home = variable(from, "HOME"); home && home->starts_with('/')) return *home;
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16 * 1024);
    if (getpwuid_r(geteuid(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
        return std::nullopt;
    return std::filesystem::path{entry.pw_dir};
}

} // namespace

void assembly::complain(std::string_view key, std::string value, std::string message,
                        std::string allowed) {
    auto const found = given_.find(key);
    origin_of_value const where = found == given_.end() ? origin_of_value{} : found->second;
    problems_.push_back({where.file,
                         where.line,
                         std::string{key},
                         std::move(value),
                         std::move(message),
                         std::move(allowed),
                         {}});
}

bool assembly::has_problem(std::string_view key) const {
    return std::any_of(problems_.begin(), problems_.end(),
                       [key](problem const& one) { return one.key == key; });
}

bool assembly::read_secret_file(setting const& row, node& value, origin_of_value const& where) {
    std::filesystem::path path = value.text.substr(file_prefix.size());
    if (path.is_relative()) path = where.folder / path;
    file_content content = read_whole_file(path, max_secret_bytes);
    std::string wrong;
    if (content.failure == std::errc::file_too_large)
        wrong = "is larger than 64 KiB";
    else if (content.failure == std::errc::is_a_directory)
        wrong = "is no regular file";
    else if (content.failure)
        wrong = "cannot be read: " + content.failure.message();
    else
        wrong = unsafe_mode(content.status, geteuid());
    if (!wrong.empty()) {
        complain(row.key, value.text, "the file " + path.string() + " " + wrong,
                 "a readable file of at most 64 KiB with mode 0600");
        return false;
    }
    value.text = without_newline(std::move(content.text));
    if (row.key == "MCP_BRIDGE_TOKEN") made_.bridge.token_file = std::filesystem::absolute(path);
    return true;
}

void assembly::assign(setting const& row, node const& value, origin_of_value const& where) {
    given_[row.key] = where;
    node read = value;
    if (std::string_view const unfit = unfit_text(value.text); !unfit.empty())
        return complain(row.key, {}, "the value " + std::string{unfit}, allowed_text(row));
    if (row.is_secret && value.text.starts_with(file_prefix) && !read_secret_file(row, read, where))
        return;
    if (auto const wrong = row.assign(row, read, made_))
        complain(row.key, shown(row, value), *wrong,
                 row.key == "MCP_BRIDGE_TOKEN" ? std::string{token_advice} : allowed_text(row));
    if (row.is_secret) wipe(read.text.data(), read.text.size());
}

config assembly::finish(sources const& from, run_mode mode) && {
    find_state_directory(from);
    check_state_directory();
    read_bridge_token();
    find_local_users(mode);
    settle_audit(mode);
    check_bridge_token(mode);
    check_agent();
    check_ports(mode);
    return std::move(made_);
}

void assembly::find_state_directory(sources const& from) {
    if (is_given("STATE_DIR")) return;
    if (auto const of_service = variable(from, "STATE_DIRECTORY")) {
        made_.state_directory =
            of_service->substr(0, of_service->find(':')); // systemd separates several by colons
        return;
    }
    constexpr std::string_view folder = "mcp-local-provider";
    // A relative XDG_STATE_HOME is invalid and to be ignored (XDG Base Directory Specification).
    if (auto const state = variable(from, "XDG_STATE_HOME"); state && state->starts_with('/')) {
        made_.state_directory = std::filesystem::path{*state} / folder;
        return;
    }
    if (auto const home = home_directory(from)) {
        made_.state_directory = *home / ".local/state" / folder;
        return;
    }
    complain("STATE_DIR", {}, "is not set, and this user has no home", "an absolute path");
}

void assembly::check_state_directory() {
    if (made_.state_directory.empty()) return;
    struct stat status {};
    if (::stat(made_.state_directory.c_str(), &status) != 0) return; // it will be made
    std::string const path = made_.state_directory.string();
    if (!S_ISDIR(status.st_mode))
        complain("STATE_DIR", path, "is not a folder", "a folder");
    else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        complain("STATE_DIR", path, "can be changed by other users; run chmod 700",
                 "a folder of our own");
}

void assembly::read_bridge_token() {
    constexpr std::string_view key = "MCP_BRIDGE_TOKEN";
    made_.bridge.token_is_configured = is_given(key);
    if (is_given(key) || made_.state_directory.empty()) return;
    setting const& row = *find_setting(home::env, key);
    std::filesystem::path const path = made_.bridge_token_file();
    made_.bridge.token_file = path;
    file_content content = read_whole_file(path, max_secret_bytes);
    if (content.failure == std::errc::no_such_file_or_directory) return;
    std::string wrong;
    if (content.failure)
        wrong = "cannot be read: " + content.failure.message();
    else
        wrong = unsafe_mode(content.status, geteuid());
    std::string text = without_newline(std::move(content.text));
    if (wrong.empty())
        if (auto const weak = row.check(text)) wrong = *weak;
    if (wrong.empty())
        made_.bridge.token = secret{std::move(text)};
    else
        problems_.push_back(
            {path.string(), 0, std::string{key}, {}, std::move(wrong), allowed_text(row), {}});
}

void assembly::find_local_users(run_mode mode) {
    if (is_given("LOCAL_USERS") && made_.access.local_users_text.empty()) return; // refused already
    std::string const& text = made_.access.local_users_text;
    made_.access.local_users =
        read_local_users(text.empty() ? (mode == run_mode::serve ? "self" : "none") : text).ids;
}

void assembly::settle_audit(run_mode mode) {
    // A chain has one writer: adapter and bridge that run apart in one STATE_DIR keep one each.
    if (made_.audit.file.empty())
        made_.audit.file = made_.state_directory /
                           (mode == run_mode::bridge ? "bridge-audit.jsonl" : "audit.jsonl");
    if (made_.audit.key_file.empty()) made_.audit.key_file = made_.state_directory / "audit.key";
    if (made_.audit.enabled && ::access(made_.audit.key_file.c_str(), F_OK) == 0) {
        try {
            audit::chain_key key = audit::read_key(made_.audit.key_file.string());
            wipe(key.data(), key.size());
        } catch (std::exception const& failure) {
            complain("AUDIT_KEY_FILE", made_.audit.key_file.string(), failure.what(),
                     "a key of ours, mode 0600");
        }
    }
    if (made_.content.profile != content_profile::strict) return;
    if (!is_given("AUDIT_MODE")) made_.audit.mode = audit_mode::durable;
    if (!is_given("AUDIT_ON_FAILURE")) made_.audit.on_failure = audit_failure::closed;
}

void assembly::check_bridge_token(run_mode mode) {
    bool const told_already = is_given("MCP_BRIDGE_TOKEN") || made_.state_directory.empty();
    if (mode == run_mode::serve || told_already || !made_.bridge.token.empty()) return;
    if (has_problem("MCP_BRIDGE_TOKEN")) return;
    complain("MCP_BRIDGE_TOKEN", {},
             "is not set, and " + made_.bridge_token_file().string() + " is not there",
             std::string{token_advice});
}

void assembly::check_mcp_tool() {
    agent_settings const& agent = made_.agent;
    bool const has_command = !agent.mcp_command.empty() || has_problem("AGENT_MCP_COMMAND");
    bool const has_url = !agent.mcp_url.empty() || has_problem("AGENT_MCP_URL");
    if (!has_command && !has_url)
        complain("AGENT_MCP_COMMAND", {},
                 "is not set, nor is AGENT_MCP_URL; AGENT=mcp-tool needs one",
                 allowed_text(*find_setting(home::env, "AGENT_MCP_COMMAND")));
    if (has_command && has_url)
        complain("AGENT_MCP_URL", agent.mcp_url, "is set beside AGENT_MCP_COMMAND",
                 "one of the two");
    if (agent.mcp_tool.empty() && !has_problem("AGENT_MCP_TOOL"))
        complain("AGENT_MCP_TOOL", {}, "is not set, but AGENT=mcp-tool needs it",
                 allowed_text(*find_setting(home::env, "AGENT_MCP_TOOL")));
}

void assembly::check_agent() {
    agent_settings const& agent = made_.agent;
    if (agent.kind == agent_kind::acp && agent.command.empty() && !has_problem("AGENT_COMMAND"))
        complain("AGENT_COMMAND", {}, "is not set, but AGENT=acp needs it",
                 allowed_text(*find_setting(home::env, "AGENT_COMMAND")));
    if (agent.kind == agent_kind::mcp_tool) check_mcp_tool();
    if (agent.kind == agent_kind::openai && agent.openai_url.empty() &&
        !has_problem("AGENT_OPENAI_URL"))
        complain("AGENT_OPENAI_URL", {}, "is not set, but AGENT=openai needs it",
                 allowed_text(*find_setting(home::env, "AGENT_OPENAI_URL")));
    if (!agent.openai_ca_file.empty() && ::access(agent.openai_ca_file.c_str(), R_OK) != 0)
        complain("AGENT_OPENAI_CA_FILE", agent.openai_ca_file.string(), "cannot be read",
                 "a readable PEM file");
}

void assembly::check_ports(run_mode mode) {
    listen_settings const& adapter = made_.adapter.listen;
    listen_settings const& bridge = made_.bridge.listen;
    if (mode == run_mode::serve && adapter.port == bridge.port && adapter.port != 0)
        complain("BRIDGE_PORT", std::to_string(bridge.port), "is the port of the adapter too",
                 "another port, or 0");
}

} // namespace mcp_provider::server
