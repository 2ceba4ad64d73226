// The witness of the audit, for tests of what needs one.
#pragma once

#include "mcp_provider/agent/audited.hpp"

namespace mcp_provider::testing {

/// Makes what only `audit_log` may make, so that a test can ask an agent.
struct audited_access {
    [[nodiscard]] static audited make() { return audited{}; }
};

} // namespace mcp_provider::testing
