#include "backup/backup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server::backup {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view state_prefix = "state/";
constexpr std::string_view audit_prefix = "audit/";
constexpr std::string_view configuration_prefix = "configuration/";
constexpr std::string_view name_start = "mcp-local-provider-";
constexpr std::string_view name_end = ".tar";

/// A file to be copied, held open: whatever becomes of its name, these are its bytes.
class source {
public:
    source(std::string its_name, fs::path const& path)
        : name{std::move(its_name)}, file_{::open(path.c_str(),
                                                  O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)} {
        struct stat status {};
        if (file_ < 0 || ::fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) return;
        inode = status.st_ino;
        is_regular = true;
    }
    source(source&& other) noexcept
        : name{std::move(other.name)}, inode{other.inode},
          is_regular{other.is_regular}, file_{std::exchange(other.file_, -1)} {}
    source& operator=(source&&) = delete;
    ~source() {
        if (file_ >= 0) ::close(file_);
    }

    [[nodiscard]] int file() const noexcept { return file_; }
    [[nodiscard]] std::uint64_t size() const noexcept {
        struct stat status {};
        return ::fstat(file_, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    }
    /// The size up to the last line feed.
    [[nodiscard]] std::uint64_t whole_lines() const {
        std::uint64_t end = size();
        std::array<char, 64 * 1024> tail;
        while (end != 0) {
            auto const most = static_cast<std::size_t>(std::min<std::uint64_t>(tail.size(), end));
            ssize_t const got = ::pread(file_, tail.data(), most, static_cast<off_t>(end - most));
            if (got != static_cast<ssize_t>(most)) return 0;
            for (std::size_t i = most; i-- != 0;)
                if (tail[i] == '\n') return end - most + i + 1;
            end -= most;
        }
        return 0;
    }

    std::string name;
    ino_t inode = 0;
    bool is_regular = false;

private:
    int file_;
};

bool belongs_to_log(std::string const& name, std::string const& log) {
    return name == log || name.starts_with(log + '.') || name.starts_with(log + '-');
}

/// What belongs to a process, not to the installation.
bool is_passing(std::string_view name) {
    return name.ends_with(".lock") || name == "control.json" || name == "bridge-control.json" ||
           name.find(".new-") != std::string_view::npos ||
           name.find(".new.") != std::string_view::npos;
}

/// Opens everything, the logs last.
std::vector<source> open_all(config const& settings, sources const& from) {
    std::vector<source> found;
    std::string const log = settings.audit.file.filename().string();
    bool const log_is_inside = settings.audit.file.parent_path() == settings.state_directory;
    auto const add_folder = [&](fs::path const& folder, std::string_view prefix, bool logs) {
        std::vector<fs::path> paths;
        std::error_code failure;
        for (auto const& entry : fs::directory_iterator{folder, failure})
            paths.push_back(entry.path());
        if (failure) throw archive_error{folder.string() + ": " + failure.message()};
        std::sort(paths.begin(), paths.end());
        for (fs::path const& path : paths) {
            std::string const name = path.filename().string();
            if (is_passing(name) || belongs_to_log(name, log) != logs) continue;
            source one{std::string{prefix} + name, path};
            if (one.is_regular) found.push_back(std::move(one));
        }
    };
    // Heads before logs: a log that is copied later reaches them.
    add_folder(settings.state_directory, state_prefix, false);
    for (auto const& [path, name] :
         {std::pair{from.env_file.value_or(".env"), "env"},
          std::pair{from.security_file.value_or("config/security.yaml"), "security.yaml"}}) {
        source one{std::string{configuration_prefix} + name, path};
        if (one.is_regular) found.push_back(std::move(one));
    }
    if (settings.audit.key_file.parent_path() != settings.state_directory) {
        source key{std::string{audit_prefix} + "key", settings.audit.key_file};
        if (key.is_regular) found.push_back(std::move(key));
    }
    if (settings.audit.enabled)
        add_folder(settings.audit.file.parent_path(), log_is_inside ? state_prefix : audit_prefix,
                   true);
    return found;
}

std::set<ino_t> inodes_of(std::vector<source> const& all) {
    std::set<ino_t> inodes;
    for (source const& one : all) inodes.insert(one.inode);
    return inodes;
}

std::string time_in_name(moment when) {
    std::string text = to_text(when); // 2026-11-23T02:49:17Z
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

bool is_archive_name(std::string_view name) {
    return name.starts_with(name_start) && name.ends_with(name_end);
}

void move_file(fs::path const& from, fs::path const& to) {
    std::error_code failure;
    fs::rename(from, to, failure);
    if (failure)
        throw archive_error{from.string() + " cannot be moved to " + to.string() + ": " +
                            failure.message()};
}

void make_folder(fs::path const& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
        throw archive_error{path.string() + ": " + std::strerror(errno)};
}

/// A member's file while it is unpacked.
class unpacked {
public:
    explicit unpacked(fs::path path)
        : path_{std::move(path)}, file_{::open(path_.c_str(),
                                               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                                               0600)} {
        if (file_ < 0) fail();
    }
    unpacked(unpacked const&) = delete;
    unpacked& operator=(unpacked const&) = delete;
    ~unpacked() {
        if (file_ >= 0) {
            ::fsync(file_);
            ::close(file_);
        }
    }
    void write(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t const written = ::write(file_, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) fail();
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
    }

private:
    [[noreturn]] void fail() const {
        throw archive_error{path_.string() + " cannot be written: " + std::strerror(errno)};
    }
    fs::path path_;
    int file_;
};

/// Where a member of an archive goes below the folder that it is unpacked into; empty for what no backup holds.
fs::path place_of(std::string const& member) {
    for (std::string_view const prefix : {state_prefix, audit_prefix, configuration_prefix}) {
        if (!std::string_view{member}.starts_with(prefix)) continue;
        std::string const name = member.substr(prefix.size());
        if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
            return {};
        return fs::path{std::string{prefix.substr(0, prefix.size() - 1)}} / name;
    }
    return {};
}

} // namespace

fs::path make(config const& settings, sources const& from, fs::path const& folder, moment now) {
    make_folder(folder);
    // A rotation between listing and opening would leave a file out: then everything is opened once more.
    std::vector<source> all = open_all(settings, from);
    for (int tries = 0; tries != 10; ++tries) {
        std::vector<source> again = open_all(settings, from);
        if (inodes_of(again) == inodes_of(all)) break;
        all.swap(again);
    }
    fs::path path = folder / (std::string{name_start} + time_in_name(now) + std::string{name_end});
    for (int copy = 2; fs::exists(path); ++copy)
        path = folder / (std::string{name_start} + time_in_name(now) + "-" + std::to_string(copy) +
                         std::string{name_end});
    archive_writer archive{path};
    std::string const log = settings.audit.file.filename().string();
    for (source const& one : all) {
        bool const is_log = one.name.ends_with('/' + log);
        archive.add(one.name, one.file(), is_log ? one.whole_lines() : one.size());
    }
    archive.finish();
    return path;
}

std::size_t thin_out(fs::path const& folder, std::size_t keep) {
    std::vector<fs::path> archives;
    for (auto const& entry : fs::directory_iterator{folder})
        if (is_archive_name(entry.path().filename().string())) archives.push_back(entry.path());
    std::sort(archives.begin(), archives.end()); // the names are in the order of time
    std::size_t removed = 0;
    for (; archives.size() - removed > keep; ++removed) fs::remove(archives[removed]);
    return removed;
}

std::vector<std::string> verify(fs::path const& archive) {
    std::vector<std::string> names;
    read_archive(archive, [&](std::string const& name) -> member_sink {
        if (place_of(name).empty())
            throw archive_error{archive.string() + " holds " + name + ", which no backup does"};
        names.push_back(name);
        return nullptr;
    });
    return names;
}

restored restore(config const& settings, fs::path const& archive, moment now) {
    static_cast<void>(verify(archive));
    fs::path const& home = settings.state_directory;
    fs::path const fresh = home / (".restore-" + time_in_name(now));
    std::error_code ignored;
    fs::remove_all(fresh, ignored); // of a restore that was killed
    make_folder(fresh);
    for (std::string_view const part : {"state", "audit", "configuration"})
        make_folder(fresh / part);
    std::shared_ptr<unpacked> current;
    read_archive(archive, [&](std::string const& name) -> member_sink {
        current.reset();
        current = std::make_shared<unpacked>(fresh / place_of(name));
        return [current](std::string_view bytes) { current->write(bytes); };
    });
    current.reset();

    restored done;
    fs::path const before = home / ("before-restore-" + time_in_name(now));
    auto const move_away = [&](fs::path const& folder, auto const& concerns) {
        std::vector<fs::path> there;
        for (auto const& entry : fs::directory_iterator{folder})
            if (entry.is_regular_file() && concerns(entry.path().filename().string()))
                there.push_back(entry.path());
        for (fs::path const& path : there) {
            make_folder(before);
            done.before = before;
            move_file(path, before / path.filename());
        }
    };
    move_away(home, [](std::string const& name) { return !is_passing(name); });
    std::string const log = settings.audit.file.filename().string();
    bool const log_is_inside = settings.audit.file.parent_path() == home;
    if (!log_is_inside && fs::is_directory(settings.audit.file.parent_path()))
        move_away(settings.audit.file.parent_path(),
                  [&](std::string const& name) { return belongs_to_log(name, log); });

    for (auto const& entry : fs::directory_iterator{fresh / "state"}) {
        move_file(entry.path(), home / entry.path().filename());
        done.files.push_back(entry.path().filename().string());
    }
    for (auto const& entry : fs::directory_iterator{fresh / "audit"}) {
        std::string const name = entry.path().filename().string();
        fs::path to = settings.audit.key_file;
        if (name != "key") {
            to = settings.audit.file.parent_path() / name;
            make_folder(to.parent_path());
        }
        move_file(entry.path(), to);
        done.files.push_back(to.string());
    }
    if (!fs::is_empty(fresh / "configuration")) {
        done.configuration = home / ("restored-configuration-" + time_in_name(now));
        move_file(fresh / "configuration", done.configuration);
    }
    fs::remove_all(fresh);
    std::sort(done.files.begin(), done.files.end());
    return done;
}

} // namespace mcp_provider::server::backup
