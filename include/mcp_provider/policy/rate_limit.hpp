// Holds sessions and clients to an exact number of requests in any window.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/block_table.hpp"
#include "mcp_provider/policy/end_time.hpp"
#include "mcp_provider/policy/rate_table.hpp"
#include "mcp_provider/policy/throttled.hpp"
#include "mcp_provider/session/session.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Writes a time as OpenAI's `x-ratelimit-reset-requests` does: `12ms`, `1s`, `6m0s`. Rounds up.
[[nodiscard]] inline std::string reset_text(std::chrono::nanoseconds time) {
    if (time < std::chrono::seconds{1})
        return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + "ms";
    auto const seconds = whole_seconds(time).count();
    std::string text;
    if (seconds >= 3600) text += std::to_string(seconds / 3600) + 'h';
    if (seconds >= 60) text += std::to_string(seconds / 60 % 60) + 'm';
    return text + std::to_string(seconds % 60) + 's';
}

/// Provides `rate_budget`. Counts a request for its session and for its client (the local user or the address, else the
/// principal), for both or for neither. Refusals are counted as well: after a few the caller is suspicious, and the next
/// one blocks it. *Errors*: `rate_limited`; `overloaded` when the table is full and the caller is not in it.
/// *Thread safety*: safe.
template <class Clock = real_clock>
class rate_limit {
public:
    static constexpr std::string_view name = "rate_limit";

    explicit rate_limit(std::shared_ptr<rate_table> limits, Clock clock = {})
        : limits_{std::move(limits)}, clock_{std::move(clock)} {}

    result<rate_budget> on_request(throttled const& caller, principal const& who,
                                   session const& in) const {
        if (!limits_->rules().enabled) return rate_budget{};
        auto const client = caller.caller().empty() ? std::string_view{who.id()} : caller.caller();
        auto const decided = limits_->admit(in.id(), client, clock_.steady());
        if (decided.is == rate_table::answer::admitted) return decided.budget;
        if (decided.is == rate_table::answer::table_full)
            return rejection{rejection_code::overloaded,
                             "too many callers are being counted; try again later"}
                .because("server_busy")
                .come_again_in(std::chrono::seconds{60});
        return refused(decided.budget, caller.note_refusal(who.id(), limits_->rules().window));
    }

    void on_response(http::request const&, http::response& answer, rate_budget const* left) const {
        if (left == nullptr || left->limit == 0) return;
        answer.fields().set("x-ratelimit-limit-requests", std::to_string(left->limit));
        answer.fields().set("x-ratelimit-remaining-requests", std::to_string(left->remaining));
        answer.fields().set("x-ratelimit-reset-requests", reset_text(left->reset));
    }

private:
    [[nodiscard]] rejection refused(rate_budget const& left, block_table::verdict verdict) const {
        rate_rules const& rules = limits_->rules();
        auto const wait = whole_seconds(left.reset);
        std::string text = "rate limit: at most " + std::to_string(rules.max_requests) +
                           " requests in " + std::to_string(rules.window.count()) + " s";
        if (rules.burst != 0) text += " and " + std::to_string(rules.burst) + " in one second";
        text += "; try again in " + std::to_string(wait.count()) + " s";
        rejection out =
            rejection{rejection_code::rate_limited, std::move(text)}
                .because("rate_limit_exceeded")
                .come_again_in(wait)
                .as_security_event(event_of(verdict))
                .with_field("x-ratelimit-limit-requests", std::to_string(left.limit))
                .with_field("x-ratelimit-remaining-requests", std::to_string(left.remaining))
                .with_field("x-ratelimit-reset-requests", reset_text(left.reset));
        // The SDKs ignore a longer Retry-After and come back after half a second, unless they are told not to.
        if (wait > std::chrono::seconds{60})
            return std::move(out).with_field("x-should-retry", "false");
        return out;
    }

    static std::string_view event_of(block_table::verdict verdict) noexcept {
        switch (verdict) {
        case block_table::verdict::counted: return "rate_limit_exceeded";
        case block_table::verdict::suspicious: return "suspicious_caller";
        case block_table::verdict::blocked: return "caller_blocked";
        }
        return {};
    }

    std::shared_ptr<rate_table> limits_;
    [[no_unique_address]] Clock clock_;
};

static_assert(policy<rate_limit<>>);

} // namespace mcp_provider
