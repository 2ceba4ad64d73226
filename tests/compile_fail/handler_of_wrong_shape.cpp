// expect: a handler takes facts by const reference
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct looks {
    static constexpr std::string_view name = "looks";
    result<> on_request(http::request const&) const { return {}; }
};

#ifdef MCP_PROVIDER_MISUSE
auto route = pipeline(looks{}).handle([](http::request const&) { return 200; });
#else
auto route = pipeline(looks{}).handle([](http::request const&) { return http::response{200}; });
#endif
