// A runtime with scripted agents (tests/fake_agent), on a thread of its own as in the server.
#pragma once

#include "agents/acp_process.hpp"
#include "agents/agent_environment.hpp"
#include "agents/agent_runtime.hpp"
#include "agents/collected.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

inline std::string fake_agent_program() {
    char const* const program = std::getenv("MCP_PROVIDER_FAKE_AGENT");
    return program != nullptr ? program : "fake_agent";
}

/// Waits for what happens on another thread or in another process.
inline bool comes_true(std::function<bool()> const& what,
                       std::chrono::milliseconds patience = std::chrono::seconds{10}) {
    auto const until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        if (what()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return what();
}

/// A folder that goes with the test.
class test_folder {
public:
    test_folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "agents.XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    test_folder(test_folder const&) = delete;
    test_folder& operator=(test_folder const&) = delete;
    ~test_folder() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// A command line in place of the scripted agent's.
class other_program {
public:
    explicit other_program(std::vector<std::string> words) : command{std::move(words)} {}
    std::vector<std::string> command;
};

class running_agents {
public:
    using change = std::function<void(runtime_settings&)>;

    explicit running_agents(std::vector<std::string> arguments = {}, change const& changed = {},
                            std::shared_ptr<permission_desk> desk = {}) {
        acp_settings how;
        how.command = {fake_agent_program()};
        for (std::string& one : arguments) how.command.push_back(std::move(one));
        begin(std::move(how), changed, std::move(desk));
    }
    running_agents(other_program program, change const& changed) {
        acp_settings how;
        how.command = std::move(program.command);
        begin(std::move(how), changed, {});
    }
    running_agents(running_agents const&) = delete;
    running_agents& operator=(running_agents const&) = delete;
    ~running_agents() {
        runtime_->stop();
        guard_.reset();
        thread_.join();
        runtime_.reset();
    }

    [[nodiscard]] agent_runtime& runtime() noexcept { return *runtime_; }
    [[nodiscard]] std::filesystem::path folder() const { return folder_.path(); }

    collected ask(agent::conversation const& what) { return agents::ask(*runtime_, what); }
    collected ask(std::string text) { return ask(saying(std::move(text), "agent:latest")); }

    /// Waits until so many processes are ready.
    bool ready(std::size_t count = 1) {
        return comes_true([&] { return runtime_->state().ready >= count; });
    }

private:
    void begin(acp_settings how, change const& changed, std::shared_ptr<permission_desk> desk) {
        how.environment.emplace_back("PATH=/usr/bin:/bin");
        how.environment.emplace_back("FAKE_API_KEY=sk-secret-123456");
        how.grace = std::chrono::milliseconds{300};
        runtime_settings settings;
        settings.pool.processes = 1;
        settings.pool.scratch = folder_.path() / "scratch";
        settings.pool.grace = how.grace;
        settings.environment = how.environment;
        if (changed) changed(settings);
        runtime_ = std::make_unique<agent_runtime>(std::make_shared<acp_driver>(std::move(how)),
                                                   std::move(settings));
        if (desk) runtime_->use_desk(std::move(desk));
        runtime_->start(context_);
        thread_ = std::thread{[this] { context_.run(); }};
    }

    test_folder folder_;
    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
    std::unique_ptr<agent_runtime> runtime_;
    std::thread thread_;
};

} // namespace mcp_provider::server::agents
