// A session as data: what an operator sees of it, and what survives a restart.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/session/session.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mcp_provider {

/// One session at one moment. Its tokens are there as SHA-256 only.
struct session_record {
    std::string id;
    std::string principal_id;
    bool is_explicit = false;
    session_state state = session_state::active;
    system_time created_at;
    system_time last_activity;
    system_time expires_at;
    std::optional<system_time> suspended_until;
    std::uint32_t request_count = 0;
    std::uint32_t max_requests = 0;
    /// Of an explicit session: the token in force, and while it is being replaced the one before.
    std::vector<crypto::digest> token_hashes;
};

namespace detail {

/// All but the hashes, which the entry does not know.
[[nodiscard]] inline session_record describe(session_entry const& one, steady_time now) {
    session_record out;
    out.id = one.id_;
    out.principal_id = one.owner_.id();
    out.is_explicit = one.is_explicit_;
    out.state = one.state(now);
    out.created_at = one.created_at_;
    out.last_activity = one.at(one.last_activity_);
    out.expires_at = one.at(one.expires());
    if (out.state == session_state::suspended) out.suspended_until = one.at(one.suspended_until_);
    out.request_count = one.request_count_;
    out.max_requests = one.max_requests_;
    return out;
}

} // namespace detail

} // namespace mcp_provider
