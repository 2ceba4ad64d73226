// An MCP server with two tools: on standard input and output, or with an argument on an HTTP port.
#include <mcp_provider/mcp/stdio.hpp>
#include <mcp_provider/mcp/streamable_http.hpp>
#include <mcp_provider/net/server.hpp>
#include <mcp_provider/pipeline/pipeline.hpp>
#include <mcp_provider/pipeline/router.hpp>
#include <mcp_provider/policy/local_origin.hpp>

#include <cstdio>
#include <memory>

using namespace mcp_provider;

// clang-format off
int main(int arguments, char**) {
    constexpr char pair[] = R"({"type":"object","required":["a","b"],"properties":{"a":{"type":"number"},"b":{"type":"number"}}})";
    mcp::server calculator{"calculator", "1.0.0"};
    calculator.add(mcp::tool{"add", "Adds two numbers", pair}, [](mcp::call& asked) {
        return std::to_string(asked.number_or("a", 0) + asked.number_or("b", 0));
    });
    calculator.add(mcp::tool{"divide", "Divides a by b", pair}, [](mcp::call& asked) {
        double const b = asked.number_or("b", 0);
        if (b == 0) return mcp::tool_result::failed("b must not be 0");
        return mcp::tool_result{std::to_string(asked.number_or("a", 0) / b)};
    });
    if (arguments == 1) return mcp::serve_stdio(calculator);

    mcp::streamable_http endpoint{calculator};
    local_origin const ours{std::make_shared<origin_rules const>()};
    router routes;
    for (auto verb : {http::method::post, http::method::get, http::method::del})
        routes.add(verb, "/mcp", pipeline(ours).errors(&mcp::render_error).handle(endpoint.local_handler()));
    net::server listening{routes, http::limits{}, 1};
    if (listening.listen({asio::ip::address_v4::loopback(), 0})) return 1;
    listening.start();
    std::printf("%u\n", unsigned{listening.endpoints().front().port()});
    std::fflush(stdout);
    std::getchar(); // until Enter
    listening.stop(std::chrono::seconds{1});
}
// clang-format on
