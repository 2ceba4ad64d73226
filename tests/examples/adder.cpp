// An MCP client: starts the server that its arguments name, and has its tool `add` add two numbers.
#include <mcp_provider/mcp/client.hpp>
#include <mcp_provider/mcp/stdio_client_transport.hpp>

#include <cstdio>
#include <memory>
#include <utility>

using namespace mcp_provider;

asio::awaitable<void> add(mcp::client& calculator) {
    if (auto const connected = co_await calculator.connect(); !connected)
        co_return static_cast<void>(std::puts(connected.error().message().c_str()));
    boost::json::object arguments;
    arguments["a"] = 20;
    arguments["b"] = 22;
    auto const sum = co_await calculator.call_tool("add", std::move(arguments));
    std::puts(sum ? sum->text().c_str() : sum.error().message().c_str());
    co_await calculator.close();
}

int main(int count, char** words) {
    net::child_command server{{words + 1, words + count}};
    asio::io_context context{1};
    mcp::client calculator{std::make_unique<mcp::stdio_client_transport>(std::move(server))};
    asio::co_spawn(context, add(calculator), [&](std::exception_ptr) { context.stop(); });
    context.run();
}
