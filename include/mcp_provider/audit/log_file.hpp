// A log file that is appended to: whole lines in few writes, and none lost or doubled when it is reopened.
#pragma once

#include "mcp_provider/audit/chain_files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::audit {

/// Appends text to a file that it holds locked, so that no second writer can fork the chain. Text that the file does
/// not take stays pending, and is offered again; so the caller must not add much while `pending()`.
/// *Thread safety*: shared objects unsafe; one writer thread owns it.
class log_file {
public:
    /// Opens, or makes with mode 0600. *Errors*: `std::system_error`, also where another process holds the file.
    explicit log_file(std::string path) : path_{std::move(path)} {
        std::error_code failure;
        file_ = open(path_, failure);
        if (failure) throw std::system_error{failure, "audit log " + path_};
    }

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    /// What is still to be written: the caller appends whole lines here and calls `write`.
    [[nodiscard]] std::string& buffer() noexcept { return buffer_; }
    [[nodiscard]] bool pending() const noexcept { return written_ != buffer_.size(); }

    /// Offers what is pending to the file, in one system call where it takes all.
    /// *Errors*: what the file said (ENOSPC, EIO); the rest stays pending.
    [[nodiscard]] std::error_code write() noexcept {
        while (pending()) {
            ssize_t const taken =
                ::write(file_.get(), buffer_.data() + written_, buffer_.size() - written_);
            if (taken < 0 && errno == EINTR) continue;
            if (taken <= 0)
                return taken < 0 ? detail::last_error() : std::make_error_code(std::errc::io_error);
            written_ += static_cast<std::size_t>(taken);
        }
        buffer_.clear();
        written_ = 0;
        return {};
    }

    /// Opens the path again after a rotation. A line of which the old file took a part begins anew in the new file.
    /// Returns whether it is another file now. *Errors*: the old file stays in use.
    [[nodiscard]] bool reopen(std::error_code& failure) noexcept {
        struct stat old {};
        struct stat now {};
        bool const same = ::stat(path_.c_str(), &now) == 0 && ::fstat(file_.get(), &old) == 0 &&
                          now.st_dev == old.st_dev && now.st_ino == old.st_ino;
        failure.clear();
        if (same) return false;
        descriptor next = open(path_, failure);
        if (failure) return false;
        ::fsync(file_.get());
        file_ = std::move(next);
        std::size_t const line =
            std::string_view{buffer_}.substr(0, written_).rfind('\n') + 1; // npos + 1 is 0
        buffer_.erase(0, line);
        written_ = 0;
        return true;
    }

    void sync() noexcept { ::fdatasync(file_.get()); }

private:
    [[nodiscard]] static descriptor open(std::string const& path,
                                         std::error_code& failure) noexcept {
        descriptor file{
            ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600)};
        if (!file) failure = detail::last_error();
        // Pipes and terminals know no locks, and need none.
        else if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
            failure = detail::last_error();
        return file;
    }

    std::string path_;
    descriptor file_;
    std::string buffer_;
    std::size_t written_ = 0;
};

} // namespace mcp_provider::audit
