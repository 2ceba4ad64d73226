// The built program as a process of the test's own: started, talked to over raw sockets, and stopped by its pid.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// What a command printed and how it ended.
struct outcome {
    int exit_code = -1;
    std::string out;
    std::string err;
};

/// Where the program and the tests' files are; ctest says it in the environment.
[[nodiscard]] std::filesystem::path program_path();
[[nodiscard]] std::filesystem::path tests_path();

/// A folder that goes with the test.
class scratch {
public:
    scratch();
    ~scratch();
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    [[nodiscard]] std::filesystem::path const& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

using environment = std::map<std::string, std::string>;

/// Runs the program to its end, at most 20 s.
[[nodiscard]] outcome run_program(std::vector<std::string> const& arguments,
                                  environment const& with);

/// A running server. The ports are chosen by the system.
class running_server {
public:
    /// Starts `serve`, `adapter` or `bridge` and waits for its line `ready`. *Errors*: throws with what it printed.
    explicit running_server(environment const& with, std::string const& mode = "serve");
    ~running_server();
    running_server(running_server const&) = delete;
    running_server& operator=(running_server const&) = delete;

    /// The adapter's port; 0 where none runs.
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// The bridge's port; 0 where none runs.
    [[nodiscard]] std::uint16_t bridge_port() const noexcept { return bridge_port_; }
    [[nodiscard]] int pid() const noexcept { return pid_; }
    [[nodiscard]] std::string const& ready_line() const noexcept { return ready_; }
    /// From the start of the process to its line `ready`.
    [[nodiscard]] std::chrono::milliseconds took() const noexcept { return took_; }
    void signal(int number) const;
    /// Waits for the end, at most 20 s; returns the exit code.
    int wait();

private:
    int pid_ = -1;
    int out_ = -1;
    std::uint16_t port_ = 0;
    std::uint16_t bridge_port_ = 0;
    std::string ready_;
    std::chrono::milliseconds took_{0};
};

/// Sends bytes on a connection of its own, and reads until the server closes or has
/// sent nothing for `quiet`.
[[nodiscard]] std::string
exchange_bytes(std::uint16_t port, std::string_view bytes,
               std::chrono::milliseconds quiet = std::chrono::milliseconds{300});

/// The status of the first response in `bytes`; 0 where there is none.
[[nodiscard]] int status_of(std::string_view bytes);

/// All lines of a file.
[[nodiscard]] std::vector<std::string> lines_of(std::filesystem::path const& file);

} // namespace mcp_provider::server
