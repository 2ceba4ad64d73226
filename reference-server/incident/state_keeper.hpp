// Keeps the state file like the tables: what was blocked, suspended or revoked stays so over a restart.
#pragma once

#include "incident/state_file.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

namespace mcp_provider::server {

/// Finds the identity behind the id of a principal; null where there is none any more.
using identity_finder = std::function<std::shared_ptr<identity const>(std::string_view id)>;

/// Blocks, suspensions and revocations are on disk within a second of being made, counts of requests within ten. The
/// file is replaced as a whole, so that a kill at any point leaves the old state or the new one.
/// *Thread safety*: safe. *Lifetime*: the tables must outlive it.
class state_keeper {
public:
    state_keeper(std::filesystem::path file, block_table& blocks, session_store<>& sessions)
        : file_{std::move(file)}, blocks_{blocks}, sessions_{sessions} {}
    state_keeper(state_keeper const&) = delete;
    state_keeper& operator=(state_keeper const&) = delete;

    /// Fills the tables from the file; once, before they are used. *Errors*: `state_file_error`.
    void load(identity_finder const& find);

    /// Writes what has changed, if it is time. *Errors*: those of writing; it is tried again at the next call.
    [[nodiscard]] std::error_code save_if_due();
    /// Writes now: before somebody is told that it is done.
    [[nodiscard]] std::error_code save();

private:
    [[nodiscard]] saved_state gather() const;
    [[nodiscard]] std::error_code write(std::string text, std::string grave);

    std::filesystem::path const file_;
    block_table& blocks_;
    session_store<>& sessions_;
    std::mutex mutex_; // one writer; guards what follows
    std::string written_;
    std::string grave_written_; ///< the same without what may wait
    std::chrono::steady_clock::time_point written_at_{};
};

} // namespace mcp_provider::server
