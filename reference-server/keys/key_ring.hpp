// The keys in force in a running server: looked up by every request, replaced when the key file
// changes.
#pragma once

#include "keys/key_record.hpp"
#include "mcp_provider/core/principal.hpp"

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// What a look at the key file came to.
struct key_reload {
    bool changed = false;
    std::string failure; ///< why the file was refused; then the keys are those of before
};

/// Finds the identity behind a token; what `authenticate` looks tokens up in. Revoked keys are not
/// in it. *Thread safety*: safe; `reload_if_changed` from one thread at a time.
class key_ring {
public:
    /// Reads the key file; none means no keys. *Errors*: `key_file_error`: the server must not
    /// start.
    explicit key_ring(std::filesystem::path path);
    key_ring(key_ring const&) = delete;
    key_ring& operator=(key_ring const&) = delete;
    ~key_ring();

    /// The identity of the key with that token, or null: not of our form, unknown, or revoked. A
    /// key that has expired is found: its identity says when, and `authenticate` refuses it with
    /// that text. The digest is compared in constant time. *Complexity*: one SHA-256 and a probe of
    /// a hash table; no allocation after the first call in a thread; a lock only after a change of
    /// the keys.
    [[nodiscard]] std::shared_ptr<identity const> find(std::string_view token) const;

    /// The identity behind the id of a key that is in force; null where there is none. *Complexity*:
    /// linear; for restarts and reloads.
    [[nodiscard]] std::shared_ptr<identity const> find_id(std::string_view id) const;

    /// Reads the file again if it is another one than before (time, inode, size). A file that is
    /// gone means no keys; one that is damaged is refused, and the keys of before stay in force.
    /// Call it every second.
    [[nodiscard]] key_reload reload_if_changed();

    /// How many keys are in force, expired ones included.
    [[nodiscard]] std::size_t size() const;

private:
    class table;
    struct stamp {
        std::int64_t modified_seconds = 0;
        std::int64_t modified_nanoseconds = 0;
        std::int64_t changed_seconds = 0;
        std::int64_t changed_nanoseconds = 0;
        std::uint64_t inode = 0;
        std::int64_t size = 0;
        bool operator==(stamp const&) const = default;
    };

    [[nodiscard]] static stamp stamp_of(struct stat const& status) noexcept;
    [[nodiscard]] table const& current() const;
    void load();

    std::filesystem::path path_;
    std::uint64_t number_; // tells rings apart in the threads' copies
    stamp seen_;
    mutable std::mutex mutex_; // guards table_
    std::shared_ptr<table const> table_;
    std::atomic<std::uint64_t> generation_{0};
};

} // namespace mcp_provider::server
