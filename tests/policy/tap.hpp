// A rate limit behind its throttle.
#pragma once

#include "admitted.hpp"
#include "mcp_provider/policy/rate_limit.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::testing {

/// A limit of two requests in 100 s, behind its throttle.
struct tap {
    explicit tap(rate_rules rules = two_in_100_seconds())
        : limits{std::make_shared<rate_table>(rules)} {}

    static rate_rules two_in_100_seconds() {
        rate_rules rules;
        rules.max_requests = 2;
        rules.window = std::chrono::seconds{100};
        rules.burst = 0;
        return rules;
    }

    /// What the throttle says, and if that is nothing, what the limit says.
    result<rate_budget> ask(std::string_view id, std::optional<std::uint32_t> user) {
        auto const who = someone(std::string{id});
        auto const caller = throttled_user(blocks, user, clock);
        if (!caller) return caller.error();
        return rate_limit<manual_clock>{limits, clock}.on_request(*caller, who, session_of(who));
    }

    manual_clock clock;
    std::shared_ptr<rate_table> limits;
    std::shared_ptr<block_table> blocks = new_block_table();
};

} // namespace mcp_provider::testing
