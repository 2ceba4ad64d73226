// A session as JSON, for the operator and for its owner. No token, and no digest of one.
#pragma once

#include "mcp_provider/session/session_record.hpp"

#include <boost/json/object.hpp>

namespace mcp_provider::server {

[[nodiscard]] boost::json::object as_json(session_record const& one);

} // namespace mcp_provider::server
