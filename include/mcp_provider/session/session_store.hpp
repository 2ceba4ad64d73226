// All sessions of a server: found, made, counted, ended.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/constant_time.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/session/session.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <functional>
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
};

/// A session as an operator sees it, at one moment.
struct session_view {
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
};

/// A session that was just opened, and its token, which is shown this once.
struct opened_session {
    mcp_provider::session session;
    secret token;
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
                shard& part = shard_of(implicit_, who.id());
                std::lock_guard const lock{part.mutex};
                auto const found = part.entries.find(std::string_view{who.id()});
                if (found != part.entries.end() && !is_over(found->second, now))
                    return count(found->second, now);
                if (found != part.entries.end()) {
                    // The slot of the old one is free when it was live, and must be taken when it was revoked.
                    if (!found->second->revoked_.load(std::memory_order_relaxed) || take_slot()) {
                        found->second = make(who, std::nullopt, now);
                        return count(found->second, now);
                    }
                } else if (take_slot()) {
                    known_.fetch_add(1, std::memory_order_relaxed);
                    return count(
                        part.entries.emplace(who.id(), make(who, std::nullopt, now)).first->second,
                        now);
                }
            }
            if (last_try || !may_free_slots(now)) return full(now);
            cleanup(now);
        }
    }

    /// Admits one request with the token of an explicit session. *Errors*: as `admit`; `unauthenticated` also where the
    /// token is not known or its session is over.
    [[nodiscard]] result<session> admit_token(std::string_view token) {
        steady_time const now = clock_.steady();
        crypto::digest const hash = crypto::sha256(token);
        shard& part = shard_of(explicit_, crypto::as_text(hash));
        std::lock_guard const lock{part.mutex};
        auto const found = find_token(part, hash, now);
        if (!found) return unknown_token();
        return count(*found, now);
    }

    /// Who opened the session of this token, without counting a request; nothing where it is not known, or over.
    /// The state is not looked at: `admit_token` says what is to be said about it.
    [[nodiscard]] std::optional<principal> owner_of_token(std::string_view token) const {
        crypto::digest const hash = crypto::sha256(token);
        shard& part = shard_of(explicit_, crypto::as_text(hash));
        std::lock_guard const lock{part.mutex};
        auto const found = find_token(part, hash, clock_.steady());
        if (!found) return std::nullopt;
        return (*found)->owner_;
    }

    /// Opens an explicit session (`POST /v1/sessions`). Only the hash of its token is kept.
    /// *Errors*: `overloaded` (all sessions in use).
    [[nodiscard]] result<opened_session> open(principal const& who) {
        steady_time const now = clock_.steady();
        if (!take_slot()) {
            if (may_free_slots(now)) cleanup(now);
            if (!take_slot()) return full(now);
        }
        std::string token{session_token_prefix};
        token += crypto::base64url_encode(crypto::as_text(crypto::random_bytes<32>()));
        crypto::digest const hash = crypto::sha256(token);
        shard& part = shard_of(explicit_, crypto::as_text(hash));
        std::lock_guard const lock{part.mutex};
        entry_pointer entry = make(who, hash, now);
        part.entries.emplace(crypto::as_text(hash), entry);
        known_.fetch_add(1, std::memory_order_relaxed);
        return opened_session{session{std::move(entry)}, secret{std::move(token)}};
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
        return change_all([&](detail::session_entry& one) { revoke(one); });
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
    [[nodiscard]] std::vector<session_view> list() const {
        steady_time const now = clock_.steady();
        std::vector<session_view> all;
        for_each([&](std::shared_ptr<detail::session_entry> const& one) {
            if (is_over(one, now)) return;
            session_view view{one->id_,
                              one->owner_.id(),
                              one->token_hash_.has_value(),
                              one->state(now),
                              one->created_at_,
                              one->at(one->last_activity_),
                              one->at(one->expires()),
                              std::nullopt,
                              one->request_count_,
                              one->max_requests_};
            if (view.state == session_state::suspended)
                view.suspended_until = one->at(one->suspended_until_);
            all.push_back(std::move(view));
        });
        std::sort(all.begin(), all.end(),
                  [](auto const& a, auto const& b) { return a.created_at < b.created_at; });
        return all;
    }

private:
    using entry_pointer = std::shared_ptr<detail::session_entry>;

    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    struct alignas(64) shard {
        std::mutex mutex;
        std::unordered_map<std::string, entry_pointer, text_hash, std::equal_to<>> entries;
    };
    using table = std::array<shard, 16>;

    static shard& shard_of(table& all, std::string_view key) noexcept {
        return all[(text_hash{}(key) >> 20U) %
                   std::tuple_size_v<table>]; // other bits than the map takes
    }

    /// Whether a session has ended. Not while a request holds it, nor while it is suspended.
    static bool is_over(entry_pointer const& one, steady_time now) noexcept {
        if (now < one->expires()) return false;
        if (one->revoked_.load(std::memory_order_relaxed)) return true;
        return one.use_count() == 1 && now >= one->suspended_until_.load(std::memory_order_relaxed);
    }

    static std::chrono::seconds until(steady_time then, steady_time now) noexcept {
        return std::max(std::chrono::seconds{1},
                        std::chrono::ceil<std::chrono::seconds>(then - now));
    }

    /// Counts one request, with the shard locked.
    result<session> count(entry_pointer const& one, steady_time now) const {
        if (one->state(now) != session_state::active) [[unlikely]]
            return refuse_state(*one, now);
        std::uint32_t const before = one->request_count_.load(std::memory_order_relaxed);
        if (before >= one->max_requests_) [[unlikely]]
            return rejection{rejection_code::rate_limited,
                             "this session has used its " + std::to_string(one->max_requests_) +
                                 " requests; a new one begins when nothing was asked for " +
                                 std::to_string(one->ttl_.count()) + " s"}
                .because("session_exhausted")
                .come_again_in(until(one->expires(), now));
        one->request_count_.store(before + 1, std::memory_order_relaxed);
        one->last_activity_.store(now, std::memory_order_relaxed);
        return session{one};
    }

    static rejection refuse_state(detail::session_entry const& one, steady_time now) {
        if (one.state(now) == session_state::revoked)
            return rejection{rejection_code::unauthenticated, "this session was revoked"}
                .because("session_revoked")
                .as_security_event("session_revoked");
        steady_time const end = one.suspended_until_.load(std::memory_order_relaxed);
        return rejection{rejection_code::forbidden,
                         "this session is suspended until " + readable(one.at(end))}
            .because("session_suspended")
            .come_again_in(until(end, now))
            .as_security_event("session_suspended");
    }

    static rejection unknown_token() {
        return rejection{rejection_code::unauthenticated,
                         "the session token is not known, or its session is over"}
            .because("invalid_session_token");
    }

    rejection full(steady_time now) const {
        auto const next =
            steady_time{steady_time::duration{next_end_.load(std::memory_order_relaxed)}};
        return rejection{rejection_code::overloaded,
                         "all " + std::to_string(limits_.max_concurrent) +
                             " sessions are in use; one ends when it was idle for " +
                             std::to_string(limits_.ttl.count()) + " s"}
            .because("too_many_sessions")
            .come_again_in(until(std::min(next, now + limits_.ttl), now));
    }

    static std::string readable(system_time time) {
        std::time_t const seconds =
            std::chrono::system_clock::to_time_t(std::chrono::ceil<std::chrono::seconds>(time));
        std::tm parts{};
        ::gmtime_r(&seconds, &parts);
        std::array<char, 32> text;
        return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
    }

    bool take_slot() noexcept {
        if (known_.load(std::memory_order_relaxed) >= limits_.max_concurrent + max_revoked)
            return false;
        std::size_t taken = live_.load(std::memory_order_relaxed);
        do {
            if (taken >= limits_.max_concurrent) return false;
        } while (!live_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed));
        return true;
    }

    /// With the shard locked into which the entry goes: so a cleanup at the same time does not miss its end.
    entry_pointer make(principal const& who, std::optional<crypto::digest> const& token_hash,
                       steady_time now) {
        note_end(now + limits_.ttl);
        return std::make_shared<detail::session_entry>(
            "ses_" + crypto::base64url_encode(crypto::as_text(crypto::random_bytes<16>())), who,
            token_hash, limits_.ttl, limits_.max_requests, now, clock_.system());
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
    bool may_free_slots(steady_time now) const noexcept {
        return now.time_since_epoch().count() >= next_end_.load(std::memory_order_relaxed);
    }

    std::size_t cleanup(steady_time now) {
        next_end_.store(never, std::memory_order_relaxed);
        std::size_t removed = 0;
        for (table* const all : {&implicit_, &explicit_})
            for (shard& part : *all) {
                std::lock_guard const lock{part.mutex};
                std::erase_if(part.entries, [&](auto const& one) {
                    bool const over = is_over(one.second, now);
                    if (!over)
                        note_end(std::max(one.second->expires(), now + std::chrono::seconds{1}));
                    else if (!one.second->revoked_.load(std::memory_order_relaxed))
                        live_.fetch_sub(1, std::memory_order_relaxed);
                    removed += over ? 1 : 0;
                    return over;
                });
            }
        known_.fetch_sub(removed, std::memory_order_relaxed);
        return removed;
    }

    static std::optional<entry_pointer> find_token(shard& part, crypto::digest const& hash,
                                                   steady_time now) {
        auto const found = part.entries.find(crypto::as_text(hash));
        if (found == part.entries.end() ||
            !crypto::constant_time_equal(*found->second->token_hash_, hash))
            return std::nullopt;
        if (is_over(found->second, now)) return std::nullopt;
        return found->second;
    }

    void revoke(detail::session_entry& one) noexcept {
        if (!one.revoked_.exchange(true)) live_.fetch_sub(1, std::memory_order_relaxed);
    }
    static void reset_entry(detail::session_entry& one) noexcept {
        one.request_count_.store(0);
        one.suspended_until_.store(steady_time::min());
    }

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (table* const all : {&implicit_, &explicit_})
            for (shard& part : *all) {
                std::lock_guard const lock{part.mutex};
                for (auto const& [key, one] : part.entries) visit(one);
            }
    }
    template <class Change>
    bool change(std::string_view id, Change&& apply) {
        bool found = false;
        for_each([&](entry_pointer const& one) {
            if (one->id_ == id) apply(*one), found = true;
        });
        return found;
    }
    template <class Change>
    std::size_t change_all(Change&& apply) {
        std::size_t count = 0;
        for_each([&](entry_pointer const& one) { apply(*one), ++count; });
        return count;
    }

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
