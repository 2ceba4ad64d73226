// `/admin`: the playbook over HTTP, for those with scope `admin` on this machine.
#pragma once

#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/router.hpp"
#include "server_state.hpp"

namespace mcp_provider::server {

/// Adds `POST /admin/ACTION` for each action of the playbook, `GET` too for those that only tell, and `GET /admin`, which
/// lists them. The body is a JSON object of arguments, or none. *Lifetime*: the state must outlive the routes.
void add_admin(router& to, server_state& state, http::error_renderer render);

} // namespace mcp_provider::server
