#include "backup/archive.hpp"
#include "backup/backup.hpp"
#include "commands/stage.hpp"
#include "incident/control_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider::server;
namespace fs = std::filesystem;

std::string content_of(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}
void write(fs::path const& path, std::string_view text) {
    std::ofstream{path, std::ios::binary} << text;
    ::chmod(path.c_str(), 0600);
}

/// An archive with these members.
fs::path archive_of(fs::path const& folder, std::map<std::string, std::string> const& members) {
    fs::path const path = folder / "a.tar";
    backup::archive_writer archive{path};
    for (auto const& [name, text] : members) {
        write(folder / "member", text);
        int const file = ::open((folder / "member").c_str(), O_RDONLY | O_CLOEXEC);
        archive.add(name, file, text.size());
        ::close(file);
    }
    archive.finish();
    return path;
}

std::map<std::string, std::string> members_of(fs::path const& archive) {
    std::map<std::string, std::string> members;
    backup::read_archive(archive, [&](std::string const& name) -> backup::member_sink {
        members[name];
        return [&members, name](std::string_view bytes) { members[name] += bytes; };
    });
    return members;
}

bool is_whole(fs::path const& archive) {
    try {
        (void)backup::verify(archive);
        return true;
    } catch (backup::archive_error const&) {
        return false;
    }
}

/// An installation with a key, a block and an audit log.
struct installation : stage {
    installation() {
        fs::create_directories(state());
        ::chmod(state().c_str(), 0700);
        REQUIRE(run({"token", "create", "--label", "editor"}).code == 0);
        REQUIRE(run({"block", "add", "uid:7", "--for", "52w"}).code == 0);
    }
    fs::path back_up() {
        outcome const made = run({"backup", (folder.path() / "backups").string()});
        REQUIRE(made.code == 0);
        return made.out.substr(0, made.out.find('\n'));
    }
};

} // namespace

TEST_CASE("an archive gives back what went in, whatever the sizes") {
    temporary_directory const folder;
    std::map<std::string, std::string> const members{{"state/empty", ""},
                                                     {"state/one", "x"},
                                                     {"state/block", std::string(512, 'b')},
                                                     {"state/more", std::string(513, 'c')},
                                                     {"state/large", std::string(700'001, 'd')}};
    fs::path const path = archive_of(folder.path(), members);
    CHECK(members_of(path) == members);
    CHECK((fs::status(path).permissions() & fs::perms::mask) ==
          (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("an archive is one that tar reads") {
    temporary_directory const folder;
    fs::path const path = archive_of(folder.path(), {{"state/keys.json", "{}\n"}});
    std::string const command = "tar -tf '" + path.string() + "' 2>&1";
    std::FILE* const listing = ::popen(command.c_str(), "r");
    REQUIRE(listing != nullptr);
    std::array<char, 256> text{};
    std::size_t const size = std::fread(text.data(), 1, text.size(), listing);
    CHECK(::pclose(listing) == 0);
    CHECK(std::string_view{text.data(), size} == "state/keys.json\nSHA256\n");
}

TEST_CASE("no flipped bit and no missing or added byte passes for a whole archive") {
    temporary_directory const folder;
    fs::path const path =
        archive_of(folder.path(), {{"state/a", "some text"}, {"state/b", std::string(600, 'x')}});
    std::string const good = content_of(path);
    REQUIRE(is_whole(path));
    for (std::size_t at = 0; at != good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
        write(path, bad);
        REQUIRE_MESSAGE(!is_whole(path), "byte " << at);
    }
    for (std::size_t size = 0; size < good.size(); size += 7) {
        write(path, std::string_view{good}.substr(0, size));
        REQUIRE(!is_whole(path));
    }
    write(path, good + '\0');
    CHECK(!is_whole(path));
    write(path, good);
    CHECK(is_whole(path));
}

TEST_CASE("an archive that reaches outside is refused") {
    temporary_directory const folder;
    for (std::string const name : {"state/../x", "/etc/passwd", "state/..", "other/x", "state/"})
        CHECK(!is_whole(archive_of(folder.path(), {{name, "x"}})));
}

TEST_CASE("an archive that is not finished is not there") {
    temporary_directory const folder;
    {
        backup::archive_writer unfinished{folder.path() / "b.tar"};
        CHECK(!fs::exists(folder.path() / "b.tar"));
    }
    CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("a restored installation has the same keys, blocks and audit chain") {
    installation before;
    fs::path const archive = before.back_up();
    CHECK(before.run({"backup", "verify", archive.string()}).code == 0);

    stage after;
    outcome const done = after.run({"restore", archive.string()});
    CHECK(done.code == 0);
    CHECK(content_of(after.state() / "keys.json") == content_of(before.state() / "keys.json"));
    CHECK(after.run({"block", "list"}).out.find("uid:7") != std::string::npos);
    CHECK(after.run({"audit", "verify"}).code == 0);
    CHECK(after.run({"scan"}).code == 0);
}

TEST_CASE("what a restore replaces is moved away, not lost") {
    installation here;
    fs::path const archive = here.back_up();
    REQUIRE(here.run({"block", "add", "uid:8"}).code == 0);
    outcome const done = here.run({"restore", archive.string()});
    CHECK(done.code == 0);
    CHECK(here.run({"block", "list"}).out.find("uid:8") == std::string::npos);
    auto const at = done.err.find("before-restore-");
    REQUIRE(at != std::string::npos);
    fs::path const moved = here.state() / done.err.substr(at, done.err.find('\n', at) - at);
    CHECK(content_of(moved / "state.json").find("uid:8") != std::string::npos);
}

TEST_CASE("a damaged archive restores nothing, and a running server's state is left alone") {
    installation here;
    fs::path const archive = here.back_up();
    std::string const keys = content_of(here.state() / "keys.json");
    std::string bytes = content_of(archive);
    bytes[bytes.size() / 2] ^= 1;
    write(archive.string() + ".bad", bytes);
    CHECK(here.run({"restore", archive.string() + ".bad"}).code == 1);
    CHECK(here.run({"backup", "verify", archive.string() + ".bad"}).code == 1);
    CHECK(content_of(here.state() / "keys.json") == keys);

    control_file const running{here.state(), run_mode::serve};
    outcome const refused = here.run({"restore", archive.string()});
    CHECK(refused.code == 1);
    CHECK(refused.err.find("stop it first") != std::string::npos);
}

TEST_CASE("an audit log is copied up to its last whole line") {
    installation here;
    std::ofstream{here.state() / "audit.jsonl", std::ios::app} << "{\"v\":1,\"seq\":99,\"half";
    auto const members = members_of(here.back_up());
    REQUIRE(members.contains("state/audit.jsonl"));
    CHECK(members.at("state/audit.jsonl").ends_with("}\n"));
}

TEST_CASE("only the newest backups are kept, and other files are left alone") {
    installation here;
    fs::path const folder = here.folder.path() / "backups";
    fs::create_directories(folder);
    write(folder / "notes.txt", "mine");
    for (int i = 0; i != 4; ++i) {
        REQUIRE(here.run({"backup", folder.string(), "--keep", "2"}).code == 0);
        here.now += std::chrono::seconds{1};
    }
    std::size_t archives = 0;
    for (auto const& entry : fs::directory_iterator{folder})
        archives += entry.path().extension() == ".tar" ? 1U : 0U;
    CHECK(archives == 2);
    CHECK(fs::exists(folder / "notes.txt"));
    CHECK(here.run({"backup"}).code == 2);
}
