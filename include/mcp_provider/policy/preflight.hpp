// The answer to a browser that asks whether its page may call.
#pragma once

#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

namespace mcp_provider {

/// Answers a CORS preflight; the handler of an OPTIONS route behind `local_origin`, which adds the allowed origin.
/// Needs no token, for browsers cannot send one here. Never allows private network access to a public page.
/// *See*: Fetch Standard, "CORS-preflight fetch".
[[nodiscard]] inline http::response preflight(http::request const&) {
    http::response out{204};
    out.fields().set("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS");
    out.fields().set("Access-Control-Allow-Headers",
                     "Authorization, Content-Type, User-Agent, Accept, X-Requested-With, "
                     "OpenAI-Beta, x-api-key, "
                     "anthropic-version, anthropic-beta, x-stainless-lang, "
                     "x-stainless-package-version, x-stainless-os, "
                     "x-stainless-arch, x-stainless-runtime, x-stainless-runtime-version, "
                     "x-stainless-retry-count, "
                     "x-stainless-timeout, x-stainless-async, x-stainless-helper-method, "
                     "x-stainless-poll-helper, "
                     "x-stainless-custom-poll-interval");
    out.fields().set("Access-Control-Max-Age", "43200");
    return out;
}

} // namespace mcp_provider
