// What callers are told of sessions that will not have them.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/session/session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>

namespace mcp_provider::detail {

[[nodiscard]] inline std::chrono::seconds whole_seconds_until(steady_time then,
                                                              steady_time now) noexcept {
    return std::max(std::chrono::seconds{1}, std::chrono::ceil<std::chrono::seconds>(then - now));
}

[[nodiscard]] inline std::string readable(system_time time) {
    std::time_t const seconds =
        std::chrono::system_clock::to_time_t(std::chrono::ceil<std::chrono::seconds>(time));
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text;
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// Precondition: the session is not active.
[[nodiscard]] inline rejection refuse_state(session_entry const& one, steady_time now) {
    if (one.state(now) == session_state::revoked)
        return rejection{rejection_code::unauthenticated, "this session was revoked"}
            .because("session_revoked")
            .as_security_event("session_revoked");
    steady_time const end = one.suspended_until_.load(std::memory_order_relaxed);
    return rejection{rejection_code::forbidden,
                     "this session is suspended until " + readable(one.at(end))}
        .because("session_suspended")
        .come_again_in(whole_seconds_until(end, now))
        .as_security_event("session_suspended");
}

[[nodiscard]] inline rejection refuse_exhausted(session_entry const& one, steady_time now) {
    return rejection{rejection_code::rate_limited,
                     "this session has used its " + std::to_string(one.max_requests_) +
                         " requests; a new one begins when nothing was asked for " +
                         std::to_string(one.ttl_.count()) + " s"}
        .because("session_exhausted")
        .come_again_in(whole_seconds_until(one.expires(), now));
}

[[nodiscard]] inline rejection refuse_unknown_token() {
    return rejection{rejection_code::unauthenticated,
                     "the session token is not known, or its session is over"}
        .because("invalid_session_token");
}

/// `next` is when the next session ends at the earliest.
[[nodiscard]] inline rejection refuse_full(std::size_t sessions, std::chrono::seconds ttl,
                                           steady_time next, steady_time now) {
    return rejection{rejection_code::overloaded,
                     "all " + std::to_string(sessions) +
                         " sessions are in use; one ends when it was idle for " +
                         std::to_string(ttl.count()) + " s"}
        .because("too_many_sessions")
        .come_again_in(whole_seconds_until(std::min(next, now + ttl), now));
}

} // namespace mcp_provider::detail
