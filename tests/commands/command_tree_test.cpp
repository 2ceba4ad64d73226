#include "commands/command_tree.hpp"
#include "commands/stage.hpp"
#include "mcp_provider/version.hpp"

#include <fstream>
#include <iostream>
#include <sstream>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

TEST_CASE("--version prints the program's name and version, alone") {
    outcome const told = stage{}.run({"--version"});

    CHECK(told.code == 0);
    CHECK(told.out == "mcp-local-provider " + std::string{mcp_provider::version} + "\n");
    CHECK(told.err.empty());
}

TEST_CASE("--help and help tell all commands on stdout, without those that are hidden") {
    for (std::vector<std::string> const& words :
         {std::vector<std::string>{"--help"}, {"-h"}, {"help"}}) {
        outcome const told = stage{}.run(words);
        CHECK(told.code == 0);
        for (std::string const command : {"serve", "adapter", "bridge", "check-config", "token",
                                          "audit", "health", "completion"})
            CHECK(told.out.find("\n  " + command + " ") != std::string::npos);
        CHECK(told.out.find("generate-reference") == std::string::npos);
        CHECK(told.out.find("78 configuration") != std::string::npos);
    }
}

TEST_CASE("the help of a command is the same in all its spellings") {
    outcome const by_help = stage{}.run({"help", "token", "create"});
    outcome const by_option = stage{}.run({"token", "create", "--help"});

    CHECK(by_help.code == 0);
    CHECK(by_help.out.find("Usage: mcp-local-provider token create") != std::string::npos);
    CHECK(by_help.out.find("--label") != std::string::npos);
    CHECK(by_option.out == by_help.out);
}

TEST_CASE("a wrong command line exits 2 and says what was probably meant") {
    struct {
        std::vector<std::string> words;
        std::string_view what;
        std::string_view meant;
    } const cases[] = {
        {{"srve"}, "there is no command srve", "did you mean serve?"},
        {{"tokens", "list"}, "there is no command tokens", "did you mean token?"},
        {{"token", "creat", "--label", "x"}, "there is no command creat", "did you mean create?"},
        {{"token", "create", "--lable", "x"},
         "there is no option --lable",
         "did you mean --label?"},
        {{"token", "create", "--lable=x"}, "there is no option --lable", "did you mean --label?"},
        {{"help", "tokn"}, "there is no command tokn", "did you mean token?"},
        {{"help", "token", "lst"}, "there is no command lst", "did you mean list?"},
        {{"token"}, "subcommand is required", ""},
        {{"token", "create"}, "--label is required", ""},
        {{"token", "create", "--label"}, "--label", ""},
        {{"token", "revoke"}, "ID is required", ""},
        {{"serve", "now"}, "now", ""},
        {{"token", "list", "serve"}, "", ""},
        {{"completion", "tcsh"}, "SHELL", ""},
        {{"health", "--timeout", "0"}, "--timeout", ""},
        {{"check-config", "--mode", "all"}, "--mode", ""},
    };
    for (auto const& one : cases) {
        CAPTURE(one.words.front());
        CAPTURE(one.words.back());
        outcome const told = stage{}.run(one.words);
        CAPTURE(told.err);
        CHECK(told.code == 2);
        CHECK(told.out.empty());
        CHECK(told.err.find(one.what) != std::string::npos);
        CHECK(told.err.find(one.meant) != std::string::npos);
        CHECK((told.err.find("did you mean") != std::string::npos) == !one.meant.empty());
        CHECK(told.err.find("--help` tells what there is") != std::string::npos);
    }
}

TEST_CASE("without a command the help is told on stderr, with exit code 2") {
    outcome const told = stage{}.run({});

    CHECK(told.code == 2);
    CHECK(told.out.empty());
    CHECK(told.err.find("Usage: mcp-local-provider") != std::string::npos);
}

TEST_CASE("the files may be named before and after the command") {
    stage here;
    here.env_file = here.folder.write("good.env", "ADAPTER_PORT=4000\n").string();
    std::string const other = here.folder.write("other.env", "ADAPTER_PORT=5000\n").string();

    CHECK(here.run({"serve"}).code == 0);
    CHECK(here.started->adapter.listen.port == 4000);

    surroundings const around{
        std::cout, std::cerr, false, here.environment, {}, [&](auto settings, run_mode) {
            here.started = settings;
            return 0;
        }};
    command_tree commands;
    add_all_commands(commands);
    CHECK(commands.run({"serve", "--env-file", other, "--security-file=/dev/null"}, around) == 0);
    CHECK(here.started->adapter.listen.port == 5000);
}

TEST_CASE("a stdout that cannot be written is no success") {
    stage const here;
    std::ofstream full{"/dev/full"};
    std::ostringstream err;
    surroundings const around{full, err, false, here.environment, [] { return moment{}; }, {}};
    command_tree commands;
    add_all_commands(commands);

    CHECK(commands.run({"completion", "bash"}, around) == 1);
    CHECK(err.str().find("stdout cannot be written") != std::string::npos);
}
