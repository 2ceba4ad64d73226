// The example of README.md: a policy, a pipeline with it, and a server.
#include <mcp_provider/net/server.hpp>
#include <mcp_provider/pipeline/pipeline.hpp>
#include <mcp_provider/pipeline/router.hpp>

#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

using namespace mcp_provider;

struct guest {
    std::string name;
};

class known_guest {
public:
    static constexpr std::string_view name = "known_guest";

    result<guest> on_request(http::request const& asked) const {
        if (asked.query().empty())
            return rejection{rejection_code::bad_request, "say who you are: /hello?NAME"};
        return guest{std::string{asked.query()}};
    }
};
static_assert(policy<known_guest>);

int main() {
    auto hello = pipeline(known_guest{}).handle([](guest const& who) {
        return http::response{200, "text/plain", "Hello, " + who.name + "!\n"};
    });

    router routes;
    routes.add(http::method::get, "/hello", any_service{std::move(hello)});
    net::server server{routes, http::limits{}, 1};
    if (auto const failed = server.listen({asio::ip::address_v4::loopback(), 0})) {
        std::fprintf(stderr, "%s\n", failed.message().c_str());
        return 1;
    }
    server.start();
    std::printf("%u\n", unsigned{server.endpoints().front().port()});
    std::fflush(stdout);
    std::getchar(); // until Enter
    server.stop(std::chrono::seconds{1});
}
