// Moments of the wall clock as text.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace mcp_provider {

/// Appends `moment` as RFC 3339 in UTC with microseconds: `2026-11-23T02:49:17.123456Z`.
/// Precondition: the year has four digits. *Complexity*: constant; one append and no allocation but of `out`.
inline void append_timestamp(std::string& out, system_time moment) {
    auto const day = std::chrono::floor<std::chrono::days>(moment);
    std::chrono::year_month_day const date{day};
    std::chrono::hh_mm_ss const time{std::chrono::floor<std::chrono::microseconds>(moment - day)};

    char text[] = "0000-00-00T00:00:00.000000Z";
    auto const put = [&text](std::size_t last, std::size_t digits, std::uint32_t number) {
        for (; digits != 0; --digits, --last, number /= 10)
            text[last] = static_cast<char>('0' + number % 10);
    };
    put(3, 4, static_cast<std::uint32_t>(static_cast<int>(date.year())));
    put(6, 2, static_cast<unsigned>(date.month()));
    put(9, 2, static_cast<unsigned>(date.day()));
    put(12, 2, static_cast<std::uint32_t>(time.hours().count()));
    put(15, 2, static_cast<std::uint32_t>(time.minutes().count()));
    put(18, 2, static_cast<std::uint32_t>(time.seconds().count()));
    put(25, 6, static_cast<std::uint32_t>(time.subseconds().count()));
    out.append(text, sizeof text - 1);
}

} // namespace mcp_provider
