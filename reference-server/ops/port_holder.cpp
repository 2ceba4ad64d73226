#include "ops/port_holder.hpp"

#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace mcp_provider::server {

namespace {

struct listening_socket {
    std::uint32_t uid = 0;
    std::string inode;
};

/// Looks for a listening socket in a table of the kernel (`/proc/net/tcp`, proc(5)).
std::optional<listening_socket> find_listener(char const* table, std::uint16_t port) {
    std::ifstream file{table};
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
        std::istringstream columns{line};
        std::string slot, local, remote, state, queues, timer, retransmits;
        listening_socket found;
        unsigned long timeout = 0;
        columns >> slot >> local >> remote >> state >> queues >> timer >> retransmits >>
            found.uid >> timeout >> found.inode;
        constexpr std::string_view listen = "0A";
        auto const colon = local.rfind(':');
        if (!columns || state != listen || colon == std::string::npos) continue;
        unsigned number = 0;
        std::from_chars(local.data() + colon + 1, local.data() + local.size(), number, 16);
        if (number == port) return found;
    }
    return std::nullopt;
}

bool holds(std::filesystem::path const& process, std::string const& link) {
    std::error_code error;
    for (std::filesystem::directory_iterator at{process / "fd", error}, end; !error && at != end;
         at.increment(error)) {
        std::error_code unreadable;
        if (std::filesystem::read_symlink(at->path(), unreadable) == link) return true;
    }
    return false;
}

} // namespace

std::optional<port_holder> find_port_holder(std::uint16_t port) {
    auto listener = find_listener("/proc/net/tcp", port);
    if (!listener) listener = find_listener("/proc/net/tcp6", port);
    if (!listener) return std::nullopt;
    port_holder out;
    out.uid = listener->uid;
    std::string const link = "socket:[" + listener->inode + "]";
    std::error_code error;
    for (std::filesystem::directory_iterator at{"/proc", error}, end; !error && at != end;
         at.increment(error)) {
        std::string const name = at->path().filename().string();
        int pid = 0;
        auto const [stop, wrong] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (wrong != std::errc{} || stop != name.data() + name.size() || !holds(at->path(), link))
            continue;
        out.pid = pid;
        std::ifstream{at->path() / "comm"} >> out.command;
        break;
    }
    return out;
}

std::string explain_busy_port(std::string const& address, std::uint16_t port,
                              std::string const& our_key) {
    std::string out = "port " + std::to_string(port) + " on " + address + " is in use";
    if (auto const holder = find_port_holder(port)) {
        if (holder->pid != 0)
            out += " by " + (holder->command.empty() ? "a process" : holder->command) + " (pid " +
                   std::to_string(holder->pid) + ", uid " + std::to_string(holder->uid) + ")";
        else
            out += " by a process of uid " + std::to_string(holder->uid);
    }
    out += "\n  to move this server: " + our_key + "=" + std::to_string(port + 1);
    if (our_key == "ADAPTER_PORT")
        out += "\n  to move an Ollama:   OLLAMA_HOST=127.0.0.1:" + std::to_string(port + 1) +
               " ollama serve";
    return out;
}

} // namespace mcp_provider::server
