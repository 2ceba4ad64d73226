#include "commands/command_list.hpp"
#include "commands/stage.hpp"
#include "keys/key_ring.hpp"
#include "keys/key_store.hpp"
#include "mcp_provider/json/parse.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

namespace {

std::string without_newline(std::string text) {
    REQUIRE(text.ends_with('\n'));
    text.pop_back();
    return text;
}

} // namespace

TEST_CASE("token create prints the token alone on stdout, and it opens the door") {
    stage here;

    outcome const told = here.run({"token", "create", "--label", "Zed on the desk"});

    CHECK(told.code == 0);
    std::string const token = without_newline(told.out);
    CHECK(token.size() == token_size);
    CHECK(token.starts_with("mlp_"));
    CHECK(told.err.find("Zed on the desk") != std::string::npos);
    CHECK(told.err.find(token) == std::string::npos);
    auto const who = key_ring{here.state() / "keys.json"}.find(token);
    REQUIRE(who != nullptr);
    CHECK(who->label == "Zed on the desk");
    CHECK(who->may == (scope::discover | scope::generate));
    CHECK(who->models.empty());
    CHECK_FALSE(who->expires.has_value());
}

TEST_CASE("token create takes scopes, models and an end") {
    stage here;

    outcome const told =
        here.run({"token", "create", "--label", "Prometheus", "--scopes", "metrics, discover",
                  "--models", "echo:latest,gpt-4o", "--expires", "30d"});

    REQUIRE(told.code == 0);
    auto const who = key_ring{here.state() / "keys.json"}.find(without_newline(told.out));
    REQUIRE(who != nullptr);
    CHECK(who->may == (scope::metrics | scope::discover));
    CHECK(who->models == std::vector<std::string>{"echo:latest", "gpt-4o"});
    CHECK(who->expires == here.now + std::chrono::days{30});
}

TEST_CASE("token create refuses what it does not understand, and makes nothing") {
    struct {
        std::vector<std::string> options;
        std::string_view why;
    } const cases[] = {
        {{"--label", ""}, "--label must be"},
        {{"--label", "  "}, "--label must be"},
        {{"--label", "a\nb"}, "--label must be"},
        {{"--label", std::string(201, 'x')}, "--label must be"},
        {{"--label", "x", "--scopes", "genrate"},
         "there is no scope genrate; did you mean generate?"},
        {{"--label", "x", "--scopes", "root"},
         "there is no scope root; there are discover, generate"},
        {{"--label", "x", "--scopes", ""}, "--scopes must name at least one scope"},
        {{"--label", "x", "--models", "a b"}, "--models: \"a b\" has a character"},
        {{"--label", "x", "--models", "a,,b"}, "--models: \"\" is empty"},
        {{"--label", "x", "--expires", "30"}, "--expires must be a time"},
        {{"--label", "x", "--expires", "0d"}, "--expires must be a time"},
        {{"--label", "x", "--expires", "-1d"}, "--expires must be a time"},
        {{"--label", "x", "--expires", "1y"}, "--expires must be a time"},
        {{"--label", "x", "--expires", "3651d"}, "--expires must be a time"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.why);
        stage here;
        std::vector<std::string> words{"token", "create"};
        words.insert(words.end(), one.options.begin(), one.options.end());
        outcome const told = here.run(words);
        CAPTURE(told.err);
        CHECK(told.code == 2);
        CHECK(told.out.empty());
        CHECK(told.err.find(one.why) != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(here.state()));
    }
    stage here;
    CHECK(here.run({"token", "create", "--label", std::string(200, 'x'), "--expires", "3650d"})
              .code == 0);
}

