// expect: on_complete must be `void on_complete\(exchange const&, Facts const\*\.\.\.\) noexcept`
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct counts {
    static constexpr std::string_view name = "counts";
#ifdef MCP_PROVIDER_MISUSE
    void on_complete(exchange const&) const {}
#else
    void on_complete(exchange const&) const noexcept {}
#endif
};

auto answer() { return http::response{200}; }
auto route = pipeline(counts{}).handle(&answer);
