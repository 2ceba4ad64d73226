// expect: hook_has_the_wrong_shape<(class )?looks>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

class looks {
public:
    static constexpr std::string_view name = "looks";
    void on_complete(exchange const&) const noexcept {}

#ifdef MCP_PROVIDER_MISUSE
private:
#endif
    result<> on_request(http::request const&) const { return {}; }
};

auto answer() { return http::response{200}; }
auto route = pipeline(looks{}).handle(&answer);
