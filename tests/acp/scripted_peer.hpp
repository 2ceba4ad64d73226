// A child that writes the lines a test gives, one after each line that it reads, and a client for it.
#pragma once

#include "mcp_provider/acp/client.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace mcp_provider::acp {

inline steady_time in(std::chrono::milliseconds time) {
    return std::chrono::steady_clock::now() + time;
}

/// Runs a shell as the peer. `read -r line` in the script takes what we send; what it writes we read.
inline net::child_command shell(std::string script) {
    net::child_command command{{"sh", "-c", std::move(script)}};
    command.environment = {"PATH=/usr/bin:/bin"};
    command.grace = std::chrono::milliseconds{200};
    return command;
}

/// Runs a coroutine to its end, and stops there.
inline void play(std::function<asio::awaitable<void>(asio::any_io_executor)> act) {
    asio::io_context context{1};
    std::exception_ptr thrown;
    bool ended = false;
    asio::co_spawn(context, act(context.get_executor()), [&](std::exception_ptr failure) {
        thrown = std::move(failure);
        ended = true;
        context.stop();
    });
    context.run_for(std::chrono::seconds{20});
    CHECK(ended);
    if (thrown) std::rethrow_exception(thrown);
}

} // namespace mcp_provider::acp
