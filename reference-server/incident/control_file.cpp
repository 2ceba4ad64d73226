#include "incident/control_file.hpp"

#include "config/private_file.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/write.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <thread>
#include <utility>

namespace mcp_provider::server {

namespace {

std::string prefix_of(run_mode mode) { return mode == run_mode::bridge ? "bridge-" : ""; }

/// A lock that the kernel ends with the process; -1 where somebody else has it. A command holds it for a moment only, so
/// `patience` is worth having.
int take_lock(std::filesystem::path const& path, std::chrono::milliseconds patience) {
    int const file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) throw std::runtime_error{path.string() + ": " + std::strerror(errno)};
    for (auto const until = std::chrono::steady_clock::now() + patience;;) {
        if (::flock(file, LOCK_EX | LOCK_NB) == 0) return file;
        if (std::chrono::steady_clock::now() >= until) break;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    ::close(file);
    return -1;
}

} // namespace

std::filesystem::path state_file_of(std::filesystem::path const& state_directory, run_mode mode) {
    return state_directory / (prefix_of(mode) + "state.json");
}

control_file::control_file(std::filesystem::path const& state_directory, run_mode mode)
    : path_{state_directory / (prefix_of(mode) + "control.json")},
      lock_{
          take_lock(state_directory / (prefix_of(mode) + "state.lock"), std::chrono::seconds{1})} {
    if (lock_ < 0)
        throw std::runtime_error{"another server uses STATE_DIR " + state_directory.string() +
                                 "; stop it, or give this one a STATE_DIR of its own"};
    std::string token{control_token_prefix};
    token += crypto::base64url_encode(crypto::as_text(crypto::random_bytes<32>()));
    digest_ = crypto::sha256(token);
    token_ = secret{std::move(token)};
}

control_file::~control_file() {
    ::unlink(path_.c_str());
    if (lock_ >= 0) ::close(lock_);
}

void control_file::announce(std::string const& url) {
    std::string text = R"({"version":1,"pid":)";
    json::append_number(text, ::getpid());
    text += ",\"url\":";
    json::append_quoted(text, url);
    text += ",\"token\":";
    json::append_quoted(text, token_.reveal());
    text += "}\n";
    std::error_code const failure = replace_private_file(path_, text);
    wipe(text.data(), text.size());
    token_.clear();
    if (failure)
        throw std::runtime_error{path_.string() + " cannot be written: " + failure.message()};
}

std::optional<control_entry> find_server(std::filesystem::path const& state_directory,
                                         run_mode mode) {
    file_content content =
        read_whole_file(state_directory / (prefix_of(mode) + "control.json"), 64 * 1024);
    if (content.failure || !unsafe_mode(content.status, ::geteuid()).empty()) return std::nullopt;
    auto const document = json::parse(content.text, {2, content.text.size()});
    wipe(content.text.data(), content.text.size());
    if (!document) return std::nullopt;
    json::reading pass{*document};
    json::reader const root = pass.root();
    control_entry out;
    static_cast<void>(root["version"].integer(1, 1));
    out.pid = static_cast<int>(root["pid"].integer(1, std::numeric_limits<int>::max()));
    out.url = root["url"].text();
    out.token = secret{std::string{root["token"].text()}};
    if (!pass.ok()) return std::nullopt;
    return out;
}

state_hold::state_hold(std::filesystem::path const& state_directory, run_mode mode)
    : lock_{take_lock(state_directory / (prefix_of(mode) + "state.lock"),
                      std::chrono::milliseconds{0})} {}

state_hold::~state_hold() {
    if (lock_ >= 0) ::close(lock_);
}

} // namespace mcp_provider::server
