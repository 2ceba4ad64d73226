// expect: fact_is_needed_before_it_is_provided<.*authenticate<.*>, .*throttled, .*address_block<.*>
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/local_origin.hpp"

using namespace mcp_provider;

struct no_key {
    std::shared_ptr<identity const> find(std::string_view) const { return nullptr; }
};

auto answer(principal const&) { return http::response{200}; }

auto compose(std::shared_ptr<origin_rules const> hosts, std::shared_ptr<block_table> blocks,
             std::shared_ptr<no_key> keys) {
#ifdef MCP_PROVIDER_MISUSE
    return pipeline(local_origin{hosts}, authenticate{keys}, address_block{blocks}).handle(&answer);
#else
    return pipeline(local_origin{hosts}, address_block{blocks}, authenticate{keys}).handle(&answer);
#endif
}
