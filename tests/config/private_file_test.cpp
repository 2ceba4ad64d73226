#include "config/private_file.hpp"
#include "config/temporary_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

mode_t mode_of(std::filesystem::path const& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

struct stat status_of(mode_t mode, uid_t owner) {
    struct stat status {};
    status.st_mode = S_IFREG | mode;
    status.st_uid = owner;
    return status;
}

} // namespace

TEST_CASE("a private file replaces the old one as a whole, for its owner only") {
    temporary_directory const folder;
    std::filesystem::path const file = folder.write("secret", "old");
    ::chmod(file.c_str(), 0666);
    mode_t const before = ::umask(0);

    CHECK_FALSE(replace_private_file(file, "new"));

    ::umask(before);
    CHECK(read_whole_file(file, 100).text == "new");
    CHECK(mode_of(file) == 0600);
    std::set<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator{folder.path()})
        names.insert(entry.path().filename());
    CHECK(names == std::set<std::string>{"secret"});
}

TEST_CASE("a replacement that fails leaves the old file, and nothing beside it") {
    temporary_directory const folder;
    std::filesystem::create_directory(folder.path() / "taken");

    CHECK(replace_private_file(folder.path() / "taken", "new") == std::errc::is_a_directory);
    CHECK(replace_private_file(folder.path() / "absent" / "file", "new") ==
          std::errc::no_such_file_or_directory);
    std::size_t entries = 0;
    for ([[maybe_unused]] auto const& entry : std::filesystem::directory_iterator{folder.path()})
        ++entries;
    CHECK(entries == 1);
}

TEST_CASE("a private file is created once") {
    temporary_directory const folder;
    std::filesystem::path const file = folder.path() / "secret";

    CHECK_FALSE(create_private_file(file, "first"));
    CHECK(create_private_file(file, "second") == std::errc::file_exists);

    CHECK(read_whole_file(file, 100).text == "first");
    CHECK(mode_of(file) == 0600);
}

TEST_CASE("a private folder is made with those above it, and an old one keeps its mode") {
    temporary_directory const folder;
    mode_t const before = ::umask(0);
    CHECK_FALSE(make_private_directory(folder.path() / "a" / "b"));
    ::umask(before);
    CHECK(mode_of(folder.path() / "a") == 0700);
    CHECK(mode_of(folder.path() / "a" / "b") == 0700);

    ::chmod((folder.path() / "a").c_str(), 0750);
    CHECK_FALSE(make_private_directory(folder.path() / "a"));
    CHECK(mode_of(folder.path() / "a") == 0750);

    folder.write("file", "");
    CHECK(make_private_directory(folder.path() / "file" / "below") == std::errc::file_exists);
}

TEST_CASE("a file is read up to its bound, exactly, and a pipe is not waited for") {
    temporary_directory const folder;
    std::filesystem::path const file = folder.write("file", std::string(20'000, 'x'));
    CHECK(read_whole_file(file, 20'000).text.size() == 20'000);
    CHECK(read_whole_file(file, 19'999).failure == std::errc::file_too_large);
    CHECK(read_whole_file(file, 19'999).text.empty());

    std::filesystem::path const pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(read_whole_file(pipe, 100).failure == std::errc::is_a_directory);
    CHECK(read_whole_file(folder.path(), 100).failure == std::errc::is_a_directory);
    CHECK_FALSE(read_whole_file("/dev/null", 100).failure);
    CHECK(read_whole_file(folder.path() / "absent", 100).failure ==
          std::errc::no_such_file_or_directory);
}

TEST_CASE("a secret's file is its owner's, or root's with a group that may read") {
    for (mode_t const mode : {0600U, 0400U, 0700U})
        CHECK(unsafe_mode(status_of(mode, 1000), 1000).empty());
    for (mode_t const mode : {0640U, 0620U, 0610U, 0604U, 0602U, 0601U, 0644U, 0440U})
        CHECK(unsafe_mode(status_of(mode, 1000), 1000).find("chmod 600") != std::string_view::npos);

    CHECK(unsafe_mode(status_of(0440, 0), 1000).empty());
    CHECK_FALSE(unsafe_mode(status_of(0440, 0), 0).empty());
    CHECK_FALSE(unsafe_mode(status_of(0460, 0), 1000).empty());
    CHECK_FALSE(unsafe_mode(status_of(0444, 0), 1000).empty());
}
