// From the configuration to the parameters of the policies: what the operator decided, in the policies' own terms.
#pragma once

#include "config/config.hpp"
#include "dialect/rules.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/content_rule_set.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/origin_rules.hpp"
#include "mcp_provider/policy/rate_table.hpp"
#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <memory>

namespace mcp_provider::server {

[[nodiscard]] http::limits limits_of(config const& from);
[[nodiscard]] time_limits time_limits_of(config const& from);
[[nodiscard]] std::shared_ptr<local_users const> users_of(config const& from, scopes may);
[[nodiscard]] std::shared_ptr<origin_rules const> origins_of(config const& from);
[[nodiscard]] std::shared_ptr<request_rules const> request_rules_of(config const& from);
[[nodiscard]] block_rules block_rules_of(config const& from);
[[nodiscard]] rate_rules rate_rules_of(config const& from);
[[nodiscard]] session_limits session_limits_of(config const& from);
[[nodiscard]] std::shared_ptr<generation_rules const> generation_rules_of(config const& from);
/// The built-in rules with the action of the profile, and the operator's own. *Errors*: throws for a pattern that RE2 refuses.
[[nodiscard]] std::shared_ptr<content_rule_set const> content_rules_of(config const& from);
[[nodiscard]] audit_choice audit_choice_of(config const& from);
[[nodiscard]] audit::json_lines_options audit_options_of(config const& from);

} // namespace mcp_provider::server
