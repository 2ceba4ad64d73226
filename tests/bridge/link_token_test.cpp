#include "bridge/link_token.hpp"
#include "bridge/linked.hpp"
#include "config/temporary_directory.hpp"

#include <chrono>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::bridge;
using namespace std::chrono_literals;

namespace {

/// A file with the token, as `token rotate bridge` leaves it.
class token_file {
public:
    explicit token_file(std::string const& token) { write(token); }
    void write(std::string const& text) {
        path = folder_.write("bridge.token", text + "\n");
        std::filesystem::permissions(path, std::filesystem::perms::owner_read |
                                               std::filesystem::perms::owner_write);
    }
    std::filesystem::path path;

private:
    ::temporary_directory folder_;
};

} // namespace

TEST_CASE("only the token itself is known") {
    link_keys keys{settings_with(0)};
    std::string const good = first_token;

    REQUIRE(keys.find(good));
    CHECK(keys.find(good)->may.has(scope::generate));
    CHECK(keys.find(good)->id.find(good) == std::string::npos);
    for (std::string const& wrong :
         {std::string{}, good.substr(1), good + "x", std::string{second_token}})
        CHECK_FALSE(keys.find(wrong));
}

TEST_CASE("a replaced token is known at once, and the old one until its grace time has passed") {
    token_file file{first_token};
    steady_time now{1000h};
    link_keys keys{settings_with(0, file.path), [&] { return now; }};
    auto const old = keys.find(first_token);
    REQUIRE(old);

    file.write(second_token);
    now += 1s;
    auto const fresh = keys.find(second_token);

    REQUIRE(fresh);
    CHECK(fresh->id != old->id);
    now += link_keys::grace - 1ms;
    keys.reload();
    CHECK(keys.find(first_token));
    CHECK(keys.still_accepts(old->id));
    now += 1ms;
    keys.reload();
    CHECK_FALSE(keys.find(first_token));
    CHECK_FALSE(keys.still_accepts(old->id));
    CHECK(keys.still_accepts(fresh->id));
}

TEST_CASE("a token file that is gone, open to others or weak leaves the token of before in force") {
    token_file file{first_token};
    link_token token{settings_with(0, file.path)};
    CHECK_FALSE(token.reload());

    file.write("weak");
    CHECK_FALSE(token.reload());
    file.write(second_token);
    std::filesystem::permissions(file.path, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    CHECK_FALSE(token.reload());
    std::filesystem::remove(file.path);
    CHECK_FALSE(token.reload());
    CHECK(token.reveal() == first_token);
    file.write(second_token);
    CHECK(token.reload());
    CHECK(token.reveal() == second_token);
    CHECK_FALSE(token.reload());
}

TEST_CASE("a token that stands in the configuration itself is never looked for in a file") {
    link_token token{settings_with(0)};

    CHECK_FALSE(token.reload());
    CHECK(token.reveal() == first_token);
}
