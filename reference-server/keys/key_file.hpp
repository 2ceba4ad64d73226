// The key file as text: `{"version":1,"keys":[…]}`.
#pragma once

#include "keys/key_record.hpp"

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

inline constexpr std::size_t max_key_file_bytes = 16 * 1024 * 1024;
inline constexpr std::size_t max_keys = 10'000;
inline constexpr std::size_t max_label_bytes = 200;
inline constexpr std::size_t max_models_of_key = 1000;

/// The text of a key file, one key a line.
[[nodiscard]] std::string write_keys(std::vector<key_record> const& keys);

/// The keys of a file's text. *Errors*: `key_file_error` for everything that `write_keys` would not
/// have written: another version, an unknown or missing member, an id or a digest that stands
/// twice. What is not understood may be what forbids something, so nothing is skipped.
[[nodiscard]] std::vector<key_record> read_keys(std::string_view text,
                                                std::string const& file_name);

/// The keys of a file, and which version of the file they are from.
struct key_file_content {
    std::vector<key_record> keys;
    struct stat status {}; ///< zero where there is no file, and so no keys
};

/// Reads a key file; none means no keys. *Errors*: as `read_keys`, and for a file that others may
/// change or read.
[[nodiscard]] key_file_content read_key_file(std::filesystem::path const& path);

} // namespace mcp_provider::server
