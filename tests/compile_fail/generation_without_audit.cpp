// expect: handler_asks_for_a_fact_that_nobody_provides<(struct )?generates, .*audited>
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/request_limits.hpp"

using namespace mcp_provider;

/// Generation asks an agent, and an agent is not asked without `audited`.
struct generates {
    agent::agent* agents;
    asio::awaitable<http::response> operator()(audited const& log) const {
        agent::conversation ask;
        auto stream = co_await agents->generate(ask, log);
        co_return http::response{200};
    }
};

auto compose(audit::sink& sink, agent::agent& agents) {
#ifdef MCP_PROVIDER_MISUSE
    return pipeline(request_limits{}).handle(generates{&agents});
#else
    return pipeline(audit_log{sink}, request_limits{}).handle(generates{&agents});
#endif
}
