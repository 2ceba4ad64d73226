#include "mcp_provider/audit/line_queue.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

std::vector<std::string> all_of(audit::line_queue& queue) {
    std::vector<std::string> out;
    queue.drain([&](std::string_view text) {
        out.emplace_back(text);
        return true;
    });
    return out;
}

} // namespace

TEST_CASE("line_queue gives texts back in order, empty ones too") {
    audit::line_queue queue{1024};
    for (std::string_view text : {"first", "", "third, which is longer than a word"})
        CHECK(queue.try_push(text));
    CHECK(all_of(queue) ==
          std::vector<std::string>{"first", "", "third, which is longer than a word"});
    CHECK(queue.backlog() == 0);
}

TEST_CASE("line_queue refuses what does not fit, and takes it when there is room again") {
    audit::line_queue queue{64};
    CHECK(!queue.try_push(std::string(57, 'x')));
    CHECK(queue.try_push(std::string(56, 'x')));
    CHECK(!queue.try_push(""));
    CHECK(all_of(queue).size() == 1);
    CHECK(queue.try_push(std::string(24, 'a')));
    CHECK(queue.try_push(std::string(24, 'b')));
    CHECK(!queue.try_push("c"));
}

TEST_CASE("line_queue stops where its visitor says, and goes on there") {
    audit::line_queue queue{256};
    for (std::string_view text : {"a", "b", "c"}) CHECK(queue.try_push(text));
    std::string seen;
    queue.drain([&](std::string_view text) {
        seen += text;
        return text != "b";
    });
    CHECK(seen == "ab");
    CHECK(all_of(queue) == std::vector<std::string>{"c"});
}

TEST_CASE("line_queue keeps texts whole over any number of laps") {
    audit::line_queue queue{512};
    std::mt19937 random{3};
    std::vector<std::string> expected;
    std::vector<std::string> found;
    for (int round = 0; round != 20'000; ++round) {
        std::string text(random() % 120, static_cast<char>('a' + round % 26));
        if (queue.try_push(text)) expected.push_back(std::move(text));
        if (random() % 3 == 0)
            queue.drain([&](std::string_view one) {
                found.emplace_back(one);
                return random() % 4 != 0;
            });
    }
    for (std::string& one : all_of(queue)) found.push_back(std::move(one));
    CHECK(found == expected);
}

TEST_CASE("line_queue loses and doubles nothing that many threads push at a time, and keeps each "
          "thread's order") {
    constexpr int producers = 4;
    constexpr int each = 20'000;
    audit::line_queue queue{4096};
    std::atomic<int> running{producers};
    std::vector<std::thread> threads;
    for (int p = 0; p != producers; ++p)
        threads.emplace_back([&, p] {
            for (int i = 0; i != each; ++i) {
                std::string const text = std::to_string(p) + ":" + std::to_string(i) +
                                         std::string(static_cast<std::size_t>(i % 50), '.');
                while (!queue.try_push(text)) std::this_thread::yield();
            }
            --running;
        });

    std::vector<int> next(producers, 0);
    bool in_order = true;
    for (bool last = false; !last;) {
        last = running == 0; // once more after the last producer has ended
        queue.drain([&](std::string_view text) {
            auto const p = static_cast<std::size_t>(text[0] - '0');
            in_order = in_order && std::atoi(std::string{text.substr(2)}.c_str()) == next[p]++;
            return true;
        });
    }
    for (std::thread& one : threads) one.join();
    CHECK(in_order);
    CHECK(next == std::vector<int>(producers, each));
}
