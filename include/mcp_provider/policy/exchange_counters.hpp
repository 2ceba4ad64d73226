// Counts of exchanges in plain atomics: what `metrics` adds to and a collector reads, without a lock in between.
#pragma once

#include "mcp_provider/http/request.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// A count that only grows. *Thread safety*: safe.
class tally {
public:
    void add(std::uint64_t more = 1) noexcept { value_.fetch_add(more, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// A histogram of durations, from a millisecond for a list to minutes for a long answer.
/// *Thread safety*: safe; a reader may see a value in its bucket before it is in the sum.
class duration_tally {
public:
    static constexpr std::array<double, 16> bounds{
        0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};

    void observe(std::chrono::nanoseconds took) noexcept {
        std::int64_t const ns = took.count() < 0 ? 0 : took.count();
        std::size_t bucket = 0;
        while (bucket != bounds.size() && ns > in_nanoseconds[bucket]) ++bucket;
        buckets_[bucket].add();
        sum_.add(static_cast<std::uint64_t>(ns));
    }
    /// The count of one bucket alone; the last one, `bounds.size()`, has no upper bound.
    [[nodiscard]] std::uint64_t bucket(std::size_t index) const noexcept {
        return buckets_[index].value();
    }
    [[nodiscard]] double sum_seconds() const noexcept {
        return static_cast<double>(sum_.value()) * 1e-9;
    }

private:
    static constexpr std::array<std::int64_t, bounds.size()> in_nanoseconds = [] {
        std::array<std::int64_t, bounds.size()> out{};
        for (std::size_t i = 0; i != out.size(); ++i)
            out[i] = static_cast<std::int64_t>(bounds[i] * 1e9 + 0.5);
        return out;
    }();

    std::array<tally, bounds.size() + 1> buckets_;
    tally sum_; // nanoseconds
};

/// The counts of one route.
class route_counters {
public:
    static constexpr std::array<std::string_view, 6> methods{"GET",    "HEAD",    "POST",
                                                             "DELETE", "OPTIONS", "other"};
    static constexpr std::array<std::string_view, 4> classes{"2xx", "3xx", "4xx", "5xx"};

    explicit route_counters(std::string route) : route_{std::move(route)} {}

    [[nodiscard]] std::string const& route() const noexcept { return route_; }
    [[nodiscard]] duration_tally& durations(http::method verb, std::uint16_t status) noexcept {
        return by_method_[index_of(verb)][status < 300   ? 0
                                          : status < 400 ? 1
                                          : status < 500 ? 2
                                                         : 3];
    }
    [[nodiscard]] duration_tally const& durations(std::size_t method,
                                                  std::size_t status_class) const noexcept {
        return by_method_[method][status_class];
    }

    duration_tally first_byte; ///< of answers below 400
    tally request_bytes;
    tally response_bytes;
    tally input_tokens;
    tally output_tokens;

private:
    static constexpr std::size_t index_of(http::method verb) noexcept {
        switch (verb) {
        case http::method::get: return 0;
        case http::method::head: return 1;
        case http::method::post: return 2;
        case http::method::del: return 3;
        case http::method::options: return 4;
        default: return 5;
        }
    }

    std::string route_;
    std::array<std::array<duration_tally, classes.size()>, methods.size()> by_method_;
};

/// What the policies of one pipeline decided. One addition an exchange: who admitted follows from how many did.
class decision_counters {
public:
    static constexpr std::size_t most_policies = 32;

    /// Notes an exchange that the first `admitted` policies admitted, and the next one refused if there is one.
    /// *Lifetime*: `names` must live as long as the counters.
    void add(std::string_view const* names, std::size_t count, std::size_t admitted) noexcept {
        if (count > most_policies) return;
        names_.store(names, std::memory_order_relaxed);
        count_.store(count, std::memory_order_relaxed);
        by_admitted_[admitted].add();
    }

    /// Calls `see(policy, admitted, refused)` for each policy.
    template <class See>
    void for_each(See&& see) const {
        auto const* const names = names_.load(std::memory_order_relaxed);
        auto const count = count_.load(std::memory_order_relaxed);
        std::uint64_t admitted = 0;
        for (std::size_t i = count; i-- != 0;) {
            admitted += by_admitted_[i + 1].value();
            see(names[i], admitted, by_admitted_[i].value());
        }
    }

private:
    std::atomic<std::string_view const*> names_{nullptr};
    std::atomic<std::size_t> count_{0};
    std::array<tally, most_policies + 1> by_admitted_;
};

} // namespace mcp_provider
