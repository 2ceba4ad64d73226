// mcp_server PORT: an MCP server with one trivial tool, on one worker, behind the check of Host and Origin.
#include "mcp_provider/mcp/streamable_http.hpp"
#include "mcp_provider/net/server.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/local_origin.hpp"

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

using namespace mcp_provider;

int main(int count, char** words) {
    std::string_view const text = count > 1 ? words[1] : "";
    std::uint16_t port = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), port).ec != std::errc{}) {
        std::fputs("usage: load_mcp_server PORT\n", stderr);
        return 2;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr); // before there are threads

    mcp::server offered{"bench", "1.0.0"};
    offered.add(
        mcp::tool{
            "greet", "Greets somebody",
            R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})"},
        [](mcp::call& asked) { return "Hello, " + std::string{asked.text("name")} + "!"; });
    mcp::streamable_http endpoint{offered};
    local_origin const ours{std::make_shared<origin_rules const>()};
    router routes;
    for (auto const verb : {http::method::post, http::method::get, http::method::del})
        routes.add(verb, "/mcp",
                   pipeline(ours).errors(&mcp::render_error).handle(endpoint.local_handler()));
    http::limits limits;
    limits.max_requests_per_connection = 1'000'000'000;
    net::server listening{routes, limits, 1};
    if (auto const failed = listening.listen({asio::ip::address_v4::loopback(), port})) {
        std::fprintf(stderr, "%s\n", failed.message().c_str());
        return 1;
    }
    listening.start();
    int signal = 0;
    sigwait(&ends, &signal);
    listening.stop(std::chrono::seconds{1});
}
