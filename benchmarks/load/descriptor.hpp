// File descriptors and loopback sockets for the programs that make load.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

namespace load {

/// Nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share.
[[nodiscard]] inline std::int64_t now() noexcept {
    timespec at{};
    ::clock_gettime(CLOCK_MONOTONIC, &at);
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

/// Throws the `errno` of a call that returned a negative number.
inline int checked(int returned, char const* what) {
    if (returned < 0) throw std::system_error{errno, std::generic_category(), what};
    return returned;
}

/// Owns a file descriptor.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) noexcept : number_{number} {}
    descriptor(descriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    descriptor& operator=(descriptor&& other) noexcept {
        if (this != &other) {
            close();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~descriptor() { close(); }

    [[nodiscard]] int get() const noexcept { return number_; }
    void close() noexcept {
        if (number_ >= 0) ::close(std::exchange(number_, -1));
    }

private:
    int number_ = -1;
};

/// A descriptor for every connection: the soft limit is often 1024.
inline void raise_descriptor_limit() noexcept {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

[[nodiscard]] inline sockaddr_in loopback(std::uint16_t port) noexcept {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    where.sin_port = htons(port);
    return where;
}

/// A blocking connection to a port of 127.0.0.1, without Nagle's delay.
[[nodiscard]] inline descriptor connect_to(std::uint16_t port) {
    descriptor made{checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")};
    sockaddr_in const where = loopback(port);
    checked(::connect(made.get(), reinterpret_cast<sockaddr const*>(&where), sizeof where),
            "connect");
    int const on = 1;
    ::setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

inline void make_nonblocking(descriptor const& socket) {
    checked(::fcntl(socket.get(), F_SETFL, O_NONBLOCK), "fcntl");
}

/// Sends everything on a blocking socket.
inline void send_all(descriptor const& socket, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const sent = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) throw std::system_error{errno, std::generic_category(), "send"};
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

} // namespace load
