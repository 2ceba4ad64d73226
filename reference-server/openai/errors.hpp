// Refusals as clients of the /v1 API read them.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <string>

namespace mcp_provider::server::openai {

/// Renders a refusal: as an OpenAI error object, or on paths of the Messages API (`/v1/messages…`)
/// in Anthropic's form. Adds `Retry-After` in whole seconds (always on 429), `x-should-retry: false`
/// where that is beyond the 60 s that the SDKs honour, `WWW-Authenticate` on 401, and the refusal's
/// own fields. Fits `http::error_renderer`.
[[nodiscard]] http::response render_error(rejection const& why, http::request const& asked);

/// The refusal of a path under /v1 that is no endpoint. It says what the mistake probably is: a base
/// URL with /v1 twice, or an API that is not offered. It does not repeat the path, which may hold a
/// secret.
[[nodiscard]] rejection unknown_path(http::request const& asked);

/// Appends `{"error":{"message":…,"type":…,"param":…,"code":…}}`.
void append_error(std::string& out, rejection const& why);

} // namespace mcp_provider::server::openai
