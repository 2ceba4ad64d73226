// The HTTP responses of an MCP endpoint that hold no result, and the checks of fields that lead to them.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/protocol.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

namespace detail {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view events_type = "text/event-stream";

[[nodiscard]] inline http::response http_error(std::uint16_t status, std::int64_t code,
                                               std::string_view message, rpc::id const& about = {},
                                               std::string_view data = {}) {
    std::string out;
    rpc::append_error(out, about, code, message, data);
    return http::response{status, json_type, std::move(out)};
}

/// The media type without its parameters.
[[nodiscard]] inline std::string_view media_type(std::string_view value) noexcept {
    return http::trimmed(value.substr(0, value.find(';')));
}

/// Whether Accept names the type, or a range with it. Without the field nothing is accepted: the transport demands it.
[[nodiscard]] inline bool accepts(http::request const& asked, std::string_view type) {
    bool found = false;
    std::string_view const range = type.substr(0, type.find('/') + 1);
    for (http::field_view const& one : asked.fields()) {
        if (!http::equals_ignoring_case(one.name, "Accept")) continue;
        http::for_each_element(one.value, [&](std::string_view element) {
            std::string_view const named = media_type(element);
            if (http::equals_ignoring_case(named, type) || named == "*/*" ||
                (named.ends_with("/*") &&
                 http::equals_ignoring_case(named.substr(0, named.size() - 1), range)))
                found = true;
        });
    }
    return found;
}

} // namespace detail

/// Renders what a policy refuses as a client of MCP reads it: a JSON-RPC error of code -32000 to no request in particular.
/// For `pipeline::errors`.
[[nodiscard]] inline http::response render_error(rejection const& why, http::request const&) {
    http::response out = detail::http_error(why.status(), error_code::refused, why.message());
    if (auto const wait = why.retry_after())
        out.fields().set("Retry-After", std::to_string(wait->count()));
    return out;
}

} // namespace mcp_provider::mcp
