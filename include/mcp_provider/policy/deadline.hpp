// Says how long an exchange may wait for its agent.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <string_view>

namespace mcp_provider {

/// Provides `time_limits`, which the service hands to the connection: it cancels the handler with 504 when no byte came
/// in time, and breaks a stream off when one of its pieces is too late. *Thread safety*: safe.
class deadline {
public:
    static constexpr std::string_view name = "deadline";

    explicit deadline(time_limits limits) noexcept : limits_{limits} {}

    result<time_limits> on_request() const noexcept { return limits_; }

private:
    time_limits limits_;
};

static_assert(policy<deadline>);

} // namespace mcp_provider
