// Files that only their owner may see: secrets and the key file, written so that no crash leaves
// half of one.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace mcp_provider::server {

/// A file's content and what the kernel said of it when it was opened.
struct file_content {
    std::string text;
    struct stat status {};
    /// `file_too_large` beyond the bound; `is_a_directory` for what is no regular file.
    std::error_code failure;
};

/// Reads a whole regular file of at most `max_bytes`, or /dev/null. A pipe or another device is
/// refused, not waited for.
[[nodiscard]] file_content read_whole_file(std::filesystem::path const& path,
                                           std::size_t max_bytes);

/// Replaces the file by way of a temporary one in its folder: mode 0600, fsync, rename, fsync of
/// the folder. Readers see the old content or the new one, never a part.
[[nodiscard]] std::error_code replace_private_file(std::filesystem::path const& path,
                                                   std::string_view text);

/// As `replace_private_file`, but fails with `file_exists` when the file is there: of several that
/// try at once, one wins.
[[nodiscard]] std::error_code create_private_file(std::filesystem::path const& path,
                                                  std::string_view text);

/// Makes the folder with mode 0700, and those above it that are missing. One that is there keeps
/// its mode.
[[nodiscard]] std::error_code make_private_directory(std::filesystem::path const& path);

/// What is wrong with the mode of a file that holds a secret, or empty. Wrong is what lets others
/// read or write it; right is the group read bit on a file of root's, when we are not root: so
/// service managers hand secrets over.
[[nodiscard]] std::string_view unsafe_mode(struct stat const& status, uid_t we_are) noexcept;

} // namespace mcp_provider::server
