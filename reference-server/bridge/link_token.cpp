#include "bridge/link_token.hpp"

#include "config/checks.hpp"
#include "config/private_file.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/constant_time.hpp"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstddef>
#include <utility>

namespace mcp_provider::server::bridge {

namespace {

constexpr std::size_t most_token_bytes = 64 * 1024;

/// The token in a file, or what is wrong with it.
struct read_token {
    secret token;
    std::string wrong;
};

read_token read(std::filesystem::path const& path) {
    read_token out;
    file_content content = read_whole_file(path, most_token_bytes);
    if (content.failure) {
        out.wrong = "cannot be read: " + content.failure.message();
        return out;
    }
    while (content.text.ends_with('\n') || content.text.ends_with('\r')) content.text.pop_back();
    out.wrong = unsafe_mode(content.status, ::geteuid());
    if (out.wrong.empty())
        if (auto const weak = checks::strong_token(content.text)) out.wrong = *weak;
    out.token = secret{std::move(content.text)};
    return out;
}

} // namespace

link_token::link_token(config const& from)
    : path_{from.bridge.token_file}, now_{std::string{from.bridge.token.reveal()}} {}

bool link_token::reload() {
    if (path_.empty()) return false;
    read_token found = read(path_);
    if (found.wrong != complaint_) {
        complaint_ = found.wrong;
        if (!found.wrong.empty())
            spdlog::error("the bridge token of before stays in force: {} {}", path_.string(),
                          found.wrong);
    }
    if (!found.wrong.empty() || found.token.reveal() == now_.reveal()) return false;
    now_ = std::move(found.token);
    return true;
}

link_keys::link_keys(config const& from, std::function<steady_time()> clock)
    : clock_{std::move(clock)}, token_{from} {
    add_current();
}

void link_keys::add_current() {
    key made;
    made.digest = crypto::sha256(token_.reveal());
    auto who = std::make_shared<identity>();
    who->id = "link_" + crypto::hex_encode(crypto::as_text(made.digest)).substr(0, 12);
    who->label = "adapter";
    who->known_by = identity::kind::key;
    who->may = scope::generate;
    made.who = std::move(who);
    keys_.push_back(std::move(made));
}

void link_keys::reload() {
    std::lock_guard const lock{mutex_};
    reload_locked();
}

void link_keys::reload_locked() {
    steady_time const now = clock_();
    looked_ = now;
    std::erase_if(keys_, [now](key const& one) { return one.until && *one.until <= now; });
    if (!token_.reload()) return;
    keys_.back().until = now + grace;
    add_current();
    spdlog::info("the bridge token was replaced; the old one is good for {} minutes more",
                 grace.count());
}

std::shared_ptr<identity const> link_keys::find(std::string_view token) {
    constexpr std::chrono::milliseconds pause{50}; // guessing must not become reading
    crypto::digest const digest = crypto::sha256(token);
    std::lock_guard const lock{mutex_};
    auto found = find_locked(digest);
    if (found || clock_() - looked_ < pause) return found;
    reload_locked();
    return find_locked(digest);
}

std::shared_ptr<identity const> link_keys::find_locked(crypto::digest const& digest) const {
    std::shared_ptr<identity const> found;
    for (key const& one : keys_)
        if (crypto::constant_time_equal(crypto::as_text(one.digest), crypto::as_text(digest)))
            found = one.who;
    return found;
}

bool link_keys::still_accepts(std::string_view id) {
    std::lock_guard const lock{mutex_};
    for (key const& one : keys_)
        if (one.who->id == id) return true;
    return false;
}

} // namespace mcp_provider::server::bridge
