// All sessions of a server: found, made, counted, ended.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/session/detail/refusals.hpp"
#include "mcp_provider/session/detail/session_table.hpp"
#include "mcp_provider/session/session.hpp"
#include "mcp_provider/session/session_record.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mcp_provider {

/// The settings of sessions, with the seed's defaults.
struct session_limits {
    std::chrono::seconds ttl{300};    ///< SESSION_TTL_SECONDS, after the last activity
    std::uint32_t max_requests = 100; ///< MAX_REQUESTS_PER_SESSION
    std::size_t max_concurrent = 5;   ///< session.max_concurrent: live sessions at a time
    bool rotates_tokens = false;      ///< session.token_rotation_enabled
};

/// A session that was just opened, and its token, which is shown this once.
struct opened_session {
    mcp_provider::session session;
    std::shared_ptr<secret const> token;
};

/// What every session token begins with, so that it can be told from an API key, and found by those who look for leaks.
inline constexpr std::string_view session_token_prefix = "mlps_";

/// Holds the sessions. A principal has one implicit session at a time, made by its first admitted request, and as many
/// explicit ones as it opens. The number of live ones is bounded; none is ended to make room for another.
/// A session that was revoked stays known, and is refused, until its TTL has run out.
/// *Thread safety*: safe. *Lifetime*: a `session` may outlive the store.
template <class Clock = real_clock>
class session_store {
public:
    explicit session_store(session_limits limits = {}, Clock clock = {})
        : limits_{limits}, clock_{std::move(clock)} {}

    /// Admits one request of `who` to its implicit session, which is made where there is none, and counts it.
    /// *Errors*: `rate_limited` (all requests used; `retry_after` is the rest of its TTL), `forbidden` (suspended),
    /// `unauthenticated` (revoked), `overloaded` (all sessions in use).
    /// *Complexity*: constant; one lock of a shard, and no allocation for a session that is there.
    [[nodiscard]] result<session> admit(principal const& who) {
        return admit(who, clock_.steady());
    }
    /// As above, for a caller that has just read the store's clock.
    [[nodiscard]] result<session> admit(principal const& who, steady_time now) {
        for (bool last_try = false;; last_try = true) {
            {
                shard& part = implicit_.shard_of(who.id());
                std::lock_guard const lock{part.mutex};
                auto const found = part.entries.find(std::string_view{who.id()});
                if (found != part.entries.end() && !detail::is_over(found->second.entry, now))
                    return count(found->second.entry, now);
                if (found != part.entries.end()) {
                    // The place of the old one is free when it was live, and must be taken when it was revoked.
                    if (found->second.entry->holds_place_.exchange(false) || take_place()) {
                        found->second.entry = make(who, false, now);
                        return count(found->second.entry, now);
                    }
                } else if (take_place()) {
                    known_.fetch_add(1, std::memory_order_relaxed);
                    slot const& made =
                        part.entries.emplace(who.id(), slot{make(who, false, now)}).first->second;
                    return count(made.entry, now);
                }
            }
            if (last_try || !may_free_places(now)) return full(now);
            cleanup(now);
        }
    }

    /// Admits one request with the token of an explicit session. With `rotates_tokens`, one that has lived for half a
    /// TTL is replaced: the session has a `replacement`, and the old token is good for 30 s more.
    /// *Errors*: as `admit`; `unauthenticated` also where the token is not known or its session is over.
    [[nodiscard]] result<session> admit_token(std::string_view token) {
        steady_time const now = clock_.steady();
        crypto::digest const hash = crypto::sha256(token);
        shard& part = explicit_.shard_of(crypto::as_text(hash));
        std::unique_lock lock{part.mutex};
        slot* const found = find_token(part, hash, now);
        if (found == nullptr) return detail::refuse_unknown_token();
        result<session> admitted = count(found->entry, now);
        if (!admitted || !is_due(*found, now)) return admitted;
        // Of several requests that find a token due, one replaces it.
        found->good_until = now + old_token_time;
        entry_pointer const entry = found->entry;
        lock.unlock();
        admitted->replacement_ = add_token(entry, now);
        return admitted;
    }

