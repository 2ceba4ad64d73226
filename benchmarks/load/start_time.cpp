// Time from starting a server to its line that begins with `ready`, and what it holds when it has nothing to do.
// start_time --runs N -- PROGRAM ARGUMENT...
#include "arguments.hpp"
#include "descriptor.hpp"
#include "percentile.hpp"
#include "process_usage.hpp"

#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct seen {
    std::int64_t ready_after = 0;
    std::int64_t resident = 0;
};

seen run(std::vector<char*> command) {
    command.push_back(nullptr);
    std::array<int, 2> ends{};
    load::checked(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    load::descriptor const from{ends[0]};
    load::descriptor to{ends[1]};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, to.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);

    std::int64_t const began = load::now();
    pid_t child = 0;
    int const failed =
        ::posix_spawn(&child, command.front(), &actions, nullptr, command.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::system_error{failed, std::generic_category(), command.front()};
    to.close();

    std::string said;
    std::array<char, 256> bytes{};
    while (said.find('\n') == std::string::npos) {
        ssize_t const got = ::read(from.get(), bytes.data(), bytes.size());
        if (got <= 0) break;
        said.append(bytes.data(), static_cast<std::size_t>(got));
    }
    seen out;
    out.ready_after = load::now() - began;
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
    out.resident = load::usage_of({std::to_string(child)}).resident;
    ::kill(child, SIGTERM);
    ::waitpid(child, nullptr, 0);
    if (!said.starts_with("ready"))
        throw std::runtime_error{"the server did not say that it is ready"};
    return out;
}

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    std::vector<std::int64_t> times;
    std::vector<std::int64_t> sizes;
    for (std::int64_t i = 0; i < given.number("runs"); ++i) {
        seen const one = run(given.command());
        times.push_back(one.ready_after);
        sizes.push_back(one.resident);
    }
    std::printf("ready_ms=%.1f most_ms=%.1f resident_mb=%.1f\n",
                static_cast<double>(load::percentile(times, 0.5)) / 1e6,
                static_cast<double>(load::percentile(times, 1.0)) / 1e6,
                static_cast<double>(load::percentile(sizes, 0.5)) / 1e6);
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "start_time: %s\n", error.what());
    return 1;
}
