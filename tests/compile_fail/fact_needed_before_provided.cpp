// expect: fact_is_needed_before_it_is_provided<(struct )?spends, (struct )?coin, (struct )?mints>
#include "mcp_provider/pipeline/pipeline.hpp"

using namespace mcp_provider;

struct coin {};
struct mints {
    static constexpr std::string_view name = "mints";
    result<coin> on_request() const { return coin{}; }
};
struct spends {
    static constexpr std::string_view name = "spends";
    result<> on_request(coin const&) const { return {}; }
};

auto answer() { return http::response{200}; }

#ifdef MCP_PROVIDER_MISUSE
auto route = pipeline(spends{}, mints{}).handle(&answer);
#else
auto route = pipeline(mints{}, spends{}).handle(&answer);
#endif
