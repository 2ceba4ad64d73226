// A table of callers that several workers share, with a bound that forgets nobody who matters.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mcp_provider {

/// Maps names to values, at most `max_keys` of them. A full table makes room by forgetting values that say
/// `is_idle(now)`, and otherwise takes no new name: by rotating names an attacker cannot push out anybody's state.
/// *Thread safety*: safe; a visitor runs under the lock of its shard and must be short.
/// *Complexity*: constant; making room is linear, and tried at most once a second.
template <class Value>
class bounded_table {
public:
    explicit bounded_table(std::size_t max_keys) : max_keys_{max_keys} {}

    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

    /// Calls `see(value)` if the name is known; returns whether it is.
    template <class See>
    bool visit(std::string_view name, See&& see) {
        shard& home = home_of(name);
        std::lock_guard const lock{home.mutex};
        auto const at = home.values.find(name);
        if (at != home.values.end()) see(at->second);
        return at != home.values.end();
    }

    /// Calls `see(value)`, with a fresh value if the name is new. Returns false, without a call, if the table is full.
    template <class See>
    bool visit_or_add(std::string_view name, steady_time now, See&& see) {
        return with_room(now, [&] {
            shard& home = home_of(name);
            std::lock_guard const lock{home.mutex};
            Value* const value = find_or_add(home, name);
            if (value != nullptr) see(*value);
            return value != nullptr;
        });
    }

    /// As `visit_or_add` for two different names at once, so that a decision about both is one step.
    template <class See>
    bool visit_or_add_both(std::string_view first, std::string_view second, steady_time now,
                           See&& see) {
        return with_room(now, [&] {
            shard& home = home_of(first);
            shard& other = home_of(second);
            std::unique_lock lock_lower{std::min(&home, &other)->mutex};
            std::unique_lock<std::mutex> lock_upper;
            if (&home != &other) lock_upper = std::unique_lock{std::max(&home, &other)->mutex};
            Value* const one = find_or_add(home, first);
            Value* const two = one == nullptr ? nullptr : find_or_add(other, second);
            if (two == nullptr) return false;
            see(*one, *two);
            return true;
        });
    }

    /// Whether a new name would find room now.
    [[nodiscard]] bool has_room(steady_time now) {
        return size() < max_keys_ || (make_room(now) && size() < max_keys_);
    }

    bool erase(std::string_view name) {
        shard& home = home_of(name);
        std::lock_guard const lock{home.mutex};
        auto const at = home.values.find(name);
        if (at == home.values.end()) return false;
        home.values.erase(at);
        size_.fetch_sub(1, std::memory_order_relaxed);
        return true;
    }

    /// Calls `see(name, value)` for each; the table may change between two calls.
    template <class See>
    void for_each(See&& see) {
        for (shard& home : shards_) {
            std::lock_guard const lock{home.mutex};
            for (auto& [name, value] : home.values) see(std::string_view{name}, value);
        }
    }

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>{}(name);
        }
    };
    struct alignas(64) shard {
        std::mutex mutex;
        std::unordered_map<std::string, Value, hash, std::equal_to<>> values;
    };

    shard& home_of(std::string_view name) noexcept {
        return shards_[(hash{}(name) >> 7U) % shards_.size()];
    }

    /// Precondition: the shard is locked.
    Value* find_or_add(shard& home, std::string_view name) {
        auto const at = home.values.find(name);
        if (at != home.values.end()) return &at->second;
        if (size_.fetch_add(1, std::memory_order_relaxed) >= max_keys_) {
            size_.fetch_sub(1, std::memory_order_relaxed);
            return nullptr;
        }
        return &home.values.try_emplace(std::string{name}).first->second;
    }

    template <class Attempt>
    bool with_room(steady_time now, Attempt&& attempt) {
        return attempt() || (make_room(now) && attempt());
    }

    bool make_room(steady_time now) {
        constexpr std::int64_t pause = steady_time::duration{std::chrono::seconds{1}}.count();
        auto const tick = now.time_since_epoch().count();
        auto due = next_sweep_.load(std::memory_order_relaxed);
        if (tick < due || !next_sweep_.compare_exchange_strong(due, tick + pause)) return false;
        auto const is_idle = [&](auto const& one) { return one.second.is_idle(now); };
        for (shard& home : shards_) {
            std::lock_guard const lock{home.mutex};
            size_.fetch_sub(std::erase_if(home.values, is_idle), std::memory_order_relaxed);
        }
        return true;
    }

    std::size_t max_keys_;
    std::atomic<std::size_t> size_{0};
    std::atomic<std::int64_t> next_sweep_{0};
    std::array<shard, 16> shards_;
};

} // namespace mcp_provider
