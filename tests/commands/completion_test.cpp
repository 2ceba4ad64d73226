#include "commands/completion.hpp"
#include "commands/stage.hpp"

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

/// What a shell prints when it runs a script, or nothing where there is no such shell.
std::optional<std::string> run_shell(std::string const& shell,
                                     std::filesystem::path const& script) {
    if (std::system(("command -v " + shell + " >/dev/null").c_str()) != 0) return std::nullopt;
    FILE* const pipe = ::popen((shell + " " + script.string() + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string text;
    std::array<char, 4096> piece;
    for (std::size_t got; (got = std::fread(piece.data(), 1, piece.size(), pipe)) != 0;)
        text.append(piece.data(), got);
    ::pclose(pipe);
    return text;
}

/// What bash would offer for the last of these words.
std::string offered_by_bash(std::string const& words, int count) {
    temporary_directory const folder;
    stage here;
    std::string const completion = here.run({"completion", "bash"}).out;
    auto const told = run_shell(
        "bash", folder.write("ask.sh", completion + "COMP_WORDS=(mcp-local-provider " + words +
                                           ")\nCOMP_CWORD=" + std::to_string(count) +
                                           "\n_mcp_local_provider\necho \"${COMPREPLY[*]}\"\n"));
    REQUIRE(told.has_value());
    return *told;
}

} // namespace

TEST_CASE("bash completes commands, their commands, options and the values of options") {
    CHECK(offered_by_bash("che", 1) == "check-config\n");
    CHECK(offered_by_bash("token ''", 2).find("create list revoke rotate") == 0);
    CHECK(offered_by_bash("token rotate ''", 3).find("bridge") == 0);
    CHECK(offered_by_bash("token create --la", 3) == "--label\n");
    CHECK(offered_by_bash("token create --env", 3) == "--env-file\n");
    CHECK(offered_by_bash("--env-file x token cre", 4) == "create\n");
    CHECK(offered_by_bash("check-config --mode ''", 3) == "serve adapter bridge\n");
    CHECK(offered_by_bash("completion z", 2) == "zsh\n");
    CHECK(offered_by_bash("generate", 1) == "\n");
    CHECK(offered_by_bash("--security-file /dev/nul", 2) == "/dev/null\n");
}

TEST_CASE("the scripts of all shells name every command that help names") {
    stage here;
    for (std::string const shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        outcome const told = here.run({"completion", shell});
        CHECK(told.code == 0);
        for (std::string const word :
             {"check-config", "rotate", "label", "follow", "anchor", "timeout"})
            CHECK(told.out.find(word) != std::string::npos);
        CHECK(told.out.find("generate-reference") == std::string::npos);
    }
}

TEST_CASE("shells that are here take their scripts") {
    stage here;
    for (std::string const shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        std::filesystem::path const script =
            here.folder.write("completion." + shell, here.run({"completion", shell}).out);
        auto const told = run_shell(shell + (shell == "fish" ? " --no-execute" : " -n"), script);
        if (told)
            CHECK(told->empty());
        else
            MESSAGE("no " << shell << " here");
    }
}
