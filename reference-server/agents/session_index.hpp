// The sessions of agents that may go on, found by what their conversation said so far.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <chrono>
#include <cstddef>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

class pooled_process;

/// A session that waits for its conversation to go on.
class kept_session {
public:
    kept_session(std::shared_ptr<pooled_process> in, std::string its_id)
        : process{std::move(in)}, id{std::move(its_id)} {}

    std::shared_ptr<pooled_process> process;
    std::string id;
};

/// Bounded in number and in time; beyond, the one that waited longest goes. The caller is part of a key, so that no
/// session is ever found by another one. *Thread safety*: distinct objects safe, shared objects unsafe.
class session_index {
public:
    session_index(std::size_t most, std::chrono::seconds time_to_live)
        : most_{most}, time_to_live_{time_to_live} {}

    /// Takes out the session of that key: while it has a turn, nobody else finds it.
    [[nodiscard]] std::optional<kept_session> take(crypto::digest const& key) {
        auto const found = by_key_.find(key);
        if (found == by_key_.end()) return std::nullopt;
        std::optional<kept_session> taken{std::move(found->second->session)};
        by_age_.erase(found->second);
        by_key_.erase(found);
        return taken;
    }

    /// Keeps a session. Returns those that had to go for it, to be closed: one of the same key, and the oldest.
    [[nodiscard]] std::vector<kept_session> put(crypto::digest const& key, kept_session session,
                                                steady_time now) {
        std::vector<kept_session> gone;
        if (auto other = take(key)) gone.push_back(*std::move(other));
        by_age_.push_back(entry{key, std::move(session), now + time_to_live_});
        by_key_[key] = std::prev(by_age_.end());
        while (by_age_.size() > most_) gone.push_back(pop());
        return gone;
    }

    /// Takes out the one that waited longest; nothing where there is none.
    [[nodiscard]] std::optional<kept_session> take_oldest() {
        if (by_age_.empty()) return std::nullopt;
        return pop();
    }
    /// Takes out those that have waited too long.
    [[nodiscard]] std::vector<kept_session> take_expired(steady_time now) {
        std::vector<kept_session> gone;
        while (!by_age_.empty() && by_age_.front().until <= now) gone.push_back(pop());
        return gone;
    }
    /// Forgets the sessions of a process that has gone.
    void forget(pooled_process const* process) {
        for (auto one = by_age_.begin(); one != by_age_.end();) {
            auto const next = std::next(one);
            if (one->session.process.get() == process) {
                by_key_.erase(one->key);
                by_age_.erase(one);
            }
            one = next;
        }
    }
    void clear() {
        by_key_.clear();
        by_age_.clear();
    }

    [[nodiscard]] std::size_t size() const noexcept { return by_age_.size(); }

private:
    struct entry {
        crypto::digest key;
        kept_session session;
        steady_time until;
    };
    struct hash {
        std::size_t operator()(crypto::digest const& key) const noexcept {
            std::size_t value = 0;
            std::memcpy(&value, key.data(), sizeof value);
            return value;
        }
    };

    kept_session pop() {
        kept_session oldest = std::move(by_age_.front().session);
        by_key_.erase(by_age_.front().key);
        by_age_.pop_front();
        return oldest;
    }

    std::size_t most_;
    std::chrono::seconds time_to_live_;
    std::list<entry> by_age_; // all live equally long, so the oldest is the first to expire
    std::unordered_map<crypto::digest, std::list<entry>::iterator, hash> by_key_;
};

} // namespace mcp_provider::server::agents
