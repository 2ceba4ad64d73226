#include "config/private_file.hpp"

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace mcp_provider::server {

namespace {

std::error_code last_error() noexcept { return {errno, std::generic_category()}; }

/// Owns a file descriptor.
class descriptor {
public:
    explicit descriptor(int number) noexcept : number_{number} {}
    descriptor(descriptor const&) = delete;
    descriptor& operator=(descriptor const&) = delete;
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

private:
    int number_;
};

std::error_code write_all(int to, std::string_view text) {
    while (!text.empty()) {
        ssize_t const written = ::write(to, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return last_error();
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

std::error_code sync_directory(std::filesystem::path const& path) {
    descriptor const folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder.is_open() || ::fsync(folder.get()) != 0) return last_error();
    return {};
}

std::filesystem::path folder_of(std::filesystem::path const& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path{"."};
}

/// A temporary file with the text in it, on disk, beside the file that it is to become.
std::error_code write_beside(std::filesystem::path const& path, std::string_view text,
                             std::filesystem::path& made) {
    made = path;
    made += ".new-" + crypto::hex_encode(crypto::as_text(crypto::random_bytes<8>()));
    descriptor const file{::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                 S_IRUSR | S_IWUSR)};
    if (!file.is_open()) return last_error();
    std::error_code failure = write_all(file.get(), text);
    if (!failure && ::fsync(file.get()) != 0) failure = last_error();
    if (failure) ::unlink(made.c_str());
    return failure;
}

} // namespace

file_content read_whole_file(std::filesystem::path const& path, std::size_t max_bytes) {
    file_content content;
    descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (!file.is_open() || ::fstat(file.get(), &content.status) != 0) {
        content.failure = last_error();
        return content;
    }
    bool const is_null =
        S_ISCHR(content.status.st_mode) && content.status.st_rdev == makedev(1, 3); // /dev/null
    if (!S_ISREG(content.status.st_mode) && !is_null) {
        content.failure = std::make_error_code(std::errc::is_a_directory);
        return content;
    }
    char piece[16 * 1024];
    for (;;) {
        ssize_t const size = ::read(file.get(), piece, sizeof piece);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) content.failure = last_error();
        if (size <= 0) return content;
        content.text.append(piece, static_cast<std::size_t>(size));
        if (content.text.size() > max_bytes) {
            content.text.clear();
            content.failure = std::make_error_code(std::errc::file_too_large);
            return content;
        }
    }
}

std::error_code replace_private_file(std::filesystem::path const& path, std::string_view text) {
    std::filesystem::path made;
    if (std::error_code const failure = write_beside(path, text, made)) return failure;
    if (::rename(made.c_str(), path.c_str()) != 0) {
        std::error_code const failure = last_error();
        ::unlink(made.c_str());
        return failure;
    }
    return sync_directory(folder_of(path));
}

std::error_code create_private_file(std::filesystem::path const& path, std::string_view text) {
    std::filesystem::path made;
    if (std::error_code const failure = write_beside(path, text, made)) return failure;
    std::error_code failure;
    if (::link(made.c_str(), path.c_str()) != 0) failure = last_error();
    ::unlink(made.c_str());
    return failure ? failure : sync_directory(folder_of(path));
}

std::error_code make_private_directory(std::filesystem::path const& path) {
    std::error_code failure;
    if (std::filesystem::is_directory(path, failure)) return {};
    if (path.has_parent_path() && path.parent_path() != path)
        if (failure = make_private_directory(path.parent_path()); failure) return failure;
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return {};
    failure = last_error();
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return {}; // another process was faster
    return failure;
}

std::string_view unsafe_mode(struct stat const& status, uid_t we_are) noexcept {
    mode_t const others = status.st_mode & (S_IRWXG | S_IRWXO);
    if (others == 0) return {};
    if (others == S_IRGRP && status.st_uid == 0 && we_are != 0) return {};
    if ((others & S_IRWXO) != 0) return "can be read or changed by every user; run chmod 600";
    return "can be read or changed by its group; run chmod 600";
}

} // namespace mcp_provider::server
