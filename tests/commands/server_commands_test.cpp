#include "commands/command_list.hpp"
#include "commands/stage.hpp"
#include "mcp_provider/json/parse.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

TEST_CASE("serve starts the server with secrets of its own, and passes its exit code on") {
    stage here;
    here.server_returns = 69;

    outcome const told = here.run({"serve"});

    CHECK(told.code == 69);
    REQUIRE(here.started != nullptr);
    CHECK(here.started_as == run_mode::serve);
    CHECK(here.started->bridge.token.reveal().size() == 43);
    CHECK(std::filesystem::exists(here.state() / "audit.key"));
    CHECK(told.out.empty());
    CHECK(told.err.empty());
}

TEST_CASE("adapter and bridge start with the token that is there, not without") {
    stage here;
    outcome const without = here.run({"adapter"});
    CHECK(without.code == 78);
    CHECK(without.err.find("MCP_BRIDGE_TOKEN") != std::string::npos);
    CHECK(without.err.ends_with("nothing was started\n"));
    CHECK(here.started == nullptr);

    CHECK(here.run({"token", "rotate", "bridge"}).code == 0);
    CHECK(here.run({"adapter"}).code == 0);
    CHECK(here.started_as == run_mode::adapter);
    CHECK(here.run({"bridge"}).code == 0);
    CHECK(here.started_as == run_mode::bridge);
}

TEST_CASE("a configuration with problems starts nothing and makes nothing") {
    stage here;
    here.env_file = here.folder.write("bad.env", "ADAPTER_PORT=x\nLOG_LEVEL=y\n").string();

    outcome const told = here.run({"serve"});

    CHECK(told.code == 78);
    CHECK(here.started == nullptr);
    CHECK(told.err.find("bad.env:1: ADAPTER_PORT") != std::string::npos);
    CHECK(told.err.find("bad.env:2: LOG_LEVEL") != std::string::npos);
    CHECK(told.err.find("2 problems in the configuration") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(here.state()));
}

TEST_CASE("check-config tells the same problems, starts nothing, makes nothing") {
    stage here;
    outcome const good = here.run({"check-config"});
    CHECK(good.code == 0);
    CHECK(good.out == "the configuration is in order\n");
    CHECK_FALSE(std::filesystem::exists(here.state()));

    here.env_file = here.folder.write("bad.env", "ADAPTER_PORT=x\n").string();
    outcome const bad = here.run({"check-config"});
    CHECK(bad.code == 78);
    CHECK(bad.out.empty());
    CHECK(bad.err.find("bad.env:1: ADAPTER_PORT") != std::string::npos);
    CHECK(here.started == nullptr);
}

TEST_CASE("check-config --json prints an object in both cases") {
    stage here;
    CHECK(here.run({"check-config", "--json"}).out == "{\"problems\":[]}\n");

    here.env_file = here.folder.write("bad.env", "ADAPTER_PORT=x\n").string();
    outcome const bad = here.run({"check-config", "--json"});
    CHECK(bad.code == 78);
    CHECK(bad.err.empty());
    auto const told = json::parse(bad.out);
    REQUIRE(told.has_value());
    CHECK(told->at("problems").at(0).at("key") == "ADAPTER_PORT");
    CHECK(told->at("problems").at(0).at("line") == 1);
}

TEST_CASE("check-config is about serve unless another mode is named") {
    stage here;
    CHECK(here.run({"check-config", "--mode", "serve"}).code == 0);
    CHECK(here.run({"check-config", "--mode", "bridge"}).code == 78);
}

TEST_CASE("check-config finds a damaged key file too") {
    stage here;
    std::filesystem::create_directory(here.state());
    here.folder.write("state/keys.json", "{}");

    outcome const told = here.run({"check-config"});

    CHECK(told.code == 78);
    CHECK(told.err.find("keys.json") != std::string::npos);
}

TEST_CASE("problems have colours where stderr is a terminal") {
    stage here;
    here.env_file = here.folder.write("bad.env", "ADAPTER_PORT=x\n").string();
    CHECK(here.run({"check-config"}).err.find('\x1b') == std::string::npos);
    here.colour = true;
    CHECK(here.run({"check-config"}).err.find('\x1b') != std::string::npos);
}
