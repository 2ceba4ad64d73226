// The exact answer to "how many in any window": the times of the last accepted requests, in a ring.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace mcp_provider {

/// Remembers when requests were accepted, at most `most` of them, in order. A request may pass a limit of *n* in a span
/// exactly if the *n*-th latest accepted one is at least that span ago: never more than *n* in any span, and never
/// refused below. *Complexity*: constant a request; 8 bytes for each time, taken as they come.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class sliding_window {
public:
    [[nodiscard]] std::size_t size() const noexcept { return times_.size(); }

    /// The `n`-th latest time; 1 is the latest. Precondition: `1 <= n <= size()`.
    [[nodiscard]] steady_time latest(std::size_t n = 1) const noexcept {
        return times_[next_ >= n ? next_ - n : next_ + times_.size() - n];
    }

    /// How long until one more would be within `n` in any `span`; zero if it is now.
    [[nodiscard]] std::chrono::nanoseconds wait_for(std::size_t n, std::chrono::nanoseconds span,
                                                    steady_time now) const noexcept {
        if (size() < n) return {};
        return std::max(std::chrono::nanoseconds{0}, latest(n) + span - now);
    }

    /// How many were accepted within the last `span`. *Complexity*: logarithmic; constant where little has changed since
    /// the last call, so that a long ring is not searched from its middle, out of any cache, for each request.
    [[nodiscard]] std::size_t count(std::chrono::nanoseconds span, steady_time now) const noexcept {
        auto const is_inside = [&](std::size_t n) { return latest(n) + span > now; };
        std::size_t inside = 0;
        std::size_t beyond = size() + 1;
        std::size_t step = 1;
        if (std::size_t const guess = std::min(counted_, size()); guess != 0 && is_inside(guess)) {
            for (inside = guess; inside + step < beyond && is_inside(inside + step); step *= 2)
                inside += step;
            beyond = std::min(beyond, inside + step);
        } else if (guess != 0) {
            for (beyond = guess; beyond > step && !is_inside(beyond - step); step *= 2)
                beyond -= step;
            inside = beyond > step ? beyond - step : 0;
        }
        while (beyond - inside > 1) {
            std::size_t const middle = inside + (beyond - inside) / 2;
            (is_inside(middle) ? inside : beyond) = middle;
        }
        counted_ = inside;
        return inside;
    }

    /// Notes an accepted request and forgets the one `most` before it. Precondition: `now` is not before the latest.
    void accept(std::size_t most, steady_time now) {
        if (size() < most) {
            if (size() == times_.capacity())
                times_.reserve(std::min(most, std::max<std::size_t>(8, 2 * size())));
            times_.push_back(now);
            next_ = size() == most ? 0 : size();
        } else {
            times_[next_] = now;
            next_ = next_ + 1 == most ? 0 : next_ + 1;
        }
    }

private:
    std::vector<steady_time> times_;
    std::size_t next_ = 0;            // where the next time goes, one behind the latest
    mutable std::size_t counted_ = 0; // what `count` found last; a guess, nothing more
};

} // namespace mcp_provider
