// expect: audited::audited\(|calling a private constructor of class .*audited
#include "mcp_provider/agent/audited.hpp"

using namespace mcp_provider;

#ifdef MCP_PROVIDER_MISUSE
auto forged() { return audited{}; }
#else
auto passed_on(audited given) { return given; }
#endif
