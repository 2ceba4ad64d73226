// An OpenAI-compatible upstream that costs little and answers as the prompt says:
// `[tokens=200 rate=20 delay=0]`: tokens of a stream, tokens a second (0: as fast as they are taken), milliseconds to the
// first byte. Each token carries the time it was sent. `GET /stats` tells what has happened. One thread.
#include "arguments.hpp"
#include "descriptor.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

using load::now;

constexpr std::size_t request_limit = 16u << 20;
constexpr std::size_t unlimited_batch =
    64; // tokens of an unlimited stream that are written at once

struct connection {
    load::descriptor socket;
    std::string in;
    std::string out;
    std::uint64_t number = 0;
    bool is_busy = false; // between a request and the end of its answer
    bool is_stream = false;
    bool wants_usage = false;
    bool is_begun = false;
    bool waits_to_write = false;
    std::int64_t tokens_left = 0;
    std::int64_t tokens_sent = 0;
    std::int64_t interval = 0;
    std::int64_t first_due = 0;
    std::int64_t bytes_sent = 0;
};

struct alarm {
    std::int64_t due;
    std::uint64_t number;
    bool operator<(alarm const& other) const noexcept { return due > other.due; }
};

std::int64_t number_after(std::string_view text, std::string_view name, std::int64_t otherwise) {
    std::size_t const at = text.find(name);
    if (at == std::string_view::npos) return otherwise;
    std::int64_t out = 0;
    std::from_chars(text.data() + at + name.size(), text.data() + text.size(), out);
    return out;
}

bool member_is_true(std::string_view json, std::string_view quoted_name) {
    std::size_t at = json.find(quoted_name);
    if (at == std::string_view::npos) return false;
    at = json.find_first_not_of(": ", at + quoted_name.size());
    return at != std::string_view::npos && json.substr(at).starts_with("true");
}

void append_chunk(std::string& out, std::string_view bytes) {
    std::array<char, 16> size{};
    int const written = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    out.append(size.data(), static_cast<std::size_t>(written)).append(bytes).append("\r\n");
}

std::string event(std::string_view delta, std::string_view reason) {
    std::string out =
        R"(data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock",)"
        R"("choices":[{"index":0,"delta":{)";
    out.append(delta).append(R"(},"finish_reason":)").append(reason).append("}]}\n\n");
    return out;
}

std::string with_length(std::string_view type, std::string_view body) {
    std::string out = "HTTP/1.1 200 OK\r\nContent-Type: ";
    out.append(type)
        .append("\r\nContent-Length: ")
        .append(std::to_string(body.size()))
        .append("\r\n\r\n")
        .append(body);
    return out;
}

class upstream {
public:
    explicit upstream(std::uint16_t port)
        : poll_{load::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")},
          listener_{load::checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                                  "socket")} {
        int const on = 1;
        ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        sockaddr_in const where = load::loopback(port);
        load::checked(
            ::bind(listener_.get(), reinterpret_cast<sockaddr const*>(&where), sizeof where),
            "bind");
        load::checked(::listen(listener_.get(), 4096), "listen");
        watch(listener_, EPOLL_CTL_ADD, EPOLLIN, 0);
        answer_ =
            R"({"id":"chatcmpl-mock","object":"chat.completion","created":1700000000,"model":"mock","choices":[)"
            R"({"index":0,"message":{"role":"assistant","content":")";
        for (int i = 0; i < 20; ++i) answer_ += "A sentence of the answer. ";
        answer_ +=
            R"("},"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}})";
        answer_ = with_length("application/json", answer_);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 256> events{};
        for (;;) {
            timespec wait{};
            std::int64_t const left = alarms_.empty()
                                          ? 1'000'000'000
                                          : std::max<std::int64_t>(0, alarms_.top().due - now());
            wait.tv_sec = left / 1'000'000'000;
            wait.tv_nsec = left % 1'000'000'000;
            int const ready =
                ::epoll_pwait2(poll_.get(), events.data(), int{events.size()}, &wait, nullptr);
            if (ready < 0 && errno != EINTR) load::checked(ready, "epoll_pwait2");
            for (int i = 0; i < ready; ++i) {
                epoll_event const& one = events[static_cast<std::size_t>(i)];
                if (one.data.u64 == 0)
                    accept_all();
                else
                    handle(one.data.u64, one.events);
            }
            ring();
        }
    }

