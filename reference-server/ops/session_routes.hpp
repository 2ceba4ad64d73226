// `/v1/sessions`: a program opens a session of its own, sees those it has, and ends them.
#pragma once

#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "server_state.hpp"

namespace mcp_provider::server {

/// Adds `POST /v1/sessions` (answers 201 with the session's token, shown this once), `GET /v1/sessions` (the caller's
/// own) and `DELETE /v1/sessions/ID`. *Lifetime*: the state must outlive the routes.
void add_session_routes(router& to, server_state& state, http::error_renderer render);

} // namespace mcp_provider::server