    /// Who opened the session of this token, without counting a request; nothing where it is not known, or over.
    /// The state is not looked at: `admit_token` says what is to be said about it.
    [[nodiscard]] std::optional<principal> owner_of_token(std::string_view token) const {
        crypto::digest const hash = crypto::sha256(token);
        shard& part = explicit_.shard_of(crypto::as_text(hash));
        std::lock_guard const lock{part.mutex};
        slot const* const found = find_token(part, hash, clock_.steady());
        if (found == nullptr) return std::nullopt;
        return found->entry->owner_;
    }

    /// Opens an explicit session (`POST /v1/sessions`). Only the hash of its token is kept.
    /// *Errors*: `overloaded` (all sessions in use).
    [[nodiscard]] result<opened_session> open(principal const& who) {
        steady_time const now = clock_.steady();
        if (!take_place()) {
            if (may_free_places(now)) cleanup(now);
            if (!take_place()) return full(now);
        }
        entry_pointer const entry = make(who, true, now);
        return opened_session{session{entry}, add_token(entry, now)};
    }

    /// Suspends a session; a later end replaces an earlier one. False where there is no such session.
    bool suspend(std::string_view id, std::chrono::seconds for_so_long) {
        return change(id, [&](detail::session_entry& one) {
            one.suspended_until_.store(clock_.steady() + for_so_long);
        });
    }
    /// Revokes a session. False where there is none.
    bool revoke(std::string_view id) {
        return change(id, [&](detail::session_entry& one) { revoke(one); });
    }
    /// Revokes all sessions and returns how many there were.
    std::size_t revoke_all() {
        return revoke_if([](principal const&) { return true; });
    }
    /// Revokes the sessions of those principals for which `which` says so; returns how many. `which` must be quick.
    template <class Which>
    std::size_t revoke_if(Which&& which) {
        std::size_t revoked = 0;
        change_all([&](detail::session_entry& one) {
            if (!which(one.owner_) || one.revoked_.load()) return;
            revoke(one);
            ++revoked;
        });
        return revoked;
    }
    /// Sets the count of requests back to none and ends a suspension. False where there is no such session.
    bool reset(std::string_view id) { return change(id, reset_entry); }
    std::size_t reset_all() { return change_all(reset_entry); }

    /// Forgets sessions that are over; returns how many. To be called every `cleanup_interval_seconds`.
    std::size_t cleanup() { return cleanup(clock_.steady()); }

    /// How many sessions are live: not over by the last cleanup, and not revoked.
    [[nodiscard]] std::size_t size() const noexcept {
        return live_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] session_limits const& limits() const noexcept { return limits_; }

