// expect: throttled.* is private|private constructor of class .*throttled
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/throttled.hpp"

using namespace mcp_provider;

#ifdef MCP_PROVIDER_MISUSE
auto forged(block_table& blocks, http::peer const& peer) { return throttled{blocks, peer, steady_time{}}; }
#else
auto earned(address_block<> const& policy, local_caller const& caller) { return policy.on_request(caller); }
#endif
