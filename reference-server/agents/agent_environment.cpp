#include "agents/agent_environment.hpp"

#include "mcp_provider/json/write.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace mcp_provider::server::agents {

namespace {

// What programs need to find themselves, their files, the network and their language.
constexpr std::array<std::string_view, 29> names{"HOME",
                                                 "PATH",
                                                 "USER",
                                                 "LOGNAME",
                                                 "SHELL",
                                                 "LANG",
                                                 "LANGUAGE",
                                                 "TERM",
                                                 "TZ",
                                                 "TMPDIR",
                                                 "HTTP_PROXY",
                                                 "HTTPS_PROXY",
                                                 "NO_PROXY",
                                                 "ALL_PROXY",
                                                 "http_proxy",
                                                 "https_proxy",
                                                 "no_proxy",
                                                 "all_proxy",
                                                 "SSL_CERT_FILE",
                                                 "SSL_CERT_DIR",
                                                 "NODE_EXTRA_CA_CERTS",
                                                 "NVM_DIR",
                                                 "COLORTERM",
                                                 "NO_COLOR",
                                                 "DBUS_SESSION_BUS_ADDRESS",
                                                 "USERNAME",
                                                 "HOSTNAME",
                                                 "PNPM_HOME",
                                                 "BUN_INSTALL"};

// What the agents themselves are configured with. Credentials of other services, such as AWS_* or GITHUB_TOKEN, an agent
// gets only where the operator names them.
constexpr std::array<std::string_view, 12> beginnings{
    "LC_",     "XDG_",   "CURSOR_", "OPENCODE_", "COPILOT_",   "GEMINI_",
    "GOOGLE_", "CODEX_", "OPENAI_", "CLAUDE_",   "ANTHROPIC_", "OPENROUTER_"};

std::string_view name_of(std::string_view variable) noexcept {
    return variable.substr(0, variable.find('='));
}

bool is_passed_on(std::string_view name, std::vector<std::string> const& more) {
    return std::find(names.begin(), names.end(), name) != names.end() ||
           std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view one) { return name.starts_with(one); }) ||
           std::find(more.begin(), more.end(), name) != more.end();
}

bool is_secret(std::string_view name) noexcept {
    for (std::string_view const part :
         {"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH"})
        if (name.find(part) != std::string_view::npos) return true;
    return false;
}

} // namespace

std::vector<std::string> agent_environment(char const* const* ours,
                                           std::vector<std::string> const& more) {
    std::vector<std::string> passed;
    for (; ours != nullptr && *ours != nullptr; ++ours) {
        std::string_view const variable{*ours};
        if (variable.find('=') != std::string_view::npos && is_passed_on(name_of(variable), more))
            passed.emplace_back(variable);
    }
    return passed;
}

void set_default(std::vector<std::string>& environment, std::string_view name,
                 std::string_view value) {
    for (std::string const& one : environment)
        if (name_of(one) == name) return;
    environment.push_back(std::string{name} + '=' + std::string{value});
}

std::string without_secrets(std::string_view text, std::vector<std::string> const& environment,
                            std::size_t most) {
    constexpr std::size_t shortest_secret = 6; // shorter ones would blank out half of the text
    std::string clean{text};
    for (std::string const& variable : environment) {
        std::string_view const name = name_of(variable);
        std::string_view const value = std::string_view{variable}.substr(name.size() + 1);
        if (value.size() < shortest_secret || !is_secret(name)) continue;
        for (std::size_t at = 0; (at = clean.find(value, at)) != std::string::npos;)
            clean.replace(at, value.size(), "***");
    }
    for (char& c : clean)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    if (clean.size() > most) {
        std::size_t begin = clean.size() - most;
        while (begin != clean.size() && (static_cast<unsigned char>(clean[begin]) & 0xC0U) == 0x80U)
            ++begin;
        clean.erase(0, begin);
    }
    return clean;
}

} // namespace mcp_provider::server::agents
