// expect: policy_must_be_outermost<.*audit_log<.*> ?>
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/request_limits.hpp"

using namespace mcp_provider;

auto answer(audited const&) { return http::response{200}; }

auto compose(audit::sink& sink) {
#ifdef MCP_PROVIDER_MISUSE
    return pipeline(request_limits{}, audit_log{sink}).handle(&answer);
#else
    return pipeline(audit_log{sink}, request_limits{}).handle(&answer);
#endif
}
