// A session: what one caller may still do, and for how long.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/secret.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Whether a session may be used. One that is over is simply no longer there.
enum class session_state : std::uint8_t {
    active,
    suspended, ///< refused with 403 until a time that an operator or an incident has set
    revoked,   ///< refused with 401; its streams end
};

[[nodiscard]] constexpr std::string_view name_of(session_state state) noexcept {
    switch (state) {
    case session_state::active: return "active";
    case session_state::suspended: return "suspended";
    case session_state::revoked: return "revoked";
    }
    return "";
}

template <class Clock>
class session_store;

namespace detail {

/// What stands behind a session. The store changes it under the lock of its shard; readers need none.
class session_entry {
public:
    session_entry(std::string id, principal owner, bool is_explicit, std::chrono::seconds ttl,
                  std::uint32_t max_requests, steady_time now, system_time today)
        : id_{std::move(id)}, owner_{std::move(owner)}, is_explicit_{is_explicit}, ttl_{ttl},
          max_requests_{max_requests}, created_{now}, created_at_{today}, last_activity_{now},
          token_since_{now} {}

    std::string const id_;
    principal const owner_;
    bool const is_explicit_;
    std::chrono::seconds const ttl_;
    std::uint32_t const max_requests_;
    steady_time const created_;
    system_time const created_at_;
    std::atomic<steady_time> last_activity_;
    std::atomic<steady_time> token_since_; // of an explicit session: when its token was made
    std::atomic<steady_time> suspended_until_{steady_time::min()};
    std::atomic<std::uint32_t> request_count_{0};
    std::atomic<long> slots_{0}; // of the store's tables that hold it
    std::atomic<bool> revoked_{false};
    std::atomic<bool> holds_place_{true}; // is one of the live ones

    [[nodiscard]] steady_time expires() const noexcept {
        return last_activity_.load(std::memory_order_relaxed) + ttl_;
    }
    [[nodiscard]] session_state state(steady_time now) const noexcept {
        if (revoked_.load(std::memory_order_relaxed)) return session_state::revoked;
        return now < suspended_until_.load(std::memory_order_relaxed) ? session_state::suspended
                                                                      : session_state::active;
    }
    /// A monotonic time as wall-clock time, as of the making of the session.
    [[nodiscard]] system_time at(steady_time time) const noexcept {
        return created_at_ + std::chrono::duration_cast<system_time::duration>(time - created_);
    }
};

} // namespace detail

/// One admitted caller's session; a fact that `session_guard` provides. Cheap to copy. As long as a copy is held the
/// session is in use, and does not end by its TTL: a long stream keeps it.
/// *Thread safety*: safe.
class session {
public:
    [[nodiscard]] std::string const& id() const noexcept { return entry_->id_; }
    [[nodiscard]] principal const& owner() const noexcept { return entry_->owner_; }
    /// Whether it was opened with `session_store::open` and has a token of its own.
    [[nodiscard]] bool is_explicit() const noexcept { return entry_->is_explicit_; }
    [[nodiscard]] system_time created_at() const noexcept { return entry_->created_at_; }
    [[nodiscard]] system_time last_activity() const noexcept {
        return entry_->at(entry_->last_activity_.load(std::memory_order_relaxed));
    }
    /// When it ends if nothing happens before.
    [[nodiscard]] system_time expires_at() const noexcept { return entry_->at(entry_->expires()); }
    [[nodiscard]] std::uint32_t request_count() const noexcept {
        return entry_->request_count_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t max_requests() const noexcept { return entry_->max_requests_; }
    /// Whether it was revoked after it was admitted; a stream that sees this ends.
    [[nodiscard]] bool is_revoked() const noexcept {
        return entry_->revoked_.load(std::memory_order_relaxed);
    }

    /// The token that replaces the one with which this request came: to be handed to the caller. Null for none.
    [[nodiscard]] std::shared_ptr<secret const> const& replacement() const noexcept {
        return replacement_;
    }

    /// What `is_revoked` reads; by it the exchange of this session is ended while it runs.
    [[nodiscard]] std::atomic<bool> const& revoked_flag() const noexcept {
        return entry_->revoked_;
    }

    /// Notes that something has happened, so that the TTL begins anew: at the end of a request.
    void touch(steady_time now) const noexcept {
        entry_->last_activity_.store(now, std::memory_order_relaxed);
    }

    /// Whether both are the same session.
    bool operator==(session const& other) const noexcept { return entry_ == other.entry_; }

private:
    template <class Clock>
    friend class session_store;
    explicit session(std::shared_ptr<detail::session_entry> entry) noexcept
        : entry_{std::move(entry)} {}

    std::shared_ptr<detail::session_entry> entry_;
    std::shared_ptr<secret const> replacement_;
};

} // namespace mcp_provider
