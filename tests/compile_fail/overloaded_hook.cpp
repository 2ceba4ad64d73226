// expect: hook_has_the_wrong_shape<(struct )?looks>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct looks {
    static constexpr std::string_view name = "looks";
    result<> on_request(http::request const&) const { return {}; }
#ifdef MCP_PROVIDER_MISUSE
    result<> on_request(http::body const&) const { return {}; } // which one was meant?
#endif
    void on_complete(exchange const&) const noexcept {}
};

auto answer() { return http::response{200}; }
auto route = pipeline(looks{}).handle(&answer);
