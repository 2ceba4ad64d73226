// What an idle keep-alive connection holds: opens connections, sends one request over each, and lets them be.
// idle_connections --port P --key K --model M --connections 5000 --pid SERVER [--pid ...]
#include "chat_request.hpp"
#include "process_usage.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <vector>

namespace {

void ask(load::descriptor const& socket, std::string const& request) {
    load::send_all(socket, request);
    load::receive_answer(socket, [](std::string_view) { return false; });
}

} // namespace

int main(int count, char** words) try {
    load::arguments const given{count, words};
    load::raise_descriptor_limit();
    auto const pids = given.all("pid");
    std::string const request = load::chat_request("delay=0", false, given);
    std::uint16_t const port = given.port("port");
    auto const connections = given.number("connections");

    // What the first requests make is not the connections' own.
    for (int i = 0; i < 200; ++i) ask(load::connect_to(port), request);
    std::this_thread::sleep_for(std::chrono::seconds{1});
    load::usage const before = load::usage_of(pids);

    std::vector<load::descriptor> held;
    for (std::int64_t i = 0; i < connections; ++i) {
        held.push_back(load::connect_to(port));
        ask(held.back(), request);
    }
    std::this_thread::sleep_for(std::chrono::seconds{1});
    load::usage const after = load::usage_of(pids);
    auto const each = [&](std::int64_t a, std::int64_t b) {
        return static_cast<double>(b - a) / static_cast<double>(connections);
    };
    std::printf("connections=%zu rss_each=%.0f pss_each=%.0f\n", held.size(),
                each(before.resident, after.resident),
                each(before.proportional, after.proportional));
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "idle_connections: %s\n", error.what());
    return 1;
}
