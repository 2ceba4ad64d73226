// expect: on_response must be `void on_response\(http::request const&, http::response&, Facts const\*\.\.\.\)`
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct marks {
    static constexpr std::string_view name = "marks";
#ifdef MCP_PROVIDER_MISUSE
    void on_response(http::response& out) const { out.fields().set("marked", "yes"); }
#else
    void on_response(http::request const&, http::response& out) const { out.fields().set("marked", "yes"); }
#endif
};

auto answer() { return http::response{200}; }
auto route = pipeline(marks{}).handle(&answer);
