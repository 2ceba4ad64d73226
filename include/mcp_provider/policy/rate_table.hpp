// Exact request limits for sessions and clients, counted together or not at all.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/policy/bounded_table.hpp"
#include "mcp_provider/policy/sliding_window.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>

namespace mcp_provider {

/// How many requests a session, and a client over all its sessions, may make.
struct rate_rules {
    bool enabled = true;
    std::uint32_t max_requests = 100; ///< in any window
    std::chrono::seconds window{300};
    std::uint32_t burst = 10; ///< in any one second; 0 for no such limit
    std::size_t max_keys = 10'000;
};

/// What is left of a limit after a request; of two limits the tighter one.
struct rate_budget {
    std::uint32_t limit = 0; ///< 0: there is no limit
    std::uint32_t remaining = 0;
    std::chrono::nanoseconds reset{
        0}; ///< until `remaining` grows, or after a refusal until the next may pass
};

/// The accepted requests of all keys. Made once and shared by all pipelines.
/// *Thread safety*: safe. A refusal consumes nothing, neither for the session nor for the client.
class rate_table {
public:
    enum class answer : std::uint8_t { admitted, too_fast, table_full };
    struct decision {
        answer is = answer::table_full;
        rate_budget budget;
    };

    /// *Errors*: throws std::invalid_argument for a limit or window of zero.
    explicit rate_table(rate_rules rules) : rules_{rules}, keys_{rules.max_keys} {
        if (rules.max_requests == 0 || rules.window <= std::chrono::seconds::zero())
            throw std::invalid_argument{"a rate limit needs at least one request and one second"};
    }

    [[nodiscard]] rate_rules const& rules() const noexcept { return rules_; }

    /// Admits a request of a session and its client, if both have room for it.
    decision admit(std::string_view session, std::string_view client, steady_time now) {
        decision out;
        keys_.visit_or_add_both(session, client, now, [&](entry& one, entry& two) {
            steady_time const when =
                std::max({now, one.latest(), two.latest()}); // clocks were read before the locks
            auto const wait = std::max(wait_for(one, when), wait_for(two, when));
            if (wait == wait.zero()) {
                one.accept(rules_, when);
                two.accept(rules_, when);
            }
            out = decide(one.accepted.count(rules_.window, when) >=
                                 two.accepted.count(rules_.window, when)
                             ? one
                             : two,
                         wait, when);
        });
        return out;
    }

private:
    struct entry {
        sliding_window accepted;
        steady_time idle_from{};

        [[nodiscard]] steady_time latest() const noexcept {
            return accepted.size() == 0 ? steady_time::min() : accepted.latest();
        }
        void accept(rate_rules const& rules, steady_time now) {
            accepted.accept(rules.max_requests, now);
            idle_from = now + rules.window;
        }
        [[nodiscard]] bool is_idle(steady_time now) const noexcept { return idle_from <= now; }
    };

    [[nodiscard]] std::chrono::nanoseconds wait_for(entry const& one,
                                                    steady_time now) const noexcept {
        auto const wait = one.accepted.wait_for(rules_.max_requests, rules_.window, now);
        if (rules_.burst == 0 || rules_.burst >= rules_.max_requests) return wait;
        return std::max(wait, one.accepted.wait_for(rules_.burst, std::chrono::seconds{1}, now));
    }

    [[nodiscard]] decision decide(entry const& tighter, std::chrono::nanoseconds wait,
                                  steady_time now) const noexcept {
        auto const used = tighter.accepted.count(rules_.window, now);
        decision out;
        out.is = wait == wait.zero() ? answer::admitted : answer::too_fast;
        out.budget.limit = rules_.max_requests;
        out.budget.remaining = rules_.max_requests - static_cast<std::uint32_t>(used);
        out.budget.reset = wait;
        if (wait == wait.zero() && used != 0)
            out.budget.reset = tighter.accepted.latest(used) + rules_.window - now;
        return out;
    }

    rate_rules rules_;
    bounded_table<entry> keys_;
};

} // namespace mcp_provider
