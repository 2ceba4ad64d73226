#include "mcp_provider/net/detail/turn.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::net::detail;
using namespace std::chrono_literals;

namespace {

asio::awaitable<void> work_and_write(turn& with, std::string& log, char who) {
    log += who;
    co_await with.gather();
    log += static_cast<char>(who - 'a' + 'A');
}

asio::awaitable<void> hold(turn& with, std::shared_ptr<int> what) {
    co_await with.gather();
    *what = 1;
}

} // namespace

TEST_CASE(
    "writers are many when two write within 200 microseconds, and not when one writes alone") {
    writers all;
    int one = 0;
    int two = 0;
    steady_time const start{1s};

    CHECK_FALSE(all.are_many(&one, start));
    CHECK_FALSE(all.are_many(&one, start + 1us));
    CHECK(all.are_many(&two, start + 200us));
    CHECK(all.are_many(&one, start + 200us + 199us));
    CHECK_FALSE(all.are_many(&two, start + 200us + 199us + 200us));
}

TEST_CASE("those who gather write when all that is ready has done its work, in their order") {
    asio::io_context context{1};
    turn& with = asio::use_service<turn>(context);
    std::string log;
    for (char const who : {'a', 'b', 'c'})
        asio::co_spawn(context, work_and_write(with, log, who), asio::detached);

    context.run();

    CHECK(log == "abcABC");
}

TEST_CASE("seven gather at most; the eighth lets them go on first") {
    asio::io_context context{1};
    turn& with = asio::use_service<turn>(context);
    std::string log;
    for (char who = 'a'; who != 'k'; ++who)
        asio::co_spawn(context, work_and_write(with, log, who), asio::detached);

    context.run();

    CHECK(log == "abcdefghABCDEFGijHIJ");
}

TEST_CASE("those who come back to gather while others go on are not lost, however many") {
    asio::io_context context{1};
    turn& with = asio::use_service<turn>(context);
    int rounds = 0;
    constexpr int each = 50;
    auto const again_and_again = [&]() -> asio::awaitable<void> {
        for (int i = 0; i != each; ++i) {
            co_await with.gather();
            ++rounds;
        }
    };
    for (int who = 0; who != 30; ++who) asio::co_spawn(context, again_and_again(), asio::detached);

    context.run();

    CHECK(rounds == 30 * each);
}

TEST_CASE("what still gathers goes with its context") {
    auto const what = std::make_shared<int>(0);
    {
        asio::io_context context{1};
        asio::co_spawn(context, hold(asio::use_service<turn>(context), what), asio::detached);
        context.run_one(); // up to where it waits
    }

    CHECK(*what == 0);
    CHECK(what.use_count() == 1);
}