TEST_CASE("token list tells state, scopes and end of each key, and never a digest") {
    stage here;
    CHECK(here.run({"token", "list"}).out.find("there are no keys") == 0);
    (void)here.run({"token", "create", "--label", "active one"});
    (void)here.run({"token", "create", "--label", "short one", "--expires", "1h"});
    (void)here.run({"token", "create", "--label", "revoked one"});
    auto const keys = key_store{here.state() / "keys.json"}.list();
    REQUIRE(keys.size() == 3);
    CHECK(here.run({"token", "revoke", keys[2].id}).code == 0);
    here.now += 1h;

    outcome const table = here.run({"token", "list"});
    outcome const as_json = here.run({"token", "list", "--json"});

    CHECK(table.code == 0);
    CHECK(table.out.find(keys[0].id + "  active   never") != std::string::npos);
    CHECK(table.out.find(keys[1].id + "  expired  2026-11-18T") != std::string::npos);
    CHECK(table.out.find(keys[2].id + "  revoked  never") != std::string::npos);
    auto const told = json::parse(as_json.out);
    REQUIRE(told.has_value());
    auto const& list = told->at("keys").as_array();
    REQUIRE(list.size() == 3);
    CHECK(list[0].at("id") == boost::json::value(keys[0].id));
    CHECK(list[0].at("state") == "active");
    CHECK(list[0].at("expires").is_null());
    CHECK(list[1].at("state") == "expired");
    CHECK(list[1].at("expires") == boost::json::value(to_text(*keys[1].expires)));
    CHECK(list[2].at("state") == "revoked");
    CHECK(list[2].at("revoked") == boost::json::value(to_text(here.now - 1h)));
    CHECK(as_json.out.find("sha256") == std::string::npos);
}

TEST_CASE("token revoke ends a key for good, and knows the ids that there are") {
    stage here;
    std::string const token = without_newline(here.run({"token", "create", "--label", "x"}).out);
    std::string const id = key_store{here.state() / "keys.json"}.list().front().id;

    outcome const unknown = here.run({"token", "revoke", "key_000000000000"});
    CHECK(unknown.code == 1);
    CHECK(unknown.err.find("there is no key key_000000000000") != std::string::npos);
    CHECK(here.run({"token", "revoke", id}).code == 0);
    CHECK(here.run({"token", "revoke", id}).err.find("was revoked before") != std::string::npos);

    CHECK(key_ring{here.state() / "keys.json"}.find(token) == nullptr);
}

TEST_CASE("a damaged key file is a matter of configuration for every token command") {
    stage here;
    std::filesystem::create_directory(here.state());
    here.folder.write("state/keys.json", "{\"version\":");
    for (std::vector<std::string> const& words : {std::vector<std::string>{"token", "list"},
                                                  {"token", "create", "--label", "x"},
                                                  {"token", "revoke", "key_1"}}) {
        outcome const told = here.run(words);
        CHECK(told.code == 78);
        CHECK(told.out.empty());
        CHECK(told.err.find("keys.json is damaged") != std::string::npos);
    }
}

TEST_CASE("token commands need STATE_DIR only: other problems do not stop them, its own do") {
    stage here;
    here.env_file =
        here.folder
            .write("bad.env", "MCP_BRIDGE_TOKEN=CHANGE_THIS_SECRET_TOKEN_NOW\nADAPTER_PORT=x\n")
            .string();
    CHECK(here.run({"token", "create", "--label", "x"}).code == 0);

    here.environment = {{"HOME", "/nonexistent"}};
    here.env_file = here.folder.write("worse.env", "STATE_DIRR=/elsewhere\n").string();
    outcome const misspelt = here.run({"token", "create", "--label", "x"});
    CHECK(misspelt.code == 78);
    CHECK(misspelt.err.find("did you mean STATE_DIR?") != std::string::npos);

    here.env_file = here.folder.write("worst.env", "rubbish\n").string();
    CHECK(here.run({"token", "list"}).code == 78);
}

TEST_CASE("token rotate bridge prints a new token that serve then has") {
    stage here;
    std::string const first = without_newline(here.run({"token", "rotate", "bridge"}).out);
    std::string const second = without_newline(here.run({"token", "rotate", "bridge"}).out);

    CHECK(first.size() == 43);
    CHECK(first != second);
    REQUIRE(here.run({"serve"}).code == 0);
    CHECK(here.started->bridge.token.reveal() == second);
}

TEST_CASE("token rotate bridge works beside the placeholder, and says that it outvotes the file") {
    stage here;
    here.env_file =
        here.folder.write(".env", "MCP_BRIDGE_TOKEN=CHANGE_THIS_SECRET_TOKEN_NOW\n").string();

    outcome const told = here.run({"token", "rotate", "bridge"});

    CHECK(told.code == 0);
    CHECK(told.err.find("warning: MCP_BRIDGE_TOKEN is set and outvotes that file") !=
          std::string::npos);
}
