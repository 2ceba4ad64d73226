// A stage on which commands are run: streams that are strings, a clock that stands, a folder for
// the state.
#pragma once

#include "commands/command_tree.hpp"
#include "config/temporary_directory.hpp"

#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// What a command left behind.
struct outcome {
    int code = -1;
    std::string out;
    std::string err;
};

class stage {
public:
    temporary_directory folder;
    std::vector<std::pair<std::string, std::string>> environment{{"STATE_DIR", state().string()}};
    mcp_provider::server::moment now{std::chrono::seconds{1'795'000'000}}; // 2026-11-18T11:06:40Z
    bool colour = false;
    std::string env_file = "/dev/null";
    std::string security_file = "/dev/null";

    std::shared_ptr<mcp_provider::server::config const>
        started; ///< what the server was started with
    mcp_provider::server::run_mode started_as{};
    int server_returns = 0;

    [[nodiscard]] std::filesystem::path state() const { return folder.path() / "state"; }

    /// Runs a command line as the program would.
    outcome run(std::vector<std::string> words) {
        using namespace mcp_provider::server;
        std::ostringstream out;
        std::ostringstream err;
        surroundings const around{out,
                                  err,
                                  colour,
                                  environment,
                                  [this] { return now; },
                                  [this](std::shared_ptr<config const> settings, run_mode mode) {
                                      started = std::move(settings);
                                      started_as = mode;
                                      return server_returns;
                                  }};
        command_tree commands;
        add_all_commands(commands);
        if (!words.empty() && words.front() != "help" && words.front() != "--help" &&
            words.front() != "--version")
            for (std::string const& word : {env_file, std::string{"--env-file"}, security_file,
                                            std::string{"--security-file"}})
                words.insert(words.begin(), word);
        int const code = commands.run(std::move(words), around);
        return {code, out.str(), err.str()};
    }
};
