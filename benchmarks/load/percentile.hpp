// Percentiles of measured values.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace load {

/// The value that `share` (0 to 1) of the values are not above; 0 for none. Sorts them.
[[nodiscard]] inline std::int64_t percentile(std::vector<std::int64_t>& values, double share) {
    if (values.empty()) return 0;
    std::ranges::sort(values);
    auto const at = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return values[std::min(at, values.size() - 1)];
}

} // namespace load
