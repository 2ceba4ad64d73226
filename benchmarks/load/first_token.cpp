// Time to the first token of streamed answers, one request at a time, taking turns between the ways to the upstream.
// first_token --model M --key K --requests N --target direct=9000 --target nginx=9001 ...
// prints for each: name p50 p90 p99 (microseconds) errors
#include "answer_reader.hpp"
#include "chat_request.hpp"
#include "percentile.hpp"

#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view script = "tokens=3 rate=1000 delay=0";
constexpr int warm_up = 50;

struct target {
    std::string name;
    std::uint16_t port;
    load::descriptor socket;
    std::vector<std::int64_t> times;
    int errors = 0;
};

/// Nanoseconds from sending the request to the first token.
std::int64_t ask(target& whom, std::string const& request) {
    if (whom.socket.get() < 0) whom.socket = load::connect_to(whom.port);
    std::int64_t first_at = 0;
    load::token_finder tokens;
    std::int64_t const sent_at = load::now();
    load::send_all(whom.socket, request);
    load::receive_answer(whom.socket, [&](std::string_view body) {
        std::int64_t const at = load::now();
        tokens.feed(body, [&](std::int64_t) {
            if (first_at == 0) first_at = at;
        });
        return false;
    });
    if (first_at == 0) throw std::runtime_error{"an answer without a token"};
    return first_at - sent_at;
}

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    std::vector<target> targets;
    std::vector<std::string> requests;
    for (std::string const& one : given.all("target")) {
        std::size_t const equals = one.find('=');
        std::string const port = one.substr(equals + 1);
        targets.push_back({one.substr(0, equals),
                           static_cast<std::uint16_t>(load::arguments::to_number(port)),
                           {},
                           {},
                           0});
        load::arguments with_port = given;
        with_port.set("port", port);
        requests.push_back(load::chat_request(script, true, with_port));
    }
    std::int64_t const rounds = given.number("requests");
    for (std::int64_t round = -warm_up; round < rounds; ++round) {
        for (std::size_t i = 0; i < targets.size(); ++i) {
            target& whom =
                targets[(i + static_cast<std::size_t>(round + warm_up)) % targets.size()];
            std::string const& request = requests[static_cast<std::size_t>(&whom - targets.data())];
            try {
                std::int64_t const took = ask(whom, request);
                if (round >= 0) whom.times.push_back(took);
            } catch (std::exception const& error) {
                if (++whom.errors == 1)
                    std::fprintf(stderr, "%s: %s\n", whom.name.c_str(), error.what());
                whom.socket.close();
            }
            std::this_thread::sleep_for(
                std::chrono::microseconds{500}); // so that all have come to rest
        }
    }
    for (target& whom : targets)
        std::printf("%s %.1f %.1f %.1f %d\n", whom.name.c_str(),
                    static_cast<double>(load::percentile(whom.times, 0.5)) / 1e3,
                    static_cast<double>(load::percentile(whom.times, 0.9)) / 1e3,
                    static_cast<double>(load::percentile(whom.times, 0.99)) / 1e3, whom.errors);
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "first_token: %s\n", error.what());
    return 1;
}
