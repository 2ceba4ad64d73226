// expect: this class is no policy: it has no `static constexpr std::string_view name`
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct thing {
#ifndef MCP_PROVIDER_MISUSE
    static constexpr std::string_view name = "thing";
#endif
    result<> on_request(http::request const&) const { return {}; }
};

auto answer() { return http::response{200}; }
auto route = pipeline(thing{}).handle(&answer);
