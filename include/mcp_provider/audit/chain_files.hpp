// The files beside and behind a hash chain: its key, its head, and what the tail of a log says after a restart.
#pragma once

#include "mcp_provider/audit/hash_chain.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::audit {

/// Owns a file descriptor. *Thread safety*: distinct objects safe, shared objects unsafe.
class descriptor {
public:
    descriptor() noexcept = default;
    explicit descriptor(int number) noexcept : number_{number} {}
    descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    [[nodiscard]] int get() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

namespace detail {

[[nodiscard]] inline std::error_code last_error() noexcept {
    return {errno, std::system_category()};
}

inline void write_all(int file, std::string_view text) {
    while (!text.empty()) {
        ssize_t const written = ::write(file, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) throw std::system_error{last_error()};
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Up to `most` bytes from `offset`; fewer only at the end of the file or on an error.
inline std::size_t read_at(int file, char* out, std::size_t most, std::uint64_t offset) noexcept {
    std::size_t done = 0;
    while (done != most) {
        ssize_t const got =
            ::pread(file, out + done, most - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

inline constexpr std::string_view key_file_start = "mcp-local-provider-audit-key-v1:";

} // namespace detail

/// Reads the initial key of a chain.
/// *Errors*: `std::system_error` where the file cannot be read; `std::runtime_error` where it is no key, or where other
/// users may read it.
[[nodiscard]] inline chain_key read_key(std::string const& path) {
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) throw std::system_error{detail::last_error(), "audit key " + path};
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        throw std::system_error{detail::last_error(), "audit key " + path};
    if ((status.st_mode & 077U) != 0)
        throw std::runtime_error{"audit key " + path +
                                 " is open to other users; allowed is mode 0600"};
    std::array<char, 128> text;
    std::string_view const start = detail::key_file_start;
    std::string_view found{text.data(), detail::read_at(file.get(), text.data(), text.size(), 0)};
    if (found.ends_with('\n')) found.remove_suffix(1);
    chain_key key{};
    bool const sound =
        found.starts_with(start) && crypto::hex_decode_into(key, found.substr(start.size()));
    wipe(text.data(), text.size());
    if (!sound)
        throw std::runtime_error{"audit key " + path + " is damaged, or of another version"};
    return key;
}

/// Reads the initial key of a chain; makes one, mode 0600, where there is none yet. Of two processes that make one at a
/// time both get the same. *Errors*: as `read_key`.
[[nodiscard]] inline chain_key read_or_make_key(std::string const& path) {
    if (::access(path.c_str(), F_OK) == 0) return read_key(path);
    std::string const fresh = path + ".new." + std::to_string(::getpid());
    {
        descriptor const file{
            ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file) throw std::system_error{detail::last_error(), "audit key " + fresh};
        chain_key key = crypto::random_bytes<32>();
        std::string text{detail::key_file_start};
        crypto::append_hex(text, crypto::as_text(key));
        text += '\n';
        wipe(key.data(), key.size());
        detail::write_all(file.get(), text);
        wipe(text.data(), text.size());
        if (::fsync(file.get()) != 0)
            throw std::system_error{detail::last_error(), "audit key " + fresh};
    }
    // link(2) does not replace: who comes second takes the key of the first.
    bool const linked = ::link(fresh.c_str(), path.c_str()) == 0 || errno == EEXIST;
    std::error_code const failure = detail::last_error();
    ::unlink(fresh.c_str());
    if (!linked) throw std::system_error{failure, "audit key " + path};
    return read_key(path);
}

/// A file of one line that follows the head of a chain, so that the chain goes on where the log was rotated away, and
/// its loss is noticed. Rewritten in place with one small write a batch.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class head_file {
public:
    head_file() noexcept = default;
    /// *Errors*: `std::system_error`.
    explicit head_file(std::string const& path)
        : file_{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)} {
        if (!file_) throw std::system_error{detail::last_error(), "audit head " + path};
    }

    /// False where the file could not be written; the log itself is not concerned.
    bool store(anchor const& head) noexcept {
        if (!file_) return true;
        std::array<char, size> text;
        text.fill('0');
        put(text.data(), head.seq);
        text[digits] = ' ';
        std::string_view const hex = "0123456789abcdef";
        for (std::size_t i = 0; i != head.mac.size(); ++i) {
            text[digits + 1 + 2 * i] = hex[head.mac[i] >> 4U];
            text[digits + 2 + 2 * i] = hex[head.mac[i] & 15U];
        }
        text[size - 1] = '\n';
        return ::pwrite(file_.get(), text.data(), text.size(), 0) ==
               static_cast<ssize_t>(text.size());
    }

    /// What was stored last; nothing where there is no such file or it is damaged.
    [[nodiscard]] static std::optional<anchor> read(std::string const& path) noexcept {
        descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        std::array<char, size> text;
        if (!file || detail::read_at(file.get(), text.data(), size, 0) != size) return std::nullopt;
        std::string_view const all{text.data(), size};
        anchor found;
        bool const sound = get(all.substr(0, digits), found.seq) && all[digits] == ' ' &&
                           crypto::hex_decode_into(found.mac, all.substr(digits + 1, 64)) &&
                           all.back() == '\n';
        if (!sound || found.seq == 0 || found.seq > max_seq) return std::nullopt;
        return found;
    }

private:
    static constexpr std::size_t digits = 20;
    static constexpr std::size_t size = digits + 1 + 64 + 1;

    static void put(char* out, std::uint64_t number) noexcept {
        for (std::size_t at = digits; number != 0; number /= 10)
            out[--at] = static_cast<char>('0' + number % 10);
    }
    static bool get(std::string_view text, std::uint64_t& number) noexcept {
        auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
        return failure == std::errc{} && end == text.data() + text.size();
    }

    descriptor file_;
};

/// The end of a log file.
struct log_tail {
    bool empty = true;          ///< no file, no regular file, or nothing in it
    std::optional<anchor> last; ///< the last record that is sound under the key
    std::optional<crypto::digest>
        torn; ///< of the bytes after the last line feed, where there are any
};

/// Reads the end of a log: the last mebibyte, which holds at least one whole record.
[[nodiscard]] inline log_tail read_tail(std::string const& path, chain_key const& initial) {
    constexpr std::uint64_t most = 1024 * 1024;
    log_tail tail;
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size == 0)
        return tail;
    tail.empty = false;
    auto const end = static_cast<std::uint64_t>(status.st_size);
    std::uint64_t const begin = end - std::min(end, most);
    std::string text(static_cast<std::size_t>(end - begin), '\0');
    text.resize(detail::read_at(file.get(), text.data(), text.size(), begin));

    std::string_view lines{text};
    std::string_view const remains = lines.substr(lines.rfind('\n') + 1); // npos + 1 is 0
    if (!remains.empty()) tail.torn = crypto::sha256(remains);
    lines.remove_suffix(remains.size());
    // A few tries only: a forged line may claim a place whose key is far to walk to.
    for (int tries = 16; tries != 0 && !lines.empty() && !tail.last;) {
        lines.remove_suffix(1);
        std::string_view const line = lines.substr(lines.rfind('\n') + 1);
        lines.remove_suffix(line.size());
        auto const parts = take_apart(line);
        if (!parts) continue;
        --tries;
        epoch_key key{initial};
        key.advance_to(epoch_of(parts->seq));
        if (key.mac(parts->sealed) == parts->mac) tail.last = anchor{parts->seq, parts->mac};
    }
    return tail;
}

} // namespace mcp_provider::audit
