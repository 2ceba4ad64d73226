// How soon the upstream is left when the client leaves, while it waits for an answer and in the midst of a stream.
// leaving_client --port P --mock-port M --key K --model M --rounds N --mode stream|whole
#include "chat_request.hpp"
#include "percentile.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t patience = 3'000'000'000;

void pause(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

/// Nanoseconds between the client's leaving and the upstream's seeing that.
std::int64_t leave(load::arguments const& given, bool streamed) {
    std::uint16_t const mock = given.port("mock-port");
    load::mock_stats const before{mock};
    load::descriptor socket = load::connect_to(given.port("port"));
    load::send_all(socket, load::chat_request(streamed ? "tokens=100000 rate=50" : "delay=20000",
                                              streamed, given));
    if (streamed) {
        int heard = 0;
        load::token_finder tokens;
        load::receive_answer(socket, [&](std::string_view body) {
            tokens.feed(body, [&](std::int64_t) { ++heard; });
            return heard >= 3;
        });
    } else {
        std::int64_t const end = load::now() + patience;
        while (load::mock_stats{mock}["chats"] == before["chats"]) {
            if (load::now() > end)
                throw std::runtime_error{"the request did not come to the upstream"};
            pause(std::chrono::milliseconds{2});
        }
    }
    std::int64_t const left_at = load::now();
    socket.close();
    while (load::now() < left_at + patience) {
        load::mock_stats const after{mock};
        if (after["left"] > before["left"]) return after["left_at"] - left_at;
        pause(std::chrono::milliseconds{5});
    }
    return patience;
}

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    bool const streamed = given.text("mode") == "stream";
    std::vector<std::int64_t> times;
    for (std::int64_t i = 0; i < given.number("rounds"); ++i)
        times.push_back(leave(given, streamed));
    std::printf("median_ms=%.2f most_ms=%.2f\n",
                static_cast<double>(load::percentile(times, 0.5)) / 1e6,
                static_cast<double>(load::percentile(times, 1.0)) / 1e6);
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "leaving_client: %s\n", error.what());
    return 1;
}
