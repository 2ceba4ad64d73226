#include "keys/key_store.hpp"
#include "mcp_provider/audit/chain_files.hpp"
#include "mcp_provider/audit/verify.hpp"
#include "mcp_provider/core/secret.hpp"
#include "ops/health.hpp"
#include "scan/checks.hpp"
#include "scan/rules.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

namespace mcp_provider::server::scan {

namespace {

namespace fs = std::filesystem;

/// The mode of a file as `ls` would say it, in octal.
std::string mode_text(mode_t mode) {
    std::string text = "0000";
    for (std::size_t i = 4; i-- != 0; mode >>= 3U) text[i] = static_cast<char>('0' + (mode & 7U));
    return text;
}

/// What is wrong with who may use a file; empty where nothing is. `forbidden` are mode bits.
std::string exposed(fs::path const& path, mode_t forbidden) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (S_ISLNK(status.st_mode) && ::stat(path.c_str(), &status) != 0) return {};
    mode_t const mode = status.st_mode & 07777U;
    if ((mode & forbidden) != 0) return "its mode is " + mode_text(mode);
    if (status.st_uid != ::geteuid() && status.st_uid != 0)
        return "it belongs to uid " + std::to_string(status.st_uid);
    return {};
}

constexpr mode_t for_others = 077;
constexpr mode_t writable_by_others = 022;

void check_state(report& into, config const& settings) {
    if (std::string const wrong = exposed(settings.state_directory, for_others); !wrong.empty())
        into.add(rules::state_folder, settings.state_directory.string(), wrong);
    constexpr std::array<std::string_view, 9> names{
        "keys.json",         "bridge.token",     "state.json",
        "bridge-state.json", "control.json",     "bridge-control.json",
        "state.lock",        "audit.key.sealed", "scan.json"};
    std::vector<fs::path> files{settings.audit.key_file, settings.audit.file,
                                settings.audit_head_file()};
    for (std::string_view const name : names) files.push_back(settings.state_directory / name);
    for (fs::path const& log : {settings.log.error_file, settings.log.access_file})
        if (!log.empty()) files.push_back(log);
    for (fs::path const& file : files)
        if (std::string const wrong = exposed(file, for_others); !wrong.empty())
            into.add(rules::secret_file, file.string(), wrong);
}

/// Whether a file of settings holds a secret in plain text: one that is not `file:PATH`.
bool holds_secret(fs::path const& path) {
    constexpr std::array<std::string_view, 4> secrets{
        "MCP_BRIDGE_TOKEN=", "AGENT_OPENAI_KEY=", "ALERT_WEBHOOK_KEY=", "AGENT_MCP_TOKEN="};
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) {
        std::size_t const begin = line.find_first_not_of(" \t");
        std::string_view text{line};
        text.remove_prefix(begin == std::string::npos ? line.size() : begin);
        if (text.starts_with("export ")) text.remove_prefix(7);
        for (std::string_view const name : secrets) {
            if (!text.starts_with(name)) continue;
            std::string_view value = text.substr(name.size());
            while (value.starts_with('"') || value.starts_with('\'')) value.remove_prefix(1);
            if (!value.empty() && !value.starts_with("file:")) return true;
        }
    }
    return false;
}

void check_configuration_files(report& into, sources const& from) {
    for (fs::path const& path :
         {from.env_file.value_or(".env"), from.security_file.value_or("config/security.yaml")}) {
        std::error_code ignored;
        if (!fs::is_regular_file(path, ignored)) continue;
        std::string wrong = exposed(path, writable_by_others);
        if (wrong.empty() && holds_secret(path)) {
            wrong = exposed(path, for_others);
            if (!wrong.empty()) wrong += ", and it holds a secret";
        }
        if (!wrong.empty()) into.add(rules::configuration_file, path.string(), wrong);
    }
}

/// The log and what rotation has made of it, but for what is compressed.
std::vector<fs::path> files_of_log(fs::path const& log) {
    std::vector<fs::path> files;
    std::error_code failure;
    std::string const name = log.filename().string();
    for (auto const& entry : fs::directory_iterator{log.parent_path(), failure}) {
        std::string const other = entry.path().filename().string();
        bool const belongs =
            other == name || other.starts_with(name + '.') || other.starts_with(name + '-');
        if (belongs && entry.is_regular_file(failure)) files.push_back(entry.path());
    }
    return files;
}

void check_audit(report& into, config const& settings) {
    if (!settings.audit.enabled) return;
    std::vector<std::string> plain;
    auto const oldest = fs::file_time_type::clock::now() - settings.audit.retention;
    for (fs::path const& file : files_of_log(settings.audit.file)) {
        std::error_code failure;
        if (file != settings.audit.file && fs::last_write_time(file, failure) < oldest && !failure)
            into.add(rules::audit_retention, file.string(),
                     "it is older than " + std::to_string(settings.audit.retention.count()) +
                         " days");
        constexpr std::array<std::string_view, 4> packed{".gz", ".xz", ".zst", ".bz2"};
        if (std::find(packed.begin(), packed.end(), file.extension().string()) == packed.end())
            plain.push_back(file.string());
    }
    if (plain.empty()) return into.skip("the audit chain: there is no log yet");
    try {
        auto const head = audit::head_file::read(settings.audit_head_file().string());
        audit::chain_key key = audit::read_key(settings.audit.key_file.string());
        audit::verification const found = audit::verify(key, std::move(plain), head);
        wipe(key.data(), key.size());
        if (!found.ok())
            into.add(rules::audit_chain, settings.audit.file.string(),
                     std::to_string(found.finding_count) +
                         " findings; the first: " + found.findings.front().text);
    } catch (std::exception const& failure) {
        into.add(rules::audit_chain, settings.audit.file.string(), failure.what());
    }
}

void check_keys(report& into, config const& settings, moment now) {
    try {
        for (key_record const& key : key_store{settings.keys_file()}.list()) {
            if (key.revoked || (key.expires && *key.expires <= now)) continue;
            std::string const where = key.id + " \"" + key.label + '"';
            if (key.may.has(scope::admin) && !key.expires)
                into.add(rules::endless_admin_key, where, "it has scope admin, and no end");
            if (now - key.created > std::chrono::days{365})
                into.add(rules::old_key, where, "it was made on " + to_text(key.created));
        }
    } catch (key_file_error const& failure) {
        into.add(rules::secret_file, settings.keys_file().string(), failure.what());
    }
}

} // namespace

void check_files(report& into, config const& settings, sources const& from, moment now) {
    check_state(into, settings);
    check_configuration_files(into, from);
    check_audit(into, settings);
    check_keys(into, settings, now);
    if (disk_health(settings.state_directory) != health::healthy)
        into.add(rules::little_room, settings.state_directory.string(), "its disk is nearly full");
}

} // namespace mcp_provider::server::scan
