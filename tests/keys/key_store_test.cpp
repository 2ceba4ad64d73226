#include "config/temporary_directory.hpp"
#include "keys/key_store.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <set>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

constexpr moment now{std::chrono::seconds{1'795'000'000}};

std::string content_of(std::filesystem::path const& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

TEST_CASE("a token has its prefix and 32 random bytes, and only its digest is kept") {
    temporary_directory const folder;
    key_store const store{folder.path() / "keys.json"};

    new_key const made = store.create({"Zed", scope::generate, {"echo:latest"}, {}}, now);

    CHECK(made.token.reveal().size() == token_size);
    CHECK(made.token.reveal().starts_with("mlp_"));
    CHECK(made.record.token_digest == crypto::sha256(made.token.reveal()));
    CHECK(content_of(folder.path() / "keys.json").find(made.token.reveal()) == std::string::npos);
    CHECK(store.list() == std::vector<key_record>{made.record});
}

TEST_CASE("a key file is made for its owner only, and no temporary file stays behind") {
    temporary_directory const folder;
    std::filesystem::path const state = folder.path() / "a" / "b";
    mode_t const before = ::umask(0);

    (void)key_store{state / "keys.json"}.create({"Zed"}, now);

    ::umask(before);
    struct stat status {};
    REQUIRE(::stat((state / "keys.json").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
    REQUIRE(::stat(state.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0700);
    std::set<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator{state})
        names.insert(entry.path().filename());
    CHECK(names == std::set<std::string>{"keys.json", "keys.json.lock"});
}

TEST_CASE("a key expires its lifetime after it was made, or never") {
    temporary_directory const folder;
    key_store const store{folder.path() / "keys.json"};

    CHECK(store.create({"for a day", scope::generate, {}, 24h}, now).record.expires == now + 24h);
    CHECK_FALSE(store.create({"for good"}, now).record.expires.has_value());
}

TEST_CASE("a key is revoked once, and its record stays") {
    temporary_directory const folder;
    key_store const store{folder.path() / "keys.json"};
    std::string const id = store.create({"Zed"}, now).record.id;

    CHECK(store.revoke("key_000000000000", now) == revocation::unknown);
    CHECK(store.revoke(id, now + 1s) == revocation::done);
    CHECK(store.revoke(id, now + 2s) == revocation::was_revoked_before);
    REQUIRE(store.list().size() == 1);
    CHECK(store.list().front().revoked == now + 1s);
}

TEST_CASE("a damaged key file is not overwritten by a new key") {
    temporary_directory const folder;
    std::filesystem::path const file = folder.write("keys.json", "{\"version\":1,\"keys\":[");

    CHECK_THROWS_AS((void)key_store{file}.create({"Zed"}, now), key_file_error);
    CHECK_THROWS_AS((void)key_store{file}.revoke("key_1", now), key_file_error);
    CHECK(content_of(file) == "{\"version\":1,\"keys\":[");
}

TEST_CASE("of keys that several processes make at once none is lost") {
    temporary_directory const folder;
    key_store const store{folder.path() / "keys.json"};
    constexpr int processes = 4;
    constexpr int keys_each = 10;
    std::vector<pid_t> children;
    for (int i = 0; i < processes; ++i) {
        pid_t const child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            try {
                for (int j = 0; j < keys_each; ++j) (void)store.create({"child"}, now);
            } catch (...) {
                ::_exit(1);
            }
            ::_exit(0);
        }
        children.push_back(child);
    }
    for (pid_t const child : children) {
        int status = 1;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(status == 0);
    }

    std::set<std::string> ids;
    for (key_record const& key : store.list()) ids.insert(key.id);
    CHECK(ids.size() == processes * keys_each);
}
