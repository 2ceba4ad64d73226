// A process of an agent driver, played by a shell script, with a test in the runtime's place.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/net/asio.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// Notes what an agent says, and decides what it may do.
class noting_sink final : public turn_sink {
public:
    void text(std::string_view piece) override {
        said += piece;
        ++pieces;
        if (on_text) on_text();
    }
    void reasoning(std::string_view piece) override { thought += piece; }
    void at_work() override { ++signs_of_life; }
    asio::awaitable<permission_verdict> permission(permission_question question) override {
        asked.push_back(std::move(question));
        if (on_question) on_question();
        co_return verdict;
    }
    bool has_room() override { return room; }

    std::string said;
    std::string thought;
    int pieces = 0;
    int signs_of_life = 0;
    std::vector<permission_question> asked;
    permission_verdict verdict = permission_verdict::refuse;
    bool room = true;
    std::function<void()> on_text;
    std::function<void()> on_question;
};

/// `script` is one of sh(1) in which `next` reads a line of ours into $line and notes it, and `say TEXT` writes one.
class played_script {
public:
    explicit played_script(std::string_view script) {
        std::string pattern = (std::filesystem::temp_directory_path() / "played.XXXXXX").string();
        if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
        std::ofstream{folder_ / "script"}
            << "next() { IFS= read -r line || exit 0; printf '%s\\n' \"$line\" >> " << notes()
            << "; }\nsay() { printf '%s\\n' \"$1\"; }\nprintf '%s\\n' \"$*\" >> " << notes() << '\n'
            << script << '\n';
    }
    played_script(played_script const&) = delete;
    played_script& operator=(played_script const&) = delete;
    ~played_script() { std::filesystem::remove_all(folder_); }

    [[nodiscard]] std::vector<std::string> command() const {
        return {"/bin/sh", (folder_ / "script").string()};
    }
    [[nodiscard]] std::string folder() const { return folder_.string(); }

    /// Its arguments, and then the lines that it was sent.
    [[nodiscard]] std::vector<std::string> heard() const {
        std::vector<std::string> lines;
        std::ifstream file{folder_ / "notes"};
        for (std::string line; std::getline(file, line);) lines.push_back(line);
        return lines;
    }
    /// The last of those lines that has `part` in it; empty where there is none.
    [[nodiscard]] std::string heard(std::string_view part) const {
        std::string found;
        for (std::string const& line : heard())
            if (line.find(part) != std::string::npos) found = line;
        return found;
    }

private:
    [[nodiscard]] std::string notes() const { return (folder_ / "notes").string(); }

    std::filesystem::path folder_;
};

/// Runs one process of a driver, on the thread of the test.
class played_agent {
public:
    played_agent(agent_driver const& driver, std::string directory)
        : process{driver.make(context_.get_executor(), std::move(directory))} {
        launched = process->launch();
        if (!launched) return;
        asio::co_spawn(context_, process->run(), [this](std::exception_ptr, std::string said) {
            why = std::move(said);
            is_over = true;
        });
    }
    played_agent(played_agent const&) = delete;
    played_agent& operator=(played_agent const&) = delete;
    ~played_agent() {
        if (!launched) return;
        process->end(true);
        run_until([this] { return is_over; });
    }

    result<> greet(std::chrono::milliseconds patience = std::chrono::seconds{10}) {
        return finish<result<>>(process->greet(std::chrono::steady_clock::now() + patience));
    }
    result<std::string> open(agent_prompt const& first) {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        return finish<result<std::string>>(process->open_session(first, until));
    }
    result<turn_end> ask(std::string const& in, agent_prompt const& what, turn_sink& into) {
        return finish<result<turn_end>>(process->prompt(in, what, into));
    }
    /// Greets, opens a session and asks in it.
    result<turn_end> ask(agent_prompt const& what, turn_sink& into) {
        if (auto greeted = greet(); !greeted) return std::move(greeted).error();
        auto opened = open(what);
        if (!opened) return std::move(opened).error();
        session = *std::move(opened);
        return ask(session, what, into);
    }

    /// Asks, and does not wait: the end comes into `end`, which must live as long as this.
    void begin(std::string const& in, agent_prompt const& what, turn_sink& into,
               std::optional<result<turn_end>>& end) {
        session = in;
        prompt_ = what;
        asio::co_spawn(context_, keep(process->prompt(session, prompt_, into), end),
                       asio::detached);
    }
    void run_for(std::chrono::milliseconds time) { context_.run_for(time); }

    bool run_until(std::function<bool()> const& done) {
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!done() && std::chrono::steady_clock::now() < until)
            context_.run_one_for(std::chrono::milliseconds{20});
        return done();
    }

private:
    template <class Result>
    static asio::awaitable<void> keep(asio::awaitable<Result> what, std::optional<Result>& into) {
        auto got = co_await std::move(what);
        into.emplace(std::move(got));
    }

    template <class Result>
    Result finish(asio::awaitable<Result> what) {
        auto const got = std::make_shared<std::optional<Result>>();
        asio::co_spawn(context_, keep(std::move(what), *got), [got](std::exception_ptr) {});
        run_until([&] { return got->has_value(); });
        if (!*got) return rejection{rejection_code::timed_out, "the test waited for too long"};
        return *std::move(*got);
    }

    asio::io_context context_{1};
    agent_prompt prompt_;

public:
    std::unique_ptr<agent_process> process;
    result<> launched;
    std::string session;
    std::string why; ///< it ended
    bool is_over = false;
};

} // namespace mcp_provider::server::agents
