#include "backup/archive.hpp"

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace mcp_provider::server::backup {

namespace {

constexpr std::size_t block = 512;
constexpr std::size_t piece = 256 * 1024;
constexpr std::uint64_t max_member_bytes = 8ULL * 1024 * 1024 * 1024 - 1; // eleven octal digits

using header = std::array<char, block>;

struct field {
    std::size_t at;
    std::size_t size;
};
constexpr field name_field{0, 100};
constexpr field mode_field{100, 8};
constexpr field size_field{124, 12};
constexpr field sum_field{148, 8};

void put_octal(header& into, field where, std::uint64_t value) {
    for (std::size_t i = where.size - 1; i-- != 0; value >>= 3U)
        into[where.at + i] = static_cast<char>('0' + (value & 7U));
}

std::uint64_t sum_of(header const& of) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != of.size(); ++i) {
        bool const in_sum = i >= sum_field.at && i < sum_field.at + sum_field.size;
        sum += in_sum ? static_cast<unsigned char>(' ') : static_cast<unsigned char>(of[i]);
    }
    return sum;
}

/// The one header that a member of this name and size has: no times and no owners, so that it can be compared as a whole.
header make_header(std::string_view name, std::uint64_t size) {
    header out{};
    name.copy(out.data() + name_field.at, max_name_bytes);
    put_octal(out, mode_field, 0600);
    put_octal(out, {108, 8}, 0); // uid
    put_octal(out, {116, 8}, 0); // gid
    put_octal(out, size_field, size);
    put_octal(out, {136, 12}, 0); // time
    out[156] = '0';               // a regular file
    std::memcpy(out.data() + 257, "ustar\00000", 8);
    std::uint64_t const sum = sum_of(out);
    put_octal(out, {sum_field.at, 7}, sum);
    out[sum_field.at + 7] = ' ';
    return out;
}

std::string_view as_text(header const& of) { return {of.data(), of.size()}; }

std::uint64_t padding_of(std::uint64_t size) { return (block - size % block) % block; }

[[noreturn]] void fail(std::filesystem::path const& path, std::string const& what) {
    throw archive_error{path.string() + ": " + what};
}
[[noreturn]] void fail_with_errno(std::filesystem::path const& path, std::string const& doing) {
    fail(path, doing + ": " + std::strerror(errno));
}

class open_file {
public:
    explicit open_file(int number) noexcept : number_{number} {}
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    ~open_file() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const noexcept { return number_; }

private:
    int number_;
};

} // namespace

archive_writer::archive_writer(std::filesystem::path to) : to_{std::move(to)}, temporary_{to_} {
    temporary_ += ".new-" + crypto::hex_encode(crypto::as_text(crypto::random_bytes<8>()));
    file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file_ < 0) fail_with_errno(temporary_, "cannot be made");
}

archive_writer::~archive_writer() {
    if (file_ < 0) return;
    ::close(file_);
    ::unlink(temporary_.c_str());
}

