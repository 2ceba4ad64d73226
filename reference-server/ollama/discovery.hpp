// What makes this server "an Ollama" to those who look: /, /api/version, tags, show and ps, all from memory.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "ollama/wire.hpp"

#include <string_view>

namespace mcp_provider::server::ollama {

/// The version of Ollama whose API this is. Codex takes 0.13.4 and later for a server with /v1/responses, VS Code refuses
/// those before 0.6.4.
inline constexpr std::string_view compatible_version = "0.13.3";

/// GET and HEAD /.
struct root_handler {
    [[nodiscard]] http::response operator()(http::request const& asked) const;
};

/// GET and HEAD /api/version.
struct version_handler {
    [[nodiscard]] http::response operator()(http::request const& asked) const;
};

/// GET and HEAD /api/tags: the models that the caller may use. Editors ask every few seconds.
struct tags_handler {
    agent::agent const& agents;

    [[nodiscard]] http::response operator()(principal const& who) const;
};

/// GET /api/ps: as agents keep their models ready, all that the caller may use.
struct ps_handler {
    agent::agent const& agents;

    [[nodiscard]] http::response operator()(principal const& who) const;
};

/// POST /api/show. *Errors*: the model is unknown or not allowed; see `choose_model`.
struct show_handler {
    agent::agent const& agents;

    [[nodiscard]] result<http::response> operator()(show_request const& request,
                                                    principal const& who) const;
};

} // namespace mcp_provider::server::ollama
