// A backup as one file: a tar archive (POSIX ustar) whose last member is the SHA-256 of all before it.
#pragma once

#include "mcp_provider/crypto/digest.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mcp_provider::server::backup {

/// An archive that cannot be written, or is not whole. The message names the file and what is wrong with it.
class archive_error : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The name of the last member: its text is the digest in hexadecimal.
inline constexpr std::string_view seal_name = "SHA256";
inline constexpr std::size_t max_name_bytes = 99;

/// Writes an archive beside its final name, mode 0600; `finish` syncs it and gives it that name, so that a kill or a full
/// disk leaves no archive rather than part of one. *Errors*: `archive_error`.
class archive_writer {
public:
    explicit archive_writer(std::filesystem::path to);
    ~archive_writer();
    archive_writer(archive_writer const&) = delete;
    archive_writer& operator=(archive_writer const&) = delete;

    /// Adds the first `size` bytes of a file that is open for reading.
    void add(std::string const& name, int file, std::uint64_t size);
    void finish();

private:
    void begin(std::string const& name, std::uint64_t size);
    void pad(std::uint64_t size);
    void write(std::string_view bytes);

    std::filesystem::path to_;
    std::filesystem::path temporary_;
    int file_ = -1;
    crypto::sha256_stream digest_;
};

/// Reads an archive from its beginning to its end, and checks every byte of it: members are handed to `begin`, which
/// returns where their bytes go. Nothing may be believed before this has returned. *Errors*: `archive_error` for all that
/// `archive_writer` would not have written.
using member_sink = std::function<void(std::string_view bytes)>;
void read_archive(std::filesystem::path const& from,
                  std::function<member_sink(std::string const& name)> const& begin);

} // namespace mcp_provider::server::backup