private:
    void watch(load::descriptor const& what, int how, std::uint32_t events, std::uint64_t number) {
        epoll_event wanted{};
        wanted.events = events;
        wanted.data.u64 = number;
        load::checked(::epoll_ctl(poll_.get(), how, what.get(), &wanted), "epoll_ctl");
    }

    void accept_all() {
        for (;;) {
            load::descriptor taken{
                ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
            if (taken.get() < 0) return;
            int const on = 1;
            ::setsockopt(taken.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            std::uint64_t const number = ++last_number_;
            watch(taken, EPOLL_CTL_ADD, EPOLLIN | EPOLLRDHUP, number);
            auto& made = connections_[number];
            made = std::make_unique<connection>();
            made->socket = std::move(taken);
            made->number = number;
        }
    }

    void handle(std::uint64_t number, std::uint32_t events) {
        auto const found = connections_.find(number);
        if (found == connections_.end()) return;
        connection& on = *found->second;
        bool is_gone = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        if (!is_gone && (events & EPOLLIN) != 0) is_gone = !receive(on);
        if (!is_gone && (events & EPOLLOUT) != 0) is_gone = !flush(on);
        if (is_gone) drop(on);
    }

    void drop(connection const& gone) {
        if (gone.is_busy) {
            ++left_;
            left_at_ = now();
        }
        if (gone.is_stream && gone.is_busy) --streams_;
        connections_.erase(gone.number);
    }

    /// False when the connection is over.
    bool receive(connection& on) {
        std::array<char, 16384> bytes{};
        ssize_t const got = ::recv(on.socket.get(), bytes.data(), bytes.size(), 0);
        if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
        if (got > 0) on.in.append(bytes.data(), static_cast<std::size_t>(got));
        if (on.in.size() > request_limit) return false;
        return on.is_busy || take_request(on);
    }

    bool take_request(connection& on) {
        std::size_t const head_end = on.in.find("\r\n\r\n");
        if (head_end == std::string::npos) return true;
        std::string head = on.in.substr(0, head_end);
        std::ranges::transform(head, head.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
        std::size_t end = head_end + 4;
        if (head.find("transfer-encoding: chunked") != std::string::npos) {
            std::size_t const last = on.in.find("0\r\n\r\n", end);
            if (last == std::string::npos) return true;
            end = last + 5;
        } else {
            end += static_cast<std::size_t>(number_after(head, "content-length: ", 0));
            if (on.in.size() < end) return true;
        }
        ++requests_;
        std::string const request = on.in.substr(0, end);
        on.in.erase(0, end);
        return answer(on, request, std::string_view{request}.substr(head_end));
    }

    bool answer(connection& on, std::string_view request, std::string_view body) {
        if (request.starts_with("GET /stats")) {
            on.out += with_length("text/plain", stats());
            return flush(on);
        }
        if (request.starts_with("GET ")) {
            on.out += with_length(
                "application/json",
                R"({"object":"list","data":[{"id":"mock","object":"model","created":1,"owned_by":"mock"}]})");
            return flush(on);
        }
        std::int64_t const delay = number_after(body, "delay=", 0) * 1'000'000;
        std::int64_t const rate = number_after(body, "rate=", 0);
        ++chats_;
        on.is_busy = true;
        on.is_begun = false;
        on.is_stream = member_is_true(body, R"("stream")");
        on.wants_usage = member_is_true(body, R"("include_usage")");
        on.tokens_left = on.is_stream ? number_after(body, "tokens=", 10) : 0;
        on.tokens_sent = 0;
        on.bytes_sent = 0;
        on.interval = rate == 0 ? 0 : 1'000'000'000 / rate;
        if (on.is_stream) ++streams_;
        if (delay == 0) return go_on(on);
        alarms_.push({now() + delay, on.number});
        return true;
    }

    void ring() {
        while (!alarms_.empty() && alarms_.top().due <= now()) {
            std::uint64_t const number = alarms_.top().number;
            alarms_.pop();
            auto const found = connections_.find(number);
            if (found != connections_.end() && found->second->is_busy && !go_on(*found->second))
                drop(*found->second);
        }
    }

    /// Sends what is due.
    bool go_on(connection& on) {
        if (!on.is_stream) {
            on.out += answer_;
            on.is_busy = false;
            return flush(on);
        }
        if (!on.is_begun) {
            on.is_begun = true;
            on.out +=
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                "Transfer-Encoding: chunked\r\n\r\n";
            append_chunk(on.out, event(R"("role":"assistant","content":"")", "null"));
        }
        std::size_t const batch = on.interval == 0 ? unlimited_batch : 1;
        for (std::size_t i = 0; i < batch && on.tokens_left > 0; ++i) {
            append_chunk(on.out, event(R"("content":"@)" + std::to_string(now()) + ";\"", "null"));
            --on.tokens_left;
            ++on.tokens_sent;
            ++tokens_;
        }
        if (on.tokens_left == 0) {
            std::string last = event("", R"("stop")");
            if (on.wants_usage)
                last +=
                    R"(data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1700000000,"model":"mock",)"
                    R"("choices":[],"usage":{"prompt_tokens":200,"completion_tokens":100,"total_tokens":300}})"
                    "\n\n";
            append_chunk(on.out, last + "data: [DONE]\n\n");
            on.out += "0\r\n\r\n";
            on.is_busy = false;
            --streams_;
            return flush(on);
        }
        if (on.interval == 0) return flush(on);
        std::int64_t const at = now();
        if (on.tokens_sent == 1) {
            // The second token of each stream has a place of its own in the interval, so that streams that began
            // together do not go on together.
            double const phase = static_cast<double>(on.number) * 0.6180339887498949;
            on.first_due =
                at + static_cast<std::int64_t>(
                         (phase - static_cast<double>(static_cast<std::int64_t>(phase))) *
                         static_cast<double>(on.interval));
        }
        alarms_.push({on.first_due + on.tokens_sent * on.interval, on.number});
        return flush(on);
    }

    bool flush(connection& on) {
        while (!on.out.empty()) {
            ssize_t const sent =
                ::send(on.socket.get(), on.out.data(), on.out.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EAGAIN) {
                if (!on.waits_to_write)
                    watch(on.socket, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP | EPOLLOUT, on.number);
                on.waits_to_write = true;
                return true;
            }
            if (sent < 0) return false;
            on.bytes_sent += sent;
            on.out.erase(0, static_cast<std::size_t>(sent));
            if (on.out.empty() && on.is_busy && on.is_stream && on.interval == 0 && on.is_begun)
                return go_on_later(on);
        }
        if (on.waits_to_write) watch(on.socket, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP, on.number);
        on.waits_to_write = false;
        return on.is_busy || on.in.empty() || take_request(on);
    }

    /// The next batch of an unlimited stream comes after the other connections have had their turn.
    bool go_on_later(connection& on) {
        if (on.waits_to_write) watch(on.socket, EPOLL_CTL_MOD, EPOLLIN | EPOLLRDHUP, on.number);
        on.waits_to_write = false;
        alarms_.push({now(), on.number});
        return true;
    }

    /// `busiest` is the stream that has sent most: what the socket took, and what of it the peer's kernel has not yet.
    std::string stats() const {
        std::string out = "connections " + std::to_string(connections_.size()) + "\nstreams " +
                          std::to_string(streams_) + "\nrequests " + std::to_string(requests_) +
                          "\ntokens " + std::to_string(tokens_) + "\nchats " +
                          std::to_string(chats_) + "\nleft " + std::to_string(left_) +
                          "\nleft_at " + std::to_string(left_at_) + '\n';
        connection const* busiest = nullptr;
        for (auto const& [number, one] : connections_)
            if (one->is_busy && one->is_stream &&
                (busiest == nullptr || one->bytes_sent > busiest->bytes_sent))
                busiest = one.get();
        if (busiest == nullptr) return out;
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ::getpeername(busiest->socket.get(), reinterpret_cast<sockaddr*>(&peer), &size);
        int unsent = 0;
        ::ioctl(busiest->socket.get(), SIOCOUTQ, &unsent);
        return out + "busiest_port " + std::to_string(ntohs(peer.sin_port)) + "\nbusiest_bytes " +
               std::to_string(busiest->bytes_sent) + "\nbusiest_tokens " +
               std::to_string(busiest->tokens_sent) + "\nbusiest_unsent " + std::to_string(unsent) +
               '\n';
    }

    load::descriptor poll_;
    load::descriptor listener_;
    std::string answer_;
    std::unordered_map<std::uint64_t, std::unique_ptr<connection>> connections_;
    std::priority_queue<alarm> alarms_;
    std::uint64_t last_number_ = 0;
    std::int64_t streams_ = 0;
    std::int64_t requests_ = 0;
    std::int64_t chats_ = 0;
    std::int64_t tokens_ = 0;
    std::int64_t left_ = 0;
    std::int64_t left_at_ = 0;
};

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    load::raise_descriptor_limit();
    ::prctl(PR_SET_TIMERSLACK, 1000UL);
    upstream mock{given.port("port")};
    std::printf("ready\n");
    std::fflush(stdout);
    mock.run();
} catch (std::exception const& error) {
    std::fprintf(stderr, "mock_upstream: %s\n", error.what());
    return 1;
}