    /// All sessions that are not over, oldest first.
    [[nodiscard]] std::vector<session_record> list() const {
        steady_time const now = clock_.steady();
        std::unordered_map<detail::session_entry const*, session_record> found;
        for_each_slot([&](std::string_view key, slot const& at) {
            detail::session_entry const& one = *at.entry;
            if (detail::is_over(at.entry, now) || now >= at.good_until) return;
            auto const [place, is_new] = found.try_emplace(&one);
            if (is_new) place->second = detail::describe(one, now);
            if (!one.is_explicit_) return;
            crypto::digest hash{};
            std::copy(key.begin(), key.end(), hash.begin());
            auto& hashes = place->second.token_hashes;
            hashes.insert(at.good_until == steady_time::max() ? hashes.begin() : hashes.end(),
                          hash);
        });
        std::vector<session_record> all;
        all.reserve(found.size());
        for (auto& [entry, record] : found) all.push_back(std::move(record));
        std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
            return std::pair{a.created_at, std::string_view{a.id}} <
                   std::pair{b.created_at, std::string_view{b.id}};
        });
        return all;
    }

    /// Puts sessions back that `list` gave before a restart; those that are over by now are left out. A wall clock that
    /// was set back in between lengthens no session. `resolve` finds the identity of a principal by its id; null, where
    /// there is none any more, leaves the session out. Precondition: nothing was admitted yet.
    template <class Resolve>
    void restore(std::vector<session_record> const& before, Resolve&& resolve) {
        steady_time const now = clock_.steady();
        system_time const today = clock_.system();
        auto const since = [&](system_time then) {
            return now - std::chrono::duration_cast<steady_time::duration>(
                             std::max(today - then, system_time::duration::zero()));
        };
        for (session_record const& one : before) {
            std::shared_ptr<identity const> who = resolve(std::string_view{one.principal_id});
            if (!who) continue;
            auto const entry = std::make_shared<detail::session_entry>(
                one.id, principal{std::move(who)}, one.is_explicit, limits_.ttl,
                limits_.max_requests, since(one.created_at), std::min(one.created_at, today));
            entry->last_activity_ = since(one.last_activity);
            entry->request_count_ = one.request_count;
            entry->revoked_ = one.state == session_state::revoked;
            if (one.suspended_until && *one.suspended_until > today)
                entry->suspended_until_ = now + std::chrono::duration_cast<steady_time::duration>(
                                                    *one.suspended_until - today);
            if (now >= entry->expires() && now >= entry->suspended_until_.load()) continue;
            if (entry->revoked_)
                entry->holds_place_ = false;
            else
                live_.fetch_add(1, std::memory_order_relaxed);
            note_end(std::max(entry->expires(), now + std::chrono::seconds{1}));
            if (!one.is_explicit) put(implicit_, one.principal_id, slot{entry});
            steady_time good_until = steady_time::max();
            for (crypto::digest const& hash : one.token_hashes) {
                put(explicit_, crypto::as_text(hash), slot{entry, good_until});
                good_until = now + old_token_time;
            }
        }
    }

