// Many streams at once through one server: how late tokens come, what they cost the server, what a stream holds.
// many_streams --port P --key K --model M --streams 1000 --rate 20 --seconds 10 --pid SERVER [--pid ...]
// prints one line of name=value pairs
#include "answer_reader.hpp"
#include "chat_request.hpp"
#include "percentile.hpp"
#include "process_usage.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

struct stream {
    load::descriptor socket;
    load::answer_reader reader;
    load::token_finder tokens;
    bool has_begun = false;
};

class audience {
public:
    explicit audience(load::arguments const& given)
        : poll_{load::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")}, port_{given.port(
                                                                                     "port")} {
        std::int64_t const rate = given.number("rate");
        // More than will be heard: the streams are left, not ended.
        std::int64_t const tokens = rate * (given.number("seconds") + 60);
        request_ = load::chat_request("tokens=" + std::to_string(tokens) +
                                          " rate=" + std::to_string(rate) + " delay=0",
                                      true, given);
    }

    void open_one() {
        auto made = std::make_unique<stream>();
        made->socket = load::connect_to(port_);
        load::send_all(made->socket, request_);
        load::make_nonblocking(made->socket);
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.ptr = made.get();
        load::checked(::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, made->socket.get(), &wanted),
                      "epoll_ctl");
        streams_.push_back(std::move(made));
    }

    /// Reads until that time, noting how late each token is.
    void listen_until(std::int64_t end) {
        std::array<epoll_event, 256> events{};
        for (std::int64_t left = end - load::now(); left > 0; left = end - load::now()) {
            timespec const wait{left / 1'000'000'000, left % 1'000'000'000};
            int const ready =
                ::epoll_pwait2(poll_.get(), events.data(), int{events.size()}, &wait, nullptr);
            for (int i = 0; i < ready; ++i)
                receive(*static_cast<stream*>(events[static_cast<std::size_t>(i)].data.ptr));
        }
    }

    void forget_tokens() { late_.clear(); }
    [[nodiscard]] std::vector<std::int64_t>& lateness() noexcept { return late_; }
    [[nodiscard]] std::size_t begun() const noexcept { return begun_; }
    [[nodiscard]] std::size_t errors() const noexcept { return errors_; }
    void leave() { streams_.clear(); }

private:
    void receive(stream& on) {
        std::array<char, 65536> bytes{};
        ssize_t const got = ::recv(on.socket.get(), bytes.data(), bytes.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got > 0) {
            std::int64_t const at = load::now();
            on.reader.feed(
                {bytes.data(), static_cast<std::size_t>(got)}, [&](std::string_view body) {
                    on.tokens.feed(body, [&](std::int64_t sent_at) { hear(on, at - sent_at); });
                });
        }
        bool const is_bad = got <= 0 || on.reader.has_failed() || on.reader.is_complete() ||
                            (on.reader.status() != 0 && on.reader.status() != 200);
        if (!is_bad) return;
        ++errors_;
        on.socket.close();
    }

    void hear(stream& on, std::int64_t late) {
        late_.push_back(late);
        if (!on.has_begun) ++begun_;
        on.has_begun = true;
    }

    load::descriptor poll_;
    std::uint16_t port_;
    std::string request_;
    std::vector<std::unique_ptr<stream>> streams_;
    std::vector<std::int64_t> late_;
    std::size_t begun_ = 0;
    std::size_t errors_ = 0;
};

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    load::raise_descriptor_limit();
    auto const pids = given.all("pid");
    auto const streams = given.number("streams");
    constexpr std::int64_t second = 1'000'000'000;

    audience heard{given};
    load::usage const before = load::usage_of(pids);
    for (std::int64_t i = 0; i < streams; ++i) {
        heard.open_one();
        if (i % 8 == 7) heard.listen_until(load::now() + 8 * second / 2000);
    }
    heard.listen_until(load::now() + 2 * second);
    heard.forget_tokens();

    load::usage const start = load::usage_of(pids);
    heard.listen_until(load::now() + given.number("seconds") * second);
    load::usage const end = load::usage_of(pids);

    auto& late = heard.lateness();
    auto const tokens = late.size();
    auto const a_stream = [&](std::int64_t a, std::int64_t b) {
        return static_cast<double>(b - a) / static_cast<double>(streams);
    };
    std::printf(
        "streams=%zu errors=%zu tokens=%zu late_p50_us=%.1f late_p99_us=%.1f late_p999_us=%.1f "
        "cpu_ns_a_token=%.0f rss_a_stream=%.0f pss_a_stream=%.0f\n",
        heard.begun(), heard.errors(), tokens,
        static_cast<double>(load::percentile(late, 0.5)) / 1e3,
        static_cast<double>(load::percentile(late, 0.99)) / 1e3,
        static_cast<double>(load::percentile(late, 0.999)) / 1e3,
        tokens == 0 ? 0.0 : static_cast<double>(end.cpu - start.cpu) / static_cast<double>(tokens),
        a_stream(before.resident, end.resident), a_stream(before.proportional, end.proportional));
    heard.leave();
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "many_streams: %s\n", error.what());
    return 1;
}
