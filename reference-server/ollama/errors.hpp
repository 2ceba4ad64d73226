// Refusals in the form of Ollama's API: `{"error":"text"}`, with a string, as its SDKs show nothing else.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <string>

namespace mcp_provider::server::ollama {

/// What a person reads: the message, in Ollama's words where clients match them, with the place where one is known.
[[nodiscard]] std::string error_text(rejection const& why);

/// An `http::error_renderer`: status, text, and the fields that clients act on (`Retry-After`, `x-should-retry`,
/// `WWW-Authenticate`, and those that the refusal brings along).
[[nodiscard]] http::response render_error(rejection const& why, http::request const& asked);

/// Appends the line that ends a stream which broke off.
void append_error_line(std::string& out, rejection const& why);

} // namespace mcp_provider::server::ollama
