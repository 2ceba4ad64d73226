// Fields of a modern request that repeat its body, so that what stands before a server can route by them.
#pragma once

#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/mcp/header_value.hpp"
#include "mcp_provider/mcp/mirrored_arguments.hpp"

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::mcp::detail {

/// The only field of that name; nothing where there is none, or several that differ.
[[nodiscard]] inline std::optional<std::string_view> only_field(http::request const& asked,
                                                                std::string_view name) {
    std::optional<std::string_view> found;
    for (http::field_view const& one : asked.fields()) {
        if (!http::equals_ignoring_case(one.name, name)) continue;
        std::string_view const value = http::trimmed(one.value);
        if (found && *found != value) return std::nullopt;
        found = value;
    }
    return found;
}

/// Whether a field says what the argument says. An argument that is absent, null, or no text, number or boolean needs
/// none; numbers are compared as numbers, so that `42` is `42.0`.
[[nodiscard]] inline bool field_agrees(mirrored_argument const& rule, http::request const& asked,
                                       boost::json::value const& arguments) {
    boost::json::value const* at = &arguments;
    for (std::string const& step : rule.path) {
        auto const* const members = at->if_object();
        at = members != nullptr ? members->if_contains(step) : nullptr;
        if (at == nullptr) return true;
    }
    if (!at->is_string() && !at->is_number() && !at->is_bool()) return true;
    auto const field = only_field(asked, rule.field);
    auto const said = field ? decode_header_value(*field) : std::nullopt;
    if (!said) return false;
    if (at->is_string()) return *said == view_of(at->get_string());
    if (at->is_bool()) return *said == (at->get_bool() ? "true" : "false");
    double number = 0;
    auto const read = std::from_chars(said->data(), said->data() + said->size(), number);
    return read.ec == std::errc{} && read.ptr == said->data() + said->size() &&
           number == at->to_number<double>();
}

} // namespace mcp_provider::mcp::detail
