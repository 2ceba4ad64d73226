// How the operator's commands find a running server and prove who they are: a file in STATE_DIR that only its owner reads.
#pragma once

#include "config/config.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::server {

/// What a control token begins with.
inline constexpr std::string_view control_token_prefix = "mlpc_";

/// Where a running server is. The token is made anew at each start and dies with the process.
struct control_entry {
    int pid = 0;
    std::string url; ///< of the part that commands talk to, `http://127.0.0.1:11434`
    secret token;
};

/// The server's side: holds STATE_DIR for one server of a kind, and announces it. Removes the file when it goes.
/// *Errors*: throws std::runtime_error where another server holds STATE_DIR, or it cannot be written.
class control_file {
public:
    control_file(std::filesystem::path const& state_directory, run_mode mode);
    ~control_file();
    control_file(control_file const&) = delete;
    control_file& operator=(control_file const&) = delete;

    [[nodiscard]] crypto::digest const& token_digest() const noexcept { return digest_; }
    /// Writes the file, once the server listens.
    void announce(std::string const& url);

private:
    std::filesystem::path path_;
    int lock_ = -1;
    secret token_;
    crypto::digest digest_{};
};

/// The commands' side: what a server of that kind has announced; nothing where there is none. A file that a killed
/// server left behind leads to a port that does not answer, or to a server that does not know the token.
[[nodiscard]] std::optional<control_entry> find_server(std::filesystem::path const& state_directory,
                                                       run_mode mode);

/// Holds STATE_DIR while no server does, to change its state from a command. Not held: a server runs.
class state_hold {
public:
    state_hold(std::filesystem::path const& state_directory, run_mode mode);
    ~state_hold();
    state_hold(state_hold const&) = delete;
    state_hold& operator=(state_hold const&) = delete;

    [[nodiscard]] bool is_held() const noexcept { return lock_ >= 0; }

private:
    int lock_;
};

/// `STATE_DIR/state.json`, and `bridge-state.json` of a bridge that runs apart.
[[nodiscard]] std::filesystem::path state_file_of(std::filesystem::path const& state_directory,
                                                  run_mode mode);

} // namespace mcp_provider::server
