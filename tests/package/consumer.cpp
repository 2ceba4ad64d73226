// A program of somebody else: what the installed headers must be good for.
#include <mcp_provider/pipeline/pipeline.hpp>
#include <mcp_provider/testing/channel.hpp>
#include <mcp_provider/testing/fake_request.hpp>
#include <mcp_provider/testing/run.hpp>
#include <mcp_provider/version.hpp>

#include <cstdio>
#include <string>
#include <string_view>

namespace {

using namespace mcp_provider;

struct guest {
    std::string name;
};

class known_guest {
public:
    static constexpr std::string_view name = "known_guest";

    result<guest> on_request(http::request const& asked) const {
        if (asked.query().empty()) return rejection{rejection_code::bad_request, "who is it?"};
        return guest{std::string{asked.query()}};
    }
};

class not_for_ada {
public:
    static constexpr std::string_view name = "not_for_ada";

    result<> on_request(guest const& who) const {
        if (who.name == "Ada") return rejection{rejection_code::forbidden, "you have been here already"};
        return {};
    }
};

/// Returns the status that the pipeline answers a target with.
unsigned status_for(std::string_view target) {
    auto const hello = pipeline(known_guest{}, not_for_ada{}).handle([](guest const& who) {
        return http::response{200, "text/plain", "Hello, " + who.name};
    });
    testing::fake_request asked{"GET", target};
    testing::channel io;
    testing::run(hello.serve(asked.get(), io));
    return io.status();
}

} // namespace

int main() {
    bool const right = status_for("/hello?Grace") == 200 && status_for("/hello") == 400 &&
                       status_for("/hello?Ada") == 403;
    std::printf("mcp_provider %s: %s\n", version.data(), right ? "right" : "wrong");
    return right ? 0 : 1;
}
