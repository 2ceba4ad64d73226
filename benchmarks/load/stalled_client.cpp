// How much a server takes in for a client that does not read, beyond what the sockets' buffers hold.
// stalled_client --port P --mock-port M --key K --model M --pid SERVER
//
// In the midst of an endless stream the client stops reading. When the upstream can send no more, the bytes it has sent
// are counted: those in the two sockets between upstream and server, those in the two between server and client (in the
// upstream's measure, since a server may write its events shorter or longer), and the rest, which the server holds.
#include "chat_request.hpp"
#include "process_usage.hpp"

#include <sys/ioctl.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

struct queues {
    std::int64_t unsent = 0;
    std::int64_t unread = 0;
};

/// The kernel's queues of the loopback connection with these ports.
queues queues_of(std::uint16_t local, std::uint16_t remote) {
    char local_text[16];
    char remote_text[16];
    std::snprintf(local_text, sizeof local_text, ":%04X", local);
    std::snprintf(remote_text, sizeof remote_text, ":%04X", remote);
    for (char const* file : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        std::ifstream table{file};
        for (std::string line; std::getline(table, line);) {
            std::istringstream words{line};
            std::string number, from, to, state, sizes;
            words >> number >> from >> to >> state >> sizes;
            if (!from.ends_with(local_text) || !to.ends_with(remote_text) || state != "01")
                continue;
            return {std::stoll(sizes.substr(0, 8), nullptr, 16),
                    std::stoll(sizes.substr(9), nullptr, 16)};
        }
    }
    throw std::runtime_error{"the connection is not in /proc/net/tcp"};
}

std::uint16_t local_port(load::descriptor const& socket) {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    load::checked(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &size),
                  "getsockname");
    return ntohs(own.sin_port);
}

/// Waits until the upstream has sent nothing for a second.
load::mock_stats when_it_stands_still(std::uint16_t mock) {
    std::int64_t last = -1;
    for (int i = 0; i < 60; ++i) {
        load::mock_stats now_told{mock};
        if (now_told["busiest_bytes"] == last && last > 0) return now_told;
        last = now_told["busiest_bytes"];
        std::this_thread::sleep_for(std::chrono::seconds{1});
    }
    throw std::runtime_error{"the upstream goes on sending to a client that does not read"};
}

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    std::uint16_t const port = given.port("port");
    std::uint16_t const mock = given.port("mock-port");
    load::descriptor socket = load::connect_to(port);
    load::usage const before = load::usage_of(given.all("pid"));
    load::send_all(socket, load::chat_request("tokens=100000000 rate=0", true, given));

    // How long a token is on its way out, with its chunk. The upstream's way in is told by the upstream.
    constexpr std::int64_t listened = 1 << 20;
    std::int64_t bytes_out = 0;
    std::int64_t tokens_out = 0;
    load::token_finder tokens;
    std::string piece(65536, '\0');
    while (bytes_out < listened) {
        ssize_t const got = ::recv(socket.get(), piece.data(), piece.size(), 0);
        if (got <= 0) throw std::runtime_error{"the stream ended"};
        bytes_out += got;
        tokens.feed(std::string_view{piece}.substr(0, static_cast<std::size_t>(got)),
                    [&](std::int64_t) { ++tokens_out; });
    }
    if (tokens_out == 0) throw std::runtime_error{"no tokens came"};

    load::mock_stats const told = when_it_stands_still(mock);
    auto const upstream_port = static_cast<std::uint16_t>(told["busiest_port"]);
    queues const to_us = queues_of(upstream_port, mock);
    queues const from_us = queues_of(port, local_port(socket));
    int unread = 0;
    ::ioctl(socket.get(), FIONREAD, &unread);

    double const token_in =
        static_cast<double>(told["busiest_bytes"]) / static_cast<double>(told["busiest_tokens"]);
    double const token_out = static_cast<double>(bytes_out) / static_cast<double>(tokens_out);
    double const pulled =
        static_cast<double>(told["busiest_bytes"] - told["busiest_unsent"] - to_us.unread);
    double const passed_on =
        static_cast<double>(bytes_out + from_us.unsent + unread) / token_out * token_in;
    load::usage const after = load::usage_of(given.all("pid"));
    std::printf("pulled_beyond=%.0f sent_by_upstream=%lld in_buffers_to_us=%lld "
                "in_buffers_from_us=%lld rss_grown=%lld\n",
                pulled - passed_on, static_cast<long long>(told["busiest_bytes"]),
                static_cast<long long>(told["busiest_unsent"] + to_us.unread),
                static_cast<long long>(from_us.unsent + unread),
                static_cast<long long>(after.resident - before.resident));
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "stalled_client: %s\n", error.what());
    return 1;
}
