#include "commands/loopback_call.hpp"

#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/response_parser.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace mcp_provider::server {

namespace {

constexpr std::size_t max_answer_bytes = 4 * 1024 * 1024;

/// A connection that gives up at a deadline.
class connection {
public:
    explicit connection(std::chrono::milliseconds limit)
        : end_{std::chrono::steady_clock::now() + limit} {}
    connection(connection const&) = delete;
    connection& operator=(connection const&) = delete;
    ~connection() { close(); }

    /// Connects to the first address that answers; false with the reason in `why`.
    bool open(loopback_url const& where, std::string& why) {
        addrinfo wanted{};
        wanted.ai_socktype = SOCK_STREAM;
        wanted.ai_flags = AI_NUMERICSERV;
        addrinfo* found = nullptr;
        std::string const host = where.host == "[::1]" ? "::1" : where.host;
        if (int const failure =
                ::getaddrinfo(host.c_str(), std::to_string(where.port).c_str(), &wanted, &found);
            failure != 0) {
            why = ::gai_strerror(failure);
            return false;
        }
        bool connected = false;
        for (addrinfo const* one = found; one != nullptr && !connected; one = one->ai_next)
            connected = connect(*one, why);
        ::freeaddrinfo(found);
        return connected;
    }

    bool send(std::string_view text, std::string& why) {
        while (!text.empty()) {
            if (!wait(POLLOUT, why)) return false;
            ssize_t const sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (sent < 0) return fail(why);
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    /// Appends what comes; false at the end of the stream, with a reason where it ended early.
    bool receive(std::string& into, std::string& why) {
        char piece[16 * 1024];
        for (;;) {
            if (!wait(POLLIN, why)) return false;
            ssize_t const got = ::recv(socket_, piece, sizeof piece, 0);
            if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (got < 0) return fail(why);
            into.append(piece, static_cast<std::size_t>(got));
            return got > 0;
        }
    }

private:
    void close() {
        if (socket_ >= 0) ::close(socket_);
        socket_ = -1;
    }

    bool connect(addrinfo const& to, std::string& why) {
        close();
        socket_ = ::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (socket_ < 0) return fail(why);
        if (::connect(socket_, to.ai_addr, to.ai_addrlen) == 0) return true;
        if (errno != EINPROGRESS) return fail(why);
        if (!wait(POLLOUT, why)) return false;
        int failure = 0;
        socklen_t size = sizeof failure;
        ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &failure, &size);
        if (failure != 0) why = std::strerror(failure);
        return failure == 0;
    }

    bool wait(short events, std::string& why) {
        for (;;) {
            auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(
                                  end_ - std::chrono::steady_clock::now())
                                  .count();
            pollfd one{socket_, events, 0};
            int const ready = left <= 0 ? 0 : ::poll(&one, 1, static_cast<int>(left));
            if (ready > 0) return true;
            if (ready == 0) {
                why = "no answer within the time limit";
                return false;
            }
            if (errno != EINTR) return fail(why);
        }
    }

    static bool fail(std::string& why) {
        why = std::strerror(errno);
        return false;
    }

    std::chrono::steady_clock::time_point end_;
    int socket_ = -1;
};

/// The body of a whole response, or nothing where it is no response.
std::optional<std::string> body_of(std::string const& bytes, int& status) {
    http::limits const limits;
    http::response_parser parser{limits};
    auto const state = parser.feed(bytes);
    if (!state || *state != http::parse_state::done) return std::nullopt;
    http::response_head head;
    parser.fill(head, bytes, false);
    status = head.status;
    std::string_view const rest = std::string_view{bytes}.substr(head.head_bytes);
    switch (head.framing) {
    case http::response_framing::none: return std::string{};
    case http::response_framing::until_close: return std::string{rest};
    case http::response_framing::length:
        if (rest.size() < head.content_length) return std::nullopt;
        return std::string{rest.substr(0, static_cast<std::size_t>(head.content_length))};
    case http::response_framing::chunked: break;
    }
    std::string body;
    http::chunked_decoder decoder{limits, http::sender::upstream};
    auto const progress = decoder.feed(rest, body);
    if (!progress || !progress->done) return std::nullopt;
    return body;
}

} // namespace

std::optional<loopback_url> read_loopback_url(std::string_view text) {
    constexpr std::string_view scheme = "http://";
    if (!text.starts_with(scheme)) return std::nullopt;
    text.remove_prefix(scheme.size());
    for (char const c : text)
        if (c <= 0x20 || c >= 0x7F) return std::nullopt;
    std::size_t const slash = text.find_first_of("/?#");
    std::string_view const place = text.substr(0, slash);
    loopback_url url;
    url.path = slash == std::string_view::npos || text.substr(slash) == "/"
                   ? "/health"
                   : std::string{text.substr(slash)};
    if (!url.path.starts_with('/')) return std::nullopt;
    std::string_view port;
    for (std::string_view const host : {"127.0.0.1", "localhost", "[::1]"})
        if (place.starts_with(host) && (place.size() == host.size() || place[host.size()] == ':')) {
            url.host = host;
            port = place.substr(host.size());
        }
    if (url.host.empty()) return std::nullopt;
    if (port.empty()) return url;
    port.remove_prefix(1);
    auto const [end, failure] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (failure != std::errc{} || end != port.data() + port.size() || url.port == 0)
        return std::nullopt;
    return url;
}

loopback_answer call_loopback(loopback_request const& what) {
    loopback_answer out;
    connection to{what.limit};
    if (!to.open(what.where, out.why)) return out;
    std::string text = what.method + ' ' + what.where.path + " HTTP/1.1\r\n";
    bool names_host = false;
    for (auto const& [name, value] : what.fields) {
        names_host = names_host || name == "Host";
        text += name + ": " + value + "\r\n";
    }
    if (!names_host)
        text += "Host: " + what.where.host + ':' + std::to_string(what.where.port) + "\r\n";
    if (!what.body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " +
                std::to_string(what.body.size()) + "\r\n";
    text += "User-Agent: mcp-local-provider\r\nAccept: application/json\r\n"
            "Connection: close\r\n\r\n" +
            what.body;
    if (!to.send(text, out.why)) return out;
    std::string bytes;
    while (bytes.size() <= max_answer_bytes && to.receive(bytes, out.why)) {
    }
    if (!out.why.empty()) return out;
    out.came = true;
    if (auto body = body_of(bytes, out.status))
        out.body = std::move(*body);
    else
        out.status = 0;
    return out;
}

} // namespace mcp_provider::server
