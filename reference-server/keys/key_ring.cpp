#include "keys/key_ring.hpp"

#include "keys/key_file.hpp"
#include "mcp_provider/crypto/constant_time.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

namespace mcp_provider::server {

/// A hash table with open addressing that never changes. A digest is random already, so its first
/// bytes are the hash.
class key_ring::table {
public:
    explicit table(std::vector<key_record> const& keys) {
        for (key_record const& key : keys) {
            if (key.revoked) continue;
            auto const who = std::make_shared<identity>();
            who->id = key.id;
            who->label = key.label;
            who->known_by = identity::kind::key;
            who->may = key.may;
            who->models = key.models;
            if (key.expires) who->expires = *key.expires;
            entries_.push_back({key.token_digest, who});
        }
        slots_.assign(std::bit_ceil(2 * entries_.size() + 1), empty);
        for (std::size_t i = 0; i != entries_.size(); ++i) {
            std::size_t slot = first_slot(entries_[i].digest);
            while (slots_[slot] != empty) slot = next(slot);
            slots_[slot] = static_cast<std::uint32_t>(i);
        }
    }

    [[nodiscard]] std::shared_ptr<identity const> const*
    find(crypto::digest const& wanted) const noexcept {
        for (std::size_t slot = first_slot(wanted); slots_[slot] != empty; slot = next(slot)) {
            entry const& candidate = entries_[slots_[slot]];
            if (crypto::constant_time_equal(candidate.digest, wanted)) return &candidate.who;
        }
        return nullptr;
    }

    [[nodiscard]] std::shared_ptr<identity const> find_id(std::string_view id) const noexcept {
        for (entry const& one : entries_)
            if (one.who->id == id) return one.who;
        return nullptr;
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    struct entry {
        crypto::digest digest;
        std::shared_ptr<identity const> who;
    };
    static constexpr std::uint32_t empty = std::numeric_limits<std::uint32_t>::max();

    [[nodiscard]] std::size_t first_slot(crypto::digest const& of) const noexcept {
        std::uint64_t word = 0;
        std::memcpy(&word, of.data(), sizeof word);
        return static_cast<std::size_t>(word) & (slots_.size() - 1);
    }
    [[nodiscard]] std::size_t next(std::size_t slot) const noexcept {
        return (slot + 1) & (slots_.size() - 1);
    }

    std::vector<entry> entries_;
    std::vector<std::uint32_t> slots_;
};

namespace {

std::uint64_t next_number() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

} // namespace

key_ring::key_ring(std::filesystem::path path) : path_{std::move(path)}, number_{next_number()} {
    load();
}

key_ring::~key_ring() = default;

key_ring::stamp key_ring::stamp_of(struct stat const& status) noexcept {
    return {status.st_mtim.tv_sec,  status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
            status.st_ctim.tv_nsec, status.st_ino,          status.st_size};
}

void key_ring::load() {
    key_file_content const content = read_key_file(path_);
    auto fresh = std::make_shared<table const>(content.keys);
    seen_ = stamp_of(content.status);
    std::lock_guard const lock{mutex_};
    table_ = std::move(fresh);
    generation_.fetch_add(1, std::memory_order_release);
}

/// Each thread keeps the table that it saw last, so that requests share neither a lock nor a
/// counter.
key_ring::table const& key_ring::current() const {
    struct seen_table {
        std::uint64_t ring = 0;
        std::uint64_t generation = 0;
        std::shared_ptr<table const> held;
    };
    thread_local seen_table mine;
    if (mine.ring != number_ || mine.generation != generation_.load(std::memory_order_acquire)) {
        std::lock_guard const lock{mutex_};
        mine = {number_, generation_.load(std::memory_order_relaxed), table_};
    }
    return *mine.held;
}

std::shared_ptr<identity const> key_ring::find(std::string_view token) const {
    // The form is public, so nothing is given away by refusing another one at once.
    if (token.size() != token_size || !token.starts_with(token_prefix)) return nullptr;
    std::shared_ptr<identity const> const* const found = current().find(crypto::sha256(token));
    return found == nullptr ? nullptr : *found;
}

std::shared_ptr<identity const> key_ring::find_id(std::string_view id) const {
    return current().find_id(id);
}

key_reload key_ring::reload_if_changed() {
    struct stat status {};
    stamp const now = ::stat(path_.c_str(), &status) == 0 ? stamp_of(status) : stamp{};
    if (now == seen_) return {};
    try {
        load();
        return {true, {}};
    } catch (key_file_error const& failure) {
        seen_ = now; // told once, not every second
        return {false, failure.what()};
    }
}

std::size_t key_ring::size() const { return current().size(); }

} // namespace mcp_provider::server
