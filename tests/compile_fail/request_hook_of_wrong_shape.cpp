// expect: on_request must be one function .* that takes facts by const reference and returns result<T>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct looks {
    static constexpr std::string_view name = "looks";
#ifdef MCP_PROVIDER_MISUSE
    bool on_request(http::request const&) const { return true; }
#else
    result<> on_request(http::request const&) const { return {}; }
#endif
};

auto answer() { return http::response{200}; }
auto route = pipeline(looks{}).handle(&answer);
