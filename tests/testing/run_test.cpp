#include "mcp_provider/testing/run.hpp"

#include <asio/awaitable.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <doctest/doctest.h>

namespace {

asio::awaitable<std::unique_ptr<int>> answer(int number) {
    co_return std::make_unique<int>(number);
}

asio::awaitable<int> fails() {
    throw std::runtime_error{"no"};
    co_return 1;
}

asio::awaitable<void> waits_for_ever() {
    asio::steady_timer never{co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max()};
    co_await never.async_wait(asio::use_awaitable);
}

} // namespace

TEST_CASE("run returns what the coroutine returns, also what can only be moved") {
    CHECK(*mcp_provider::testing::run(answer(42)) == 42);
}

TEST_CASE("run throws what the coroutine throws") {
    CHECK_THROWS_AS(mcp_provider::testing::run(fails()), std::runtime_error);
}

TEST_CASE("run cancels a coroutine that waits, when it is told to") {
    CHECK_THROWS_AS(mcp_provider::testing::run(waits_for_ever(), std::chrono::milliseconds{10}),
                    std::system_error);
}
