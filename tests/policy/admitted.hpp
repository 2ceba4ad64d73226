// Takes a request through the policies that come before the one under test, for their facts are theirs to make.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/local_caller.hpp"
#include "mcp_provider/policy/local_users.hpp"
#include "mcp_provider/policy/throttled.hpp"
#include "mcp_provider/session/session.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace mcp_provider::testing {

/// What stands behind a key that may generate, and a principal with that key.
std::shared_ptr<identity const> key_identity(std::string id,
                                             std::optional<system_time> expires = std::nullopt);
principal someone(std::string id);

/// An allow-list with one user.
std::shared_ptr<local_users const> only_user(std::uint32_t uid);

std::shared_ptr<block_table> new_block_table(block_rules rules = {});

/// Precondition: the request is one that `local_origin` admits.
local_caller admitted_caller(http::request const& asked);

/// What `address_block` says of the caller.
result<throttled> throttled_caller(std::shared_ptr<block_table> const& blocks,
                                   local_caller const& caller, manual_clock const& clock);
/// The same of that local user, or of a caller on loopback whom the kernel does not name.
result<throttled> throttled_user(std::shared_ptr<block_table> const& blocks,
                                 std::optional<std::uint32_t> user, manual_clock const& clock);

/// The one session of that principal in this program, good for any number of requests.
session session_of(principal const& who);

} // namespace mcp_provider::testing