void archive_writer::write(std::string_view bytes) {
    digest_.update(bytes);
    while (!bytes.empty()) {
        ssize_t const written = ::write(file_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail_with_errno(temporary_, "cannot be written");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void archive_writer::begin(std::string const& name, std::uint64_t size) {
    if (name.empty() || name.size() > max_name_bytes)
        fail(to_, "the name " + name + " is too long for an archive");
    if (size > max_member_bytes) fail(to_, name + " is too large for an archive (8 GiB)");
    write(as_text(make_header(name, size)));
}

void archive_writer::pad(std::uint64_t size) {
    std::array<char, block> const zeros{};
    write({zeros.data(), static_cast<std::size_t>(padding_of(size))});
}

void archive_writer::add(std::string const& name, int file, std::uint64_t size) {
    begin(name, size);
    std::vector<char> buffer(piece);
    for (std::uint64_t at = 0; at != size;) {
        auto const most = static_cast<std::size_t>(std::min<std::uint64_t>(piece, size - at));
        ssize_t const got = ::pread(file, buffer.data(), most, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail_with_errno(to_, name + " cannot be read");
        if (got == 0) fail(to_, name + " has become shorter while it was read");
        write({buffer.data(), static_cast<std::size_t>(got)});
        at += static_cast<std::uint64_t>(got);
    }
    pad(size);
}

void archive_writer::finish() {
    std::string const seal = crypto::hex_encode(crypto::as_text(digest_.finish())) + "\n";
    digest_ = crypto::sha256_stream{};
    begin(std::string{seal_name}, seal.size());
    write(seal);
    pad(seal.size());
    std::array<char, 2 * block> const end{};
    write({end.data(), end.size()});
    if (::fsync(file_) != 0) fail_with_errno(temporary_, "cannot be brought to the disk");
    if (::close(std::exchange(file_, -1)) != 0) fail_with_errno(temporary_, "cannot be closed");
    if (::rename(temporary_.c_str(), to_.c_str()) != 0) {
        int const why = errno;
        ::unlink(temporary_.c_str());
        errno = why;
        fail_with_errno(to_, "cannot be made");
    }
    std::filesystem::path const folder = to_.has_parent_path() ? to_.parent_path() : ".";
    open_file const parent{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (parent.get() < 0 || ::fsync(parent.get()) != 0)
        fail_with_errno(folder, "cannot be brought to the disk");
}

void read_archive(std::filesystem::path const& from,
                  std::function<member_sink(std::string const& name)> const& begin) {
    open_file const file{::open(from.c_str(), O_RDONLY | O_CLOEXEC)};
    if (file.get() < 0) fail_with_errno(from, "cannot be read");
    crypto::sha256_stream digest;
    auto const take = [&](char* into, std::size_t size, bool counted) {
        for (std::size_t have = 0; have != size;) {
            ssize_t const got = ::read(file.get(), into + have, size - have);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) fail_with_errno(from, "cannot be read");
            if (got == 0) fail(from, "ends too early: it is not whole");
            have += static_cast<std::size_t>(got);
        }
        if (counted) digest.update({into, size});
    };
    auto const take_zeros = [&](std::uint64_t size, bool counted) {
        std::array<char, 2 * block> bytes;
        take(bytes.data(), static_cast<std::size_t>(size), counted);
        if (std::any_of(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size),
                        [](char c) { return c != 0; }))
            fail(from, "is damaged: there is something between its members");
    };

    std::vector<char> buffer(piece);
    for (;;) {
        header head;
        take(head.data(), head.size(), false);
        std::string const name{head.data(), ::strnlen(head.data(), name_field.size)};
        std::uint64_t size = 0;
        for (std::size_t i = 0; i != size_field.size - 1; ++i) {
            char const digit = head[size_field.at + i];
            if (digit < '0' || digit > '7') fail(from, "is no backup of this program, or damaged");
            size = size << 3U | static_cast<std::uint64_t>(digit - '0');
        }
        if (name.empty() || name.size() > max_name_bytes || head != make_header(name, size))
            fail(from, "is no backup of this program, or damaged");
        if (name == seal_name) {
            std::string const expected =
                crypto::hex_encode(crypto::as_text(digest.finish())) + "\n";
            std::string seal(expected.size(), '\0');
            if (size != seal.size()) fail(from, "is damaged: its seal has another size");
            take(seal.data(), seal.size(), false);
            if (seal != expected)
                fail(from, "is damaged: its bytes are not those that were sealed");
            take_zeros(padding_of(size), false);
            take_zeros(2 * block, false);
            char more = 0;
            if (::read(file.get(), &more, 1) != 0) fail(from, "goes on after its end");
            return;
        }
        digest.update(as_text(head));
        member_sink const sink = begin(name);
        for (std::uint64_t left = size; left != 0;) {
            auto const most = static_cast<std::size_t>(std::min<std::uint64_t>(piece, left));
            take(buffer.data(), most, true);
            if (sink) sink({buffer.data(), most});
            left -= most;
        }
        take_zeros(padding_of(size), true);
    }
}

} // namespace mcp_provider::server::backup
