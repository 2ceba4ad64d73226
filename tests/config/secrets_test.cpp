// Secrets: those that are configured, those that stand in files, and those that the server makes.
#include "config/installation.hpp"
#include "config/load.hpp"

#include <sys/stat.h>

#include <fstream>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

mode_t mode_of(std::filesystem::path const& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

} // namespace

TEST_CASE("a bridge token that can be guessed is refused, and how to make a good one is said") {
    struct {
        std::string_view token;
        std::string_view message;
    } const bad[] = {
        {"CHANGE_THIS_SECRET_TOKEN_NOW", "is the placeholder, which everybody knows"},
        {"change_this_secret_token_now", "is the placeholder, which everybody knows"},
        {"", "is empty"},
        {short_token, "has about 126 bits of entropy"},
        {"abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc", "has about 12 bits of entropy"},
        {"11111111111111111111111111111111111111111111", "has about 3 bits of entropy"},
        {"'two words Vp3xR7mQ2kZ8tB5nW1cY6h'",
         "has a space or another character outside of printable ASCII"},
    };
    for (auto const& one : bad) {
        CAPTURE(one.token);
        installation const given{"MCP_BRIDGE_TOKEN=" + std::string{one.token} + "\n"};
        for (run_mode const mode : {run_mode::serve, run_mode::adapter, run_mode::bridge}) {
            problem const told = only_problem(load(given.from, mode));
            CHECK(told.key == "MCP_BRIDGE_TOKEN");
            CHECK(told.message == one.message);
            CHECK(told.allowed.find("mcp-local-provider token rotate bridge") != std::string::npos);
            CHECK(told.value == (one.token.empty() ? "" : "********"));
        }
    }
}

TEST_CASE("a bridge token of 22 base64 characters is strong enough") {
    installation const given{"MCP_BRIDGE_TOKEN=" + std::string{good_token} + "\n"};

    CHECK(load(given.from, run_mode::bridge).settings != nullptr);
}

TEST_CASE("adapter and bridge do not start without a token, serve needs none") {
    installation const given;

    CHECK(load(given.from, run_mode::serve).settings != nullptr);
    for (run_mode const mode : {run_mode::adapter, run_mode::bridge}) {
        problem const told = only_problem(load(given.from, mode));
        CHECK(told.key == "MCP_BRIDGE_TOKEN");
        CHECK(told.message.starts_with("is not set"));
    }
}

TEST_CASE("load changes nothing on disk") {
    installation const given;

    loaded const outcome = load(given.from, run_mode::serve);

    REQUIRE(outcome.settings != nullptr);
    CHECK(outcome.settings->bridge.token.empty());
    CHECK_FALSE(std::filesystem::exists(given.folder.path() / "state"));
}

TEST_CASE("serve without configuration makes its own secrets, for its user only") {
    installation const given;

    loaded const outcome = make_own_secrets(given.from, run_mode::serve);

    REQUIRE(outcome.settings != nullptr);
    CHECK(outcome.settings->bridge.token.reveal().size() == 43);
    CHECK(outcome.settings->audit.key_file == given.state() / "audit.key");
    CHECK(mode_of(given.state()) == 0700);
    CHECK(mode_of(given.state() / "bridge.token") == 0600);
    CHECK(mode_of(given.state() / "audit.key") == 0600);
}

TEST_CASE("secrets that were made are found again, by the adapter and the bridge too") {
    installation const given;
    loaded const first = make_own_secrets(given.from, run_mode::serve);

    loaded const again = make_own_secrets(given.from, run_mode::serve);
    loaded const adapter = load(given.from, run_mode::adapter);

    REQUIRE(again.settings != nullptr);
    REQUIRE(adapter.settings != nullptr);
    CHECK(again.settings->bridge.token.reveal() == first.settings->bridge.token.reveal());
    CHECK(adapter.settings->bridge.token.reveal() == first.settings->bridge.token.reveal());
}

TEST_CASE("a state file that others can read, or that holds rubbish, is a problem") {
    installation const given;
    REQUIRE(make_own_secrets(given.from, run_mode::serve).settings != nullptr);
    std::filesystem::path const token = given.state() / "bridge.token";

    ::chmod(token.c_str(), 0644);
    CHECK(only_problem(load(given.from, run_mode::serve)).message ==
          "can be read or changed by every user; run chmod 600");
    ::chmod(token.c_str(), 0600);
    std::ofstream{token} << "short\n";
    CHECK(only_problem(load(given.from, run_mode::serve)).message ==
          "has about 23 bits of entropy");
}

