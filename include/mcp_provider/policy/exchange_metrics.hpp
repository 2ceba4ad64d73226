// The counters that all pipelines of a server share, and that outlive a reload of them.
#pragma once

#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/policy/exchange_counters.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// Everything that `metrics` counts. Labels are bounded: routes as the server names them, known methods, classes of
/// status, policies, causes. *Thread safety*: safe; reading does not delay requests.
class exchange_metrics {
public:
    /// How often a policy admitted (true) and refused (false), by its name.
    using decision_counts = std::map<std::pair<std::string, bool>, std::uint64_t>;

    /// The counters of a route, made at the first call.
    [[nodiscard]] std::shared_ptr<route_counters> route(std::string_view name) {
        std::lock_guard const lock{mutex_};
        for (auto const& one : routes_)
            if (one->route() == name) return one;
        return routes_.emplace_back(std::make_shared<route_counters>(std::string{name}));
    }
    /// Counters for the decisions of one more pipeline.
    [[nodiscard]] std::shared_ptr<decision_counters> decisions() {
        std::lock_guard const lock{mutex_};
        return decisions_.emplace_back(std::make_shared<decision_counters>());
    }

    void began() noexcept { active_.fetch_add(1, std::memory_order_relaxed); }
    void finished() noexcept { active_.fetch_sub(1, std::memory_order_relaxed); }
    void ended(end_cause cause) noexcept { causes_[static_cast<std::size_t>(cause)].add(); }

    [[nodiscard]] std::int64_t active() const noexcept {
        return active_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t ended_by(end_cause cause) const noexcept {
        return causes_[static_cast<std::size_t>(cause)].value();
    }
    [[nodiscard]] std::vector<std::shared_ptr<route_counters>> routes() const {
        std::lock_guard const lock{mutex_};
        return routes_;
    }
    [[nodiscard]] decision_counts decided() const {
        std::lock_guard const lock{mutex_};
        std::erase_if(decisions_, [&](auto const& one) {
            if (one.use_count() != 1) return false;
            add_to(past_decisions_, *one); // a reload has replaced its pipeline
            return true;
        });
        decision_counts all = past_decisions_;
        for (auto const& one : decisions_) add_to(all, *one);
        return all;
    }

private:
    static void add_to(decision_counts& sum, decision_counters const& one) {
        one.for_each([&](std::string_view policy, std::uint64_t admitted, std::uint64_t refused) {
            sum[{std::string{policy}, true}] += admitted;
            sum[{std::string{policy}, false}] += refused;
        });
    }

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<route_counters>> routes_;
    mutable std::vector<std::shared_ptr<decision_counters>> decisions_;
    mutable decision_counts past_decisions_;
    std::atomic<std::int64_t> active_{0};
    std::array<tally, static_cast<std::size_t>(end_cause::drained) + 1> causes_;
};

/// One exchange in the count of those that run. *Lifetime*: the metrics must outlive it.
class counted_exchange {
public:
    explicit counted_exchange(exchange_metrics& in) noexcept : in_{&in} { in.began(); }
    counted_exchange(counted_exchange&& other) noexcept : in_{std::exchange(other.in_, nullptr)} {}
    counted_exchange& operator=(counted_exchange&& other) noexcept {
        std::swap(in_, other.in_);
        return *this;
    }
    ~counted_exchange() {
        if (in_ != nullptr) in_->finished();
    }

private:
    exchange_metrics* in_;
};

} // namespace mcp_provider
