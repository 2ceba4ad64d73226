#include "incident/session_json.hpp"

#include "mcp_provider/core/timestamp.hpp"

#include <optional>
#include <string>

namespace mcp_provider::server {

namespace {

boost::json::value time_or_null(std::optional<system_time> when) {
    if (!when) return nullptr;
    std::string text;
    append_timestamp(text, *when);
    return boost::json::value(text);
}

} // namespace

boost::json::object as_json(session_record const& one) {
    return {{"id", one.id},
            {"principal", one.principal_id},
            {"explicit", one.is_explicit},
            {"state", name_of(one.state)},
            {"created", time_or_null(one.created_at)},
            {"last_activity", time_or_null(one.last_activity)},
            {"expires", time_or_null(one.expires_at)},
            {"suspended_until", time_or_null(one.suspended_until)},
            {"requests", one.request_count},
            {"max_requests", one.max_requests}};
}

} // namespace mcp_provider::server
