#include "server/program.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace mcp_provider::server {

namespace {

std::filesystem::path from_environment(char const* name) {
    char const* const value = std::getenv(name);
    if (value == nullptr)
        throw std::runtime_error{std::string{name} + " is not set; run the tests through ctest"};
    return value;
}

struct process {
    int pid;
    int out;
    int err;
};

process spawn(std::vector<std::string> const& arguments, environment const& with) {
    std::array<int, 2> out{};
    std::array<int, 2> err{};
    if (::pipe2(out.data(), O_CLOEXEC) != 0 || ::pipe2(err.data(), O_CLOEXEC) != 0)
        throw std::runtime_error{"no pipe"};
    std::string const program = program_path().string();
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> variables{"PATH=/usr/bin:/bin", "HOME=/nonexistent"};
    for (auto const& [name, value] : with) variables.push_back(name + '=' + value);
    std::vector<char*> argv;
    for (std::string& one : words) argv.push_back(one.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (std::string& one : variables) envp.push_back(one.data());
    envp.push_back(nullptr);
    int const pid = ::fork();
    if (pid == 0) {
        ::dup2(out[1], 1);
        ::dup2(err[1], 2);
        ::execve(program.c_str(), argv.data(), envp.data());
        ::_exit(127);
    }
    ::close(out[1]);
    ::close(err[1]);
    return {pid, out[0], err[0]};
}

bool read_some(int fd, std::string& into) {
    std::array<char, 16 * 1024> buffer;
    ssize_t const got = ::read(fd, buffer.data(), buffer.size());
    if (got > 0) into.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
}

/// The port behind `before` in a line; 0 where the line does not have it.
std::uint16_t port_in(std::string_view line, std::string_view before) {
    std::uint16_t port = 0;
    auto const at = line.find(before);
    if (at != std::string_view::npos)
        std::from_chars(line.data() + at + before.size(), line.data() + line.size(), port);
    return port;
}

int wait_for_end(int pid) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    for (;;) {
        int status = 0;
        if (::waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (std::chrono::steady_clock::now() > until) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, &status, 0);
            return -1;
        }
        ::poll(nullptr, 0, 5);
    }
}

} // namespace

std::filesystem::path program_path() { return from_environment("MCP_PROVIDER_PROGRAM"); }
std::filesystem::path tests_path() { return from_environment("MCP_PROVIDER_TESTS"); }

scratch::scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "mcp-provider-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no folder for the test"};
    path_ = name;
}
scratch::~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

outcome run_program(std::vector<std::string> const& arguments, environment const& with) {
    process const one = spawn(arguments, with);
    outcome got;
    bool out_open = true;
    bool err_open = true;
    while (out_open || err_open) {
        std::array<pollfd, 2> both{pollfd{out_open ? one.out : -1, POLLIN, 0},
                                   pollfd{err_open ? one.err : -1, POLLIN, 0}};
        if (::poll(both.data(), both.size(), 20'000) <= 0) break;
        if (both[0].revents != 0) out_open = read_some(one.out, got.out);
        if (both[1].revents != 0) err_open = read_some(one.err, got.err);
    }
    got.exit_code = wait_for_end(one.pid);
    ::close(one.out);
    ::close(one.err);
    return got;
}

running_server::running_server(environment const& with, std::string const& mode) {
    environment all{{"ADAPTER_PORT", "0"}, {"BRIDGE_PORT", "0"}};
    for (auto const& [name, value] : with) all[name] = value;
    auto const began = std::chrono::steady_clock::now();
    process const one = spawn({mode}, all);
    pid_ = one.pid;
    out_ = one.out;
    std::string err;
    while (ready_.find('\n') == std::string::npos) {
        std::array<pollfd, 2> both{pollfd{one.out, POLLIN, 0}, pollfd{one.err, POLLIN, 0}};
        bool const waits = ::poll(both.data(), both.size(), 20'000) > 0;
        if (waits && (both[1].revents & POLLIN) != 0) read_some(one.err, err);
        if (!waits ||
            ((both[0].revents & (POLLIN | POLLHUP)) != 0 && !read_some(one.out, ready_))) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            read_some(one.err, err);
            throw std::runtime_error{"the server did not start: " + err};
        }
    }
    took_ = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                  began);
    ::close(one.err);
    ready_.resize(ready_.find('\n'));
    port_ = port_in(ready_, " adapter=http://127.0.0.1:");
    bridge_port_ = port_in(ready_, " bridge=http://127.0.0.1:");
}

running_server::~running_server() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::close(out_);
}

void running_server::signal(int number) const { ::kill(pid_, number); }

int running_server::wait() {
    int const code = wait_for_end(pid_);
    pid_ = -1;
    return code;
}

std::string exchange_bytes(std::uint16_t port, std::string_view bytes,
                           std::chrono::milliseconds quiet) {
    int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0) {
        ::close(fd);
        throw std::runtime_error{"cannot connect"};
    }
    std::string got;
    while (!bytes.empty()) {
        ssize_t const sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    for (;;) {
        pollfd one{fd, POLLIN, 0};
        if (::poll(&one, 1, static_cast<int>(quiet.count())) <= 0 || !read_some(fd, got)) break;
    }
    ::close(fd);
    return got;
}

int status_of(std::string_view bytes) {
    constexpr std::string_view version = "HTTP/1.1 ";
    int status = 0;
    if (bytes.starts_with(version))
        std::from_chars(bytes.data() + version.size(), bytes.data() + bytes.size(), status);
    return status;
}

std::vector<std::string> lines_of(std::filesystem::path const& file) {
    std::ifstream in{file};
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(std::move(line));
    return out;
}

} // namespace mcp_provider::server
