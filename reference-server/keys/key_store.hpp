// Makes, lists and revokes API keys in the key file, safely beside other processes that do so.
#pragma once

#include "keys/key_record.hpp"
#include "mcp_provider/core/secret.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// What a new key shall be.
struct key_request {
    std::string label;
    scopes may = scope::discover | scope::generate;
    std::vector<std::string> models{};              ///< empty: all
    std::optional<std::chrono::seconds> good_for{}; ///< nothing: no end
};

/// A key that was just made, with its token, which nobody can show again.
struct new_key {
    key_record record;
    secret token;
};

enum class revocation : std::uint8_t { done, was_revoked_before, unknown };

/// The key file on disk. Each change locks `FILE.lock`, reads, and replaces the file as a whole, so
/// that readers see the old keys or the new ones. *Errors*: `key_file_error`. *Thread safety*:
/// safe, also between processes.
class key_store {
public:
    explicit key_store(std::filesystem::path path) : path_{std::move(path)} {}

    /// Makes a key. Precondition: the label is not empty and within its limit.
    [[nodiscard]] new_key create(key_request const& wanted, moment now) const;

    /// Revokes a key for good; its record stays, so that the audit log's ids can be explained.
    [[nodiscard]] revocation revoke(std::string_view id, moment now) const;

    /// All keys in the order in which they were made.
    [[nodiscard]] std::vector<key_record> list() const;

private:
    std::filesystem::path path_;
};

} // namespace mcp_provider::server
