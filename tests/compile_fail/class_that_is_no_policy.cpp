// expect: this class is no policy: it has no hook \(on_request, on_response or on_complete\)
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct thing {
    static constexpr std::string_view name = "thing";
#ifndef MCP_PROVIDER_MISUSE
    result<> on_request(http::request const&) const { return {}; }
#endif
};

auto answer() { return http::response{200}; }
auto route = pipeline(thing{}).handle(&answer);
