// Takes a request through the policies that come before the one under test, for their facts are theirs to make.
#pragma once

#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <memory>

namespace mcp_provider::testing {

/// Precondition: the request is one that `local_origin` admits.
inline local_caller admitted_caller(http::request const& asked) {
    return local_origin{std::make_shared<origin_rules const>()}.on_request(asked).value();
}

/// Precondition: the caller is not blocked.
inline throttled admitted_throttled(std::shared_ptr<block_table> const& blocks,
                                    local_caller const& caller, manual_clock const& clock) {
    return address_block<manual_clock>{blocks, clock}.on_request(caller).value();
}

} // namespace mcp_provider::testing
