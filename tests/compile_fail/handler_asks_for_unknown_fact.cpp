// expect: handler_asks_for_a_fact_that_nobody_provides<.*, (struct )?coin>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct coin {};
struct mints {
    static constexpr std::string_view name = "mints";
    result<coin> on_request() const { return coin{}; }
};
struct looks {
    static constexpr std::string_view name = "looks";
    result<> on_request(http::request const&) const { return {}; }
};

auto answer(coin const&) { return http::response{200}; }

#ifdef MCP_PROVIDER_MISUSE
auto route = pipeline(looks{}).handle(&answer);
#else
auto route = pipeline(looks{}, mints{}).handle(&answer);
#endif
