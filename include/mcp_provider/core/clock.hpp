// Time as a value that tests can move: a function object instead of a global.
#pragma once

#include <chrono>

namespace mcp_provider {

using steady_time = std::chrono::steady_clock::time_point;
using system_time = std::chrono::system_clock::time_point;

/// Tells monotonic and wall-clock time. `testing::manual_clock` is the other one.
/// A policy takes `Clock = real_clock` as its last template parameter and holds it by value.
/// *Thread safety*: safe.
struct real_clock {
    [[nodiscard]] steady_time steady() const noexcept { return std::chrono::steady_clock::now(); }
    [[nodiscard]] system_time system() const noexcept { return std::chrono::system_clock::now(); }
};

} // namespace mcp_provider
