// The fixture as a program: `conformance_fixture stdio`, or `conformance_fixture http [PORT]`, which prints its port and
// runs until its input ends.
#include "fixture.hpp"
#include "mcp_provider/mcp/stdio.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"
#include "mcp_provider/net/server.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "mcp_provider/policy/local_origin.hpp"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

using namespace mcp_provider;

int main(int count, char** words) {
    std::string_view const how = count > 1 ? words[1] : "";
    std::string_view const port_text = count > 2 ? words[2] : "0";
    mcp::server offered{"conformance-fixture", "1.0.0"};
    conformance::offer_everything(offered);
    offered.report_faults_to([](std::string_view where, std::string const& what) {
        std::fprintf(stderr, "%.*s: %s\n", static_cast<int>(where.size()), where.data(),
                     what.c_str());
    });
    if (how == "stdio") return mcp::serve_stdio(offered);
    std::uint16_t port = 0;
    std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
    if (how != "http") {
        std::fputs("usage: conformance_fixture stdio | http [PORT]\n", stderr);
        return 2;
    }

    mcp::streamable_http endpoint{offered};
    local_origin const ours{std::make_shared<origin_rules const>()};
    router routes;
    for (auto const verb : {http::method::post, http::method::get, http::method::del})
        routes.add(verb, "/mcp",
                   pipeline(ours).errors(&mcp::render_error).handle(endpoint.local_handler()));
    auto const nowhere = [](http::request const&) -> result<http::response> {
        return rejection{rejection_code::not_found, "there is nothing at this path"};
    };
    routes.otherwise(pipeline(ours).errors(&mcp::render_error).handle(nowhere));
    net::server listening{routes, http::limits{}, 1};
    if (auto const failed = listening.listen({asio::ip::address_v4::loopback(), port})) {
        std::fprintf(stderr, "%s\n", failed.message().c_str());
        return 1;
    }
    listening.start();
    std::printf("%u\n", unsigned{listening.endpoints().front().port()});
    std::fflush(stdout);
    while (std::getchar() != EOF) {
    }
    offered.stop();
    listening.stop(std::chrono::seconds{1});
}
