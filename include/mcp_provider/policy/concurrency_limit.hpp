// Bounds how many requests run at once.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Counts what runs, over all routes that share it. *Thread safety*: safe.
class concurrency_gauge {
public:
    explicit concurrency_gauge(std::uint32_t most) noexcept : most_{most} {}

    [[nodiscard]] std::uint32_t running() const noexcept {
        return running_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t most() const noexcept { return most_; }

    /// Takes a place; returns false, exactly when `most` places are taken.
    [[nodiscard]] bool try_enter() noexcept {
        std::uint32_t now = running();
        do {
            if (now >= most_) return false;
        } while (!running_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
        return true;
    }
    void leave() noexcept { running_.fetch_sub(1, std::memory_order_relaxed); }

private:
    std::uint32_t most_;
    std::atomic<std::uint32_t> running_{0};
};

/// A place in a gauge, given back when the exchange is over. *Lifetime*: its gauge must outlive it.
class concurrency_slot {
public:
    explicit concurrency_slot(concurrency_gauge& taken) noexcept : gauge_{&taken} {}
    concurrency_slot(concurrency_slot&& other) noexcept
        : gauge_{std::exchange(other.gauge_, nullptr)} {}
    concurrency_slot& operator=(concurrency_slot&& other) noexcept {
        std::swap(gauge_, other.gauge_);
        return *this;
    }
    ~concurrency_slot() {
        if (gauge_ != nullptr) gauge_->leave();
    }

private:
    concurrency_gauge* gauge_;
};

/// Provides `concurrency_slot`. Refuses at once instead of queueing, so that nothing waits without a bound.
/// *Errors*: `overloaded`, to be tried again after a second. *Thread safety*: safe.
class concurrency_limit {
public:
    static constexpr std::string_view name = "concurrency_limit";

    explicit concurrency_limit(std::shared_ptr<concurrency_gauge> gauge) noexcept
        : gauge_{std::move(gauge)} {}

    result<concurrency_slot> on_request() const {
        if (gauge_->try_enter()) return concurrency_slot{*gauge_};
        // Ollama's own words, which clients know.
        return rejection{rejection_code::overloaded,
                         "server busy, please try again. maximum pending requests exceeded"}
            .because("server_busy")
            .come_again_in(std::chrono::seconds{1});
    }

private:
    std::shared_ptr<concurrency_gauge> gauge_;
};

static_assert(policy<concurrency_limit>);

} // namespace mcp_provider
