#include "server/socket_watcher.hpp"

#include "net/frames.hpp"

#include <arpa/inet.h>
#include <boost/json/parse.hpp>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace mcp_provider::server {

socket_watcher::socket_watcher(std::uint16_t port, std::string_view target,
                               std::string_view fields) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0)
        throw std::runtime_error{"cannot connect"};
    std::string const request =
        "GET " + std::string{target} + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
        std::string{fields} + "\r\n";
    (void)::send(socket_, request.data(), request.size(), MSG_NOSIGNAL);
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{3};
    std::size_t end = std::string::npos;
    do end = input_.find("\r\n\r\n");
    while (end == std::string::npos && read_more(until));
    head_ = input_.substr(0, end);
    input_.erase(0, end == std::string::npos ? end : end + 4);
}

socket_watcher::~socket_watcher() { ::close(socket_); }

void socket_watcher::send(std::string_view text) {
    std::string const bytes = net::frame(text);
    (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

bool socket_watcher::read_more(std::chrono::steady_clock::time_point until) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd one{socket_, POLLIN, 0};
    if (::poll(&one, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0) <= 0) return false;
    char buffer[64 * 1024];
    ssize_t const got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got > 0) input_.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
}

/// Takes the next text off what has come; a Close is noted.
std::optional<std::string> socket_watcher::message() {
    while (input_.size() >= 2) {
        auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(input_[i]); };
        std::size_t size = byte(1);
        std::size_t head = 2;
        if (size == 126) {
            if (input_.size() < 4) return std::nullopt;
            size = byte(2) * std::size_t{256} + byte(3);
            head = 4;
        }
        if (input_.size() < head + size) return std::nullopt;
        unsigned const opcode = byte(0) & 15U;
        std::string payload = input_.substr(head, size);
        input_.erase(0, head + size);
        if (opcode == 1) return payload;
        if (opcode == 8 && size >= 2)
            close_code_ = static_cast<unsigned char>(payload[0]) * 256U +
                          static_cast<unsigned char>(payload[1]);
    }
    return std::nullopt;
}

std::optional<boost::json::object> socket_watcher::next(std::string_view type,
                                                        std::chrono::milliseconds patience) {
    auto const until = std::chrono::steady_clock::now() + patience;
    do {
        while (auto const text = message()) {
            auto one = boost::json::parse(*text).as_object();
            if (one.at("type").as_string() == type) return one;
        }
    } while (read_more(until));
    return std::nullopt;
}

} // namespace mcp_provider::server
