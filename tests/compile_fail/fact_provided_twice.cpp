// expect: fact_is_provided_twice<(struct )?also_mints, (struct )?coin>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct coin {};
struct mints {
    static constexpr std::string_view name = "mints";
    result<coin> on_request() const { return coin{}; }
};
struct also_mints {
    static constexpr std::string_view name = "also_mints";
    result<coin> on_request() const { return coin{}; }
};

auto answer(coin const&) { return http::response{200}; }

#ifdef MCP_PROVIDER_MISUSE
auto route = pipeline(mints{}, also_mints{}).handle(&answer);
#else
auto route = pipeline(also_mints{}).handle(&answer);
#endif
