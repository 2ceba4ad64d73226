// The end of a block or suspension, as a refusal says it.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// A time in UTC to the second (RFC 3339): `2026-01-01T00:15:00Z`. For the years 0 to 9999.
[[nodiscard]] inline std::string utc_text(system_time time) {
    auto const second = std::chrono::floor<std::chrono::seconds>(time);
    auto const day = std::chrono::floor<std::chrono::days>(second);
    std::chrono::year_month_day const date{day};
    auto const rest = static_cast<unsigned>((second - day).count());
    std::string text = "0000-00-00T00:00:00Z";
    auto const put = [&](std::size_t last, unsigned number) {
        for (; number != 0; number /= 10) text[last--] = static_cast<char>('0' + number % 10);
    };
    put(3, static_cast<unsigned>(static_cast<int>(date.year())));
    put(6, static_cast<unsigned>(date.month()));
    put(9, static_cast<unsigned>(date.day()));
    put(12, rest / 3600), put(15, rest / 60 % 60), put(18, rest % 60);
    return text;
}

/// Whole seconds, rounded up, as Retry-After wants them (RFC 9110 §10.2.3).
[[nodiscard]] constexpr std::chrono::seconds whole_seconds(std::chrono::nanoseconds wait) noexcept {
    return std::chrono::ceil<std::chrono::seconds>(wait);
}

/// Refuses for a time: 403, with its end and how long that is.
[[nodiscard]] inline rejection shut_out(std::string_view who_is_what, std::chrono::nanoseconds left,
                                        system_time now) {
    auto const wait = whole_seconds(left);
    // `now + wait` is past the end by less than a second, so the text never names a moment at which it still holds.
    return rejection{rejection_code::forbidden,
                     std::string{who_is_what} + " until " + utc_text(now + wait)}
        .come_again_in(wait);
}

} // namespace mcp_provider
