// What an installation remembers over a restart: blocks and sessions, in STATE_DIR/state.json.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/session/session_record.hpp"

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

inline constexpr std::size_t max_state_file_bytes = 64 * 1024 * 1024;

/// A state file that cannot be used. It says which, why, and what to do.
class state_file_error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A block as data.
struct saved_block {
    std::string who; ///< an address, `uid:N` or the id of a key
    system_time until;
    block_reason why = block_reason::by_operator;
};

struct saved_state {
    std::vector<saved_block> blocks;
    std::vector<session_record> sessions;
};

/// The text of a state file. Times are microseconds since 1970, so that reading gives back what was written.
[[nodiscard]] std::string write_state(saved_state const& state);

/// *Errors*: `state_file_error` for all that `write_state` would not have written. Nothing is skipped: what is not
/// understood may be somebody's block.
[[nodiscard]] saved_state read_state(std::string_view text, std::string const& file_name);

/// Reads a state file; none means that nothing is remembered. *Errors*: as `read_state`, and for a file that other users
/// may change or read.
[[nodiscard]] saved_state read_state_file(std::filesystem::path const& path);

} // namespace mcp_provider::server
