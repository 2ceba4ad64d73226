// All legacy sessions of a server: found by an unguessable id, bound to who opened them, few, and not for ever.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/mcp/detail/session.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mcp_provider::mcp::detail {

/// *Thread safety*: safe.
class session_table {
public:
    session_table(std::size_t most, std::chrono::seconds idle) noexcept
        : most_{most}, idle_{idle} {}

    /// Opens a session with an id of 128 random bits. When the table is full, the caller's own session that was not used
    /// for longest goes, if it is idle. Null where there is none.
    [[nodiscard]] std::shared_ptr<session> open(client_facts who, mailbox::limits bounds,
                                                steady_time now) {
        auto const bits = crypto::random_bytes<16>();
        std::string id = crypto::hex_encode(crypto::as_text(bits));
        std::lock_guard const hold{mutex_};
        if (sessions_.size() >= most_) sweep_locked(now);
        if (sessions_.size() >= most_ && !drop_oldest_of(who.caller)) return nullptr;
        auto one = std::make_shared<session>(id, std::move(who), std::make_shared<mailbox>(bounds));
        sessions_.emplace(std::move(id), entry{one, now});
        return one;
    }

    /// The session of that id; null where there is none, where it is somebody else's, and where it has been idle for
    /// too long. Finding is using.
    [[nodiscard]] std::shared_ptr<session> find(std::string_view id, std::string_view caller,
                                                steady_time now) {
        std::lock_guard const hold{mutex_};
        auto const at = sessions_.find(std::string{id});
        if (at == sessions_.end() || at->second.one->who().caller != caller) return nullptr;
        if (expired(at->second, now)) {
            sessions_.erase(at);
            return nullptr;
        }
        at->second.used = now;
        return at->second.one;
    }

    /// Takes the session out of the table. Null as for `find`.
    [[nodiscard]] std::shared_ptr<session> close(std::string_view id, std::string_view caller) {
        std::lock_guard const hold{mutex_};
        auto const at = sessions_.find(std::string{id});
        if (at == sessions_.end() || at->second.one->who().caller != caller) return nullptr;
        auto one = std::move(at->second.one);
        sessions_.erase(at);
        return one;
    }

    /// Forgets what has been idle for too long.
    void sweep(steady_time now) {
        std::lock_guard const hold{mutex_};
        sweep_locked(now);
    }

    [[nodiscard]] std::size_t size() const {
        std::lock_guard const hold{mutex_};
        return sessions_.size();
    }
    [[nodiscard]] std::vector<std::shared_ptr<session>> all() const {
        std::lock_guard const hold{mutex_};
        std::vector<std::shared_ptr<session>> out;
        for (auto const& [id, one] : sessions_) out.push_back(one.one);
        return out;
    }

private:
    struct entry {
        std::shared_ptr<session> one;
        steady_time used;
    };

    [[nodiscard]] bool expired(entry const& one, steady_time now) const {
        return now - one.used > idle_ && !one.one->busy();
    }
    void sweep_locked(steady_time now) {
        std::erase_if(sessions_, [&](auto const& one) { return expired(one.second, now); });
    }
    bool drop_oldest_of(std::string_view caller) {
        auto oldest = sessions_.end();
        for (auto at = sessions_.begin(); at != sessions_.end(); ++at)
            if (at->second.one->who().caller == caller && !at->second.one->busy() &&
                (oldest == sessions_.end() || at->second.used < oldest->second.used))
                oldest = at;
        if (oldest == sessions_.end()) return false;
        sessions_.erase(oldest);
        return true;
    }

    std::size_t most_;
    std::chrono::seconds idle_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, entry> sessions_;
};

} // namespace mcp_provider::mcp::detail
