// Shuts out callers that guess tokens, ignore limits, or were blocked by an operator.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/end_time.hpp"
#include "mcp_provider/policy/local_caller.hpp"
#include "mcp_provider/policy/throttled.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Needs `local_caller`, provides `throttled`. On loopback the unit is the local user, never all of 127.0.0.1 unless the
/// table's rules say so.
/// *Errors*: `forbidden` with the end of the block; `overloaded` when the table is full and the caller is not in it.
/// *Thread safety*: safe.
template <class Clock = real_clock>
class address_block {
public:
    static constexpr std::string_view name = "address_block";

    explicit address_block(std::shared_ptr<block_table> blocks, Clock clock = {})
        : blocks_{std::move(blocks)}, clock_{std::move(clock)} {}

    result<throttled> on_request(local_caller const& from) const {
        throttled caller{*blocks_, from.peer(), clock_.steady()};
        if (caller.caller().empty()) return caller;
        if (auto const left = blocks_->blocked_for(caller.caller(), caller.now_))
            return shut_out("this caller is blocked", *left, clock_.system())
                .because("blocked")
                .as_security_event("blocked_caller");
        if (!blocks_->can_watch(caller.caller(), caller.now_))
            return rejection{rejection_code::overloaded,
                             "too many callers are being watched; try again later"}
                .because("server_busy")
                .come_again_in(std::chrono::seconds{60});
        return caller;
    }

private:
    std::shared_ptr<block_table> blocks_;
    [[no_unique_address]] Clock clock_;
};

static_assert(policy<address_block<>>);

} // namespace mcp_provider