private:
    using entry_pointer = detail::session_pointer;
    using slot = detail::session_slot;
    using table = detail::session_table;
    using shard = table::shard;

    /// Counts one request, with the shard locked.
    result<session> count(entry_pointer const& one, steady_time now) const {
        if (one->state(now) != session_state::active) [[unlikely]]
            return detail::refuse_state(*one, now);
        std::uint32_t const before = one->request_count_.load(std::memory_order_relaxed);
        if (before >= one->max_requests_) [[unlikely]]
            return detail::refuse_exhausted(*one, now);
        one->request_count_.store(before + 1, std::memory_order_relaxed);
        one->last_activity_.store(now, std::memory_order_relaxed);
        return session{one};
    }

    rejection full(steady_time now) const {
        auto const next =
            steady_time{steady_time::duration{next_end_.load(std::memory_order_relaxed)}};
        return detail::refuse_full(limits_.max_concurrent, limits_.ttl, next, now);
    }

    bool take_place() noexcept {
        if (known_.load(std::memory_order_relaxed) >= limits_.max_concurrent + max_revoked)
            return false;
        std::size_t taken = live_.load(std::memory_order_relaxed);
        do {
            if (taken >= limits_.max_concurrent) return false;
        } while (!live_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
        return true;
    }

    /// With the shard locked into which the entry goes: so a cleanup at the same time does not miss its end.
    entry_pointer make(principal const& who, bool is_explicit, steady_time now) {
        note_end(now + limits_.ttl);
        auto const made = std::make_shared<detail::session_entry>(
            "ses_" + crypto::base64url_encode(crypto::as_text(crypto::random_bytes<16>())), who,
            is_explicit, limits_.ttl, limits_.max_requests, now, clock_.system());
        made->slots_ = is_explicit ? 0 : 1; // a token counts itself
        return made;
    }

    /// The end of a session can only move away, so the earliest end that was ever noted since the last cleanup is a
    /// lower bound: before it a cleanup would free nothing, and a full store refuses without looking through all.
    void note_end(steady_time end) noexcept {
        auto const ticks = end.time_since_epoch().count();
        auto known = next_end_.load(std::memory_order_relaxed);
        while (ticks < known &&
               !next_end_.compare_exchange_weak(known, ticks, std::memory_order_relaxed)) {
        }
    }
    bool may_free_places(steady_time now) const noexcept {
        return now.time_since_epoch().count() >= next_end_.load(std::memory_order_relaxed);
    }

    std::size_t cleanup(steady_time now) {
        next_end_.store(never, std::memory_order_relaxed);
        std::size_t removed = 0;
        for (table* const all : {&implicit_, &explicit_})
            for (shard& part : all->shards()) {
                std::lock_guard const lock{part.mutex};
                std::erase_if(part.entries, [&](auto const& one) {
                    entry_pointer const& entry = one.second.entry;
                    bool const over = detail::is_over(entry, now);
                    if (!over && now < one.second.good_until) {
                        note_end(std::max(entry->expires(), now + std::chrono::seconds{1}));
                        return false;
                    }
                    if (entry->slots_.fetch_sub(1, std::memory_order_relaxed) == 1)
                        give_up_place(*entry);
                    ++removed;
                    return true;
                });
            }
        known_.fetch_sub(removed, std::memory_order_relaxed);
        return removed;
    }

    /// Precondition: the shard is locked.
    static slot* find_token(shard& part, crypto::digest const& hash, steady_time now) {
        auto const found = part.entries.find(crypto::as_text(hash));
        if (found == part.entries.end() || now >= found->second.good_until ||
            detail::is_over(found->second.entry, now))
            return nullptr;
        return &found->second;
    }

    [[nodiscard]] bool is_due(slot const& one, steady_time now) const noexcept {
        return limits_.rotates_tokens && one.good_until == steady_time::max() &&
               now >= one.entry->token_since_.load(std::memory_order_relaxed) + limits_.ttl / 2;
    }

    /// Makes a token of a session.
    std::shared_ptr<secret const> add_token(entry_pointer const& entry, steady_time now) {
        std::string token{session_token_prefix};
        token += crypto::base64url_encode(crypto::as_text(crypto::random_bytes<32>()));
        entry->token_since_.store(now, std::memory_order_relaxed);
        put(explicit_, crypto::as_text(crypto::sha256(token)), slot{entry});
        return std::make_shared<secret const>(std::move(token));
    }

    void put(table& all, std::string_view key, slot one) {
        known_.fetch_add(1, std::memory_order_relaxed);
        all.put(key, std::move(one));
    }

    void revoke(detail::session_entry& one) noexcept {
        one.revoked_.store(true);
        give_up_place(one);
    }
    void give_up_place(detail::session_entry& one) noexcept {
        if (one.holds_place_.exchange(false)) live_.fetch_sub(1, std::memory_order_relaxed);
    }
    static void reset_entry(detail::session_entry& one) noexcept {
        one.request_count_.store(0);
        one.suspended_until_.store(steady_time::min());
    }

    template <class Visit>
    void for_each_slot(Visit&& visit) const {
        implicit_.for_each(visit);
        explicit_.for_each(visit);
    }
    template <class Change>
    bool change(std::string_view id, Change&& apply) {
        bool found = false;
        for_each_slot([&](std::string_view, slot const& at) {
            if (at.entry->id_ == id) apply(*at.entry), found = true;
        });
        return found;
    }
    /// A session with two tokens is changed twice, which is as good as once, and counted once.
    template <class Change>
    std::size_t change_all(Change&& apply) {
        std::size_t count = 0;
        for_each_slot([&](std::string_view, slot const& at) {
            apply(*at.entry);
            if (at.good_until == steady_time::max()) ++count;
        });
        return count;
    }

    static constexpr std::chrono::seconds old_token_time{30};
    static constexpr std::size_t max_revoked = 1024; // that are remembered beside the live ones
    static constexpr steady_time::rep never = std::numeric_limits<steady_time::rep>::max();

    session_limits limits_;
    Clock clock_;
    mutable table implicit_; // by principal
    mutable table explicit_; // by the hash of the token
    std::atomic<std::size_t> live_{0};
    std::atomic<std::size_t> known_{0}; // entries of both tables
    std::atomic<steady_time::rep> next_end_{never};
};

} // namespace mcp_provider
