#include "server/watcher.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace mcp_provider::server {

watcher::watcher(std::uint16_t port, std::string_view target, std::string_view fields,
                 int receive_buffer) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (receive_buffer != 0)
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(port);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr const*>(&where), sizeof where) != 0)
        throw std::runtime_error{"cannot connect"};
    std::string const request = "GET " + std::string{target} +
                                " HTTP/1.0\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n" +
                                std::string{fields} + "\r\n";
    if (::send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
        throw std::runtime_error{"cannot send"};
}

watcher::~watcher() { ::close(socket_); }

bool watcher::read_more(std::chrono::steady_clock::time_point until) {
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd one{socket_, POLLIN, 0};
    if (ended_ || ::poll(&one, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0) <= 0)
        return false;
    char buffer[64 * 1024];
    ssize_t const got = ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) {
        ended_ = true;
        return false;
    }
    std::string const rest{input_};
    held_ = rest + std::string{buffer, static_cast<std::size_t>(got)};
    input_ = held_;
    return true;
}

std::string const& watcher::head() {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{3};
    while (head_.empty()) {
        auto const end = input_.find("\r\n\r\n");
        if (end != std::string_view::npos) {
            head_ = input_.substr(0, end);
            input_.remove_prefix(end + 4);
        } else if (!read_more(until)) {
            break;
        }
    }
    return head_;
}

std::optional<boost::json::object> watcher::parse() {
    auto const event = parser_.next(input_);
    if (!event || !*event) return std::nullopt;
    if (!(*event)->id.empty()) last_id_ = (*event)->id;
    auto out = boost::json::parse(std::string{(*event)->data}).as_object();
    if (out.at("type").as_string() != (*event)->name)
        throw std::runtime_error{"an event's name and its type differ"};
    return out;
}

std::optional<boost::json::object> watcher::next(std::chrono::milliseconds patience) {
    if (head().find(" 200 ") == std::string::npos) return std::nullopt;
    auto const until = std::chrono::steady_clock::now() + patience;
    do {
        if (auto one = parse()) return one;
    } while (read_more(until));
    return std::nullopt;
}

std::optional<boost::json::object> watcher::next(std::string_view type,
                                                 std::chrono::milliseconds patience) {
    auto const until = std::chrono::steady_clock::now() + patience;
    for (;;) {
        auto one = next(std::chrono::duration_cast<std::chrono::milliseconds>(
            until - std::chrono::steady_clock::now()));
        if (!one || one->at("type").as_string() == type) return one;
    }
}

} // namespace mcp_provider::server
