// How the bridge says no where no protocol has a form of its own for it.
#pragma once

#include "mcp_provider/http/response.hpp"

namespace mcp_provider::server::bridge {

/// `{"error":"…"}`, with Retry-After where the refusal says when to come again.
[[nodiscard]] http::response render_error(rejection const& why, http::request const& asked);

} // namespace mcp_provider::server::bridge