TEST_CASE("an audit key that others can read, or that is none, is a problem") {
    installation const given;
    REQUIRE(make_own_secrets(given.from, run_mode::serve).settings != nullptr);
    std::filesystem::path const key = given.state() / "audit.key";

    ::chmod(key.c_str(), 0640);
    CHECK(only_problem(load(given.from, run_mode::serve)).key == "AUDIT_KEY_FILE");
    ::chmod(key.c_str(), 0600);
    CHECK(load(given.from, run_mode::serve).settings != nullptr);
    std::ofstream{key} << "rubbish\n";
    CHECK(only_problem(make_own_secrets(given.from, run_mode::serve)).key == "AUDIT_KEY_FILE");
}

TEST_CASE("a state folder that others can write to is a problem") {
    installation const given;
    std::filesystem::create_directories(given.state());
    ::chmod(given.state().c_str(), 0777);

    problem const told = only_problem(load(given.from, run_mode::serve));

    CHECK(told.key == "STATE_DIR");
    CHECK(told.message.find("chmod 700") != std::string::npos);
}

TEST_CASE("the state folder is STATE_DIR, else systemd's, else XDG's, else the home's") {
    installation given;
    given.from.environment = {{"HOME", "/home/alice"}};
    CHECK(load(given.from, run_mode::serve).settings->state_directory ==
          "/home/alice/.local/state/mcp-local-provider");

    given.from.environment.emplace_back("XDG_STATE_HOME", "relative");
    CHECK(load(given.from, run_mode::serve).settings->state_directory ==
          "/home/alice/.local/state/mcp-local-provider");

    given.from.environment.back().second = "/xdg";
    CHECK(load(given.from, run_mode::serve).settings->state_directory == "/xdg/mcp-local-provider");

    given.from.environment.emplace_back("STATE_DIRECTORY",
                                        "/var/lib/mcp-local-provider:/var/lib/other");
    CHECK(load(given.from, run_mode::serve).settings->state_directory ==
          "/var/lib/mcp-local-provider");

    given.from.environment.emplace_back("STATE_DIR", "/srv/state");
    CHECK(load(given.from, run_mode::serve).settings->state_directory == "/srv/state");

    given.from.environment.back().second = "srv/state";
    CHECK(only_problem(load(given.from, run_mode::serve)).message == "is not an absolute path");

    given.from.environment.back().second = "";
    CHECK(only_problem(load(given.from, run_mode::serve)).message == "is empty");
}

TEST_CASE("a secret may stand in a file, whose last newline does not count") {
    installation const given{"MCP_BRIDGE_TOKEN=file:token\n"};
    given.folder.write("token", std::string{good_token} + "\n");

    loaded const outcome = load(given.from, run_mode::bridge);

    REQUIRE(outcome.settings != nullptr);
    CHECK(outcome.settings->bridge.token.reveal() == good_token);
}

TEST_CASE("a secret's file that others can read is refused with the remedy") {
    installation const given{"MCP_BRIDGE_TOKEN=file:token\n"};
    std::filesystem::path const token = given.folder.write("token", good_token);

    for (mode_t const mode : {0640U, 0604U, 0660U, 0606U, 0644U}) {
        CAPTURE(mode);
        ::chmod(token.c_str(), mode);
        problem const told = only_problem(load(given.from, run_mode::bridge));
        CHECK(told.message.find("chmod 600") != std::string::npos);
        CHECK(told.line == 1);
    }
    ::chmod(token.c_str(), 0400);
    CHECK(load(given.from, run_mode::bridge).settings != nullptr);
}

TEST_CASE("a secret's file that is not there, is a folder, is weak or too large is a problem of "
          "its key") {
    installation const given{"MCP_BRIDGE_TOKEN=file:token\n"};
    CHECK(only_problem(load(given.from, run_mode::bridge))
              .message.find("cannot be read: No such file") != std::string::npos);

    std::filesystem::create_directory(given.folder.path() / "token");
    CHECK(only_problem(load(given.from, run_mode::bridge)).message.find("is no regular file") !=
          std::string::npos);
    std::filesystem::remove(given.folder.path() / "token");

    given.folder.write("token", short_token);
    CHECK(only_problem(load(given.from, run_mode::bridge)).message ==
          "has about 126 bits of entropy");

    given.folder.write("token", std::string(64 * 1024 + 1, 'a'));
    CHECK(only_problem(load(given.from, run_mode::bridge)).message.find("is larger than 64 KiB") !=
          std::string::npos);
}

TEST_CASE("only a secret may stand in a file") {
    installation const given{"LOG_LEVEL=file:level\n"};
    given.folder.write("level", "INFO");

    CHECK(only_problem(load(given.from, run_mode::serve)).value == "file:level");
}
