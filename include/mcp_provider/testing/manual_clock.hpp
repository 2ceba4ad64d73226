// A clock that stands still until a test moves it.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

namespace mcp_provider::testing {

/// Tells the time that the test has set. Copies share it, so that the test can move what its policy reads.
/// Starts at 2026-01-01T00:00:00Z, and a million seconds after the steady clock's epoch.
/// *Thread safety*: safe.
class manual_clock {
public:
    manual_clock() : passed_{std::make_shared<std::atomic<std::int64_t>>(0)} {}

    void advance(std::chrono::nanoseconds by) noexcept { passed_->fetch_add(by.count()); }

    [[nodiscard]] steady_time steady() const noexcept {
        return steady_time{std::chrono::seconds{1'000'000}} + passed();
    }
    [[nodiscard]] system_time system() const noexcept {
        return system_time{std::chrono::seconds{1'767'225'600}} +
               std::chrono::duration_cast<system_time::duration>(passed());
    }

private:
    [[nodiscard]] std::chrono::nanoseconds passed() const noexcept {
        return std::chrono::nanoseconds{passed_->load()};
    }

    std::shared_ptr<std::atomic<std::int64_t>> passed_;
};

} // namespace mcp_provider::testing
