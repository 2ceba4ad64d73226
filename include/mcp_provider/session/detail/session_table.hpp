// The ways to the sessions of a store: from a principal, or from the hash of a token.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/session/session.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace mcp_provider::detail {

using session_pointer = std::shared_ptr<session_entry>;

/// A way to a session. That of a token which is being replaced ends some time before its session.
struct session_slot {
    session_pointer entry;
    steady_time good_until = steady_time::max();
};

/// Whether a session has ended. Not while a request holds it, nor while it is suspended.
[[nodiscard]] inline bool is_over(session_pointer const& one, steady_time now) noexcept {
    if (now < one->expires()) return false;
    if (one->revoked_.load(std::memory_order_relaxed)) return true;
    return one.use_count() <= one->slots_.load(std::memory_order_relaxed) &&
           now >= one->suspended_until_.load(std::memory_order_relaxed);
}

/// Slots by key, in parts with a lock each. *Thread safety*: a part's entries are used with its mutex locked.
class session_table {
public:
    struct text_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    struct alignas(64) shard {
        std::mutex mutex;
        std::unordered_map<std::string, session_slot, text_hash, std::equal_to<>> entries;
    };

    [[nodiscard]] shard& shard_of(std::string_view key) noexcept {
        return shards_[(text_hash{}(key) >> 20U) % shards_.size()]; // other bits than the map takes
    }
    [[nodiscard]] std::array<shard, 16>& shards() noexcept { return shards_; }

    /// Adds a slot, which its session counts. Precondition: the key is new.
    void put(std::string_view key, session_slot one) {
        shard& part = shard_of(key);
        std::lock_guard const lock{part.mutex};
        one.entry->slots_.fetch_add(1, std::memory_order_relaxed);
        part.entries.emplace(key, std::move(one));
    }

    /// Calls `visit(key, slot)` for each, under the lock of its part.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (shard& part : shards_) {
            std::lock_guard const lock{part.mutex};
            for (auto const& [key, one] : part.entries) visit(std::string_view{key}, one);
        }
    }

private:
    std::array<shard, 16> shards_;
};

} // namespace mcp_provider::detail
