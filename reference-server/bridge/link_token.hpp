// The token that adapter and bridge share, followed through its rotation.
#pragma once

#include "config/config.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::bridge {

/// The token as it is now: where it stands in a file, that is read again. *Thread safety*: shared objects unsafe.
class link_token {
public:
    explicit link_token(config const& from);

    /// Looks at the file; says whether the token is another one than before. One that cannot be read or is too weak is
    /// told in the log, once, and the old one stays.
    bool reload();
    [[nodiscard]] std::string_view reveal() const noexcept { return now_.reveal(); }

private:
    std::filesystem::path path_; ///< empty where the token stands in the configuration itself
    secret now_;
    std::string complaint_; ///< what was told last
};

/// What the bridge looks link tokens up in. After a rotation the old token is good for a grace time, so that adapters
/// can change over without failing a request. *Thread safety*: safe.
class link_keys {
public:
    static constexpr std::chrono::minutes grace{10};

    explicit link_keys(
        config const& from,
        std::function<steady_time()> clock = [] { return real_clock{}.steady(); });
    link_keys(link_keys const&) = delete;
    link_keys& operator=(link_keys const&) = delete;

    /// The identity behind a token, or null. One that is not known may have just been made: then the file is read again.
    [[nodiscard]] std::shared_ptr<identity const> find(std::string_view token);
    /// Whether a link that was opened with that identity may go on.
    [[nodiscard]] bool still_accepts(std::string_view id);
    /// Looks at the file. Call it every second.
    void reload();

private:
    struct key {
        crypto::digest digest;
        std::shared_ptr<identity const> who;
        std::optional<steady_time> until; ///< of a token that was replaced
    };

    void add_current();
    void reload_locked();
    [[nodiscard]] std::shared_ptr<identity const> find_locked(crypto::digest const& digest) const;

    std::function<steady_time()> clock_;
    std::mutex mutex_; // guards all below
    link_token token_;
    std::vector<key> keys_; ///< the token in force is the last one
    steady_time looked_{};
};

} // namespace mcp_provider::server::bridge
