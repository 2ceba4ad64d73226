// Who is shut out for a time, and who is on the way there.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/policy/block_reason.hpp"
#include "mcp_provider/policy/bounded_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// When a caller is blocked without an operator.
struct block_rules {
    std::chrono::seconds failure_window = std::chrono::minutes{5};
    std::size_t max_failures = 20; ///< so many distinct wrong tokens within the window block
    std::chrono::seconds failure_block = std::chrono::hours{24};
    std::size_t max_refusals =
        3; ///< so many refusals for rate within its window are suspicious, the next one blocks
    std::chrono::seconds refusal_block = std::chrono::minutes{15};
    bool whole_loopback =
        false; ///< whether 127.0.0.1 may be blocked as one caller, where no local user is known
    std::size_t max_callers = 10'000;
};

/// Blocks and the counts that lead to them. A caller is `uid:N`, an address, or the id of a key.
/// Made once and shared by all pipelines; its times are those of the caller's clock.
/// *Thread safety*: safe. *Complexity*: constant, and one load while nobody is in the table.
class block_table {
public:
    enum class verdict : std::uint8_t { counted, suspicious, blocked };

    explicit block_table(block_rules rules = {}) : rules_{rules}, callers_{rules.max_callers} {}

    [[nodiscard]] block_rules const& rules() const noexcept { return rules_; }

    /// How long the caller is still blocked; nothing if it is not.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> blocked_for(std::string_view caller,
                                                                      steady_time now) {
        std::optional<std::chrono::nanoseconds> left;
        if (callers_.empty()) return left;
        callers_.visit(caller, [&](state const& one) {
            if (one.blocked_until > now) left = one.blocked_until - now;
        });
        return left;
    }

    /// Whether a caller's failures could be counted: it is known, or the table has room.
    [[nodiscard]] bool can_watch(std::string_view caller, steady_time now) {
        return callers_.empty() || callers_.visit(caller, [](state const&) {}) ||
               callers_.has_room(now);
    }

    /// Notes a wrong token by its fingerprint; the same token twice is one.
    verdict note_failure(std::string_view caller, std::uint64_t fingerprint, steady_time now) {
        verdict out = verdict::counted;
        callers_.visit_or_add(caller, now, [&](state& one) {
            std::erase_if(one.failures,
                          [&](auto const& f) { return f.second + rules_.failure_window <= now; });
            auto const same = std::find_if(one.failures.begin(), one.failures.end(),
                                           [&](auto const& f) { return f.first == fingerprint; });
            if (same != one.failures.end())
                same->second = now;
            else
                one.failures.emplace_back(fingerprint, now);
            one.idle_from = std::max(one.idle_from, now + rules_.failure_window);
            if (one.failures.size() < rules_.max_failures) return;
            one.failures.clear();
            one.block(now + rules_.failure_block, block_reason::wrong_tokens);
            out = verdict::blocked;
        });
        return out;
    }

    /// Notes a refusal for rate; `window` is that of the limit.
    verdict note_refusal(std::string_view caller, std::chrono::nanoseconds window,
                         steady_time now) {
        verdict out = verdict::counted;
        callers_.visit_or_add(caller, now, [&](state& one) {
            std::erase_if(one.refusals, [&](steady_time at) { return at + window <= now; });
            if (one.refusals.size() >= rules_.max_refusals) {
                one.refusals.clear();
                one.block(now + rules_.refusal_block, block_reason::ignored_limits);
                out = verdict::blocked;
                return;
            }
            one.refusals.push_back(now);
            one.idle_from = std::max(one.idle_from, now + window);
            if (one.refusals.size() == rules_.max_refusals) out = verdict::suspicious;
        });
        return out;
    }

    /// Blocks a caller until at least `now + length`. Returns false if the table is full.
    bool block(std::string_view caller, std::chrono::nanoseconds length, steady_time now,
               block_reason why = block_reason::by_operator) {
        return callers_.visit_or_add(caller, now,
                                     [&](state& one) { one.block(now + length, why); });
    }

    /// Ends a block and forgets the counts. Returns whether there was anything to end.
    bool unblock(std::string_view caller) { return callers_.erase(caller); }

    /// Calls `see(caller, left, why)` for each block that is in force.
    template <class See>
    void for_each_block(steady_time now, See&& see) {
        callers_.for_each([&](std::string_view caller, state const& one) {
            if (one.blocked_until > now) see(caller, one.blocked_until - now, one.why);
        });
    }

private:
    struct state {
        steady_time blocked_until{};
        steady_time idle_from{};
        std::vector<std::pair<std::uint64_t, steady_time>> failures;
        std::vector<steady_time> refusals;
        block_reason why = block_reason::by_operator;

        void block(steady_time until, block_reason reason) noexcept {
            if (until <= blocked_until) return;
            blocked_until = until;
            why = reason;
            idle_from = std::max(idle_from, until);
        }
        [[nodiscard]] bool is_idle(steady_time now) const noexcept { return idle_from <= now; }
    };

    block_rules rules_;
    bounded_table<state> callers_;
};

} // namespace mcp_provider
