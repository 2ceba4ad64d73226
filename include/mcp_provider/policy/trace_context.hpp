// The trace that a request belongs to, as its caller says.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace mcp_provider {

/// The trace id of a `traceparent` field, 32 hexadecimal digits; empty where the field is not well formed.
/// *See*: W3C Trace Context §3.2.
[[nodiscard]] constexpr std::string_view trace_id_of(std::string_view traceparent) noexcept {
    constexpr std::size_t length = 55; // 00-{32}-{16}-{2}
    auto const is_hex = [](std::string_view text) {
        return std::all_of(text.begin(), text.end(),
                           [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
    };
    if (traceparent.size() < length || traceparent[2] != '-' || traceparent[35] != '-' ||
        traceparent[52] != '-')
        return {};
    auto const version = traceparent.substr(0, 2);
    auto const trace = traceparent.substr(3, 32);
    auto const parent = traceparent.substr(36, 16);
    if (!is_hex(version) || !is_hex(trace) || !is_hex(parent) ||
        !is_hex(traceparent.substr(53, 2)) || version == "ff")
        return {};
    // Later versions may append more, behind a dash.
    if (traceparent.size() > length && (version == "00" || traceparent[length] != '-')) return {};
    constexpr std::string_view zeros = "00000000000000000000000000000000";
    if (trace == zeros || parent == zeros.substr(0, parent.size())) return {};
    return trace;
}

} // namespace mcp_provider
