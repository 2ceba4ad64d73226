// What answers POST /api/chat, generate, embed, embeddings and pull, and refuses what manages models.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "ollama/wire.hpp"

#include <asio/awaitable.hpp>

namespace mcp_provider::server::ollama {

/// POST /api/chat. A streamed answer is returned before the agent is asked; see `answer_stream`.
/// *Errors*: the model is unknown, not allowed or lacks an ability (see `choose_model`), or the agent's.
/// *Lifetime*: `agents` must outlive the handler; the facts must outlive the response.
struct chat_handler {
    agent::agent& agents;

    [[nodiscard]] asio::awaitable<result<http::response>>
    operator()(chat_request const& request, principal const& who, audited const& proof) const;
};

/// POST /api/generate. As `chat_handler`.
struct generate_handler {
    agent::agent& agents;

    [[nodiscard]] asio::awaitable<result<http::response>>
    operator()(generate_request const& request, principal const& who, audited const& proof) const;
};

/// POST /api/embed. *Errors*: as `chat_handler`; `upstream_failed` where the agent gives other than one vector an input.
struct embed_handler {
    agent::agent& agents;

    [[nodiscard]] asio::awaitable<result<http::response>>
    operator()(embed_request const& request, principal const& who, audited const& proof) const;
};

/// POST /api/embeddings. As `embed_handler`.
struct embeddings_handler {
    agent::agent& agents;

    [[nodiscard]] asio::awaitable<result<http::response>>
    operator()(embeddings_request const& request, principal const& who, audited const& proof) const;
};

/// POST /api/pull: done at once for a model that is on offer. *Errors*: `forbidden` for every other one.
struct pull_handler {
    agent::agent const& agents;

    [[nodiscard]] result<http::response> operator()(pull_request const& request,
                                                    principal const& who) const;
};

/// Refuses create, copy, delete, push and blobs.
struct management_handler {
    [[nodiscard]] result<http::response> operator()(http::request const& asked) const;
};

} // namespace mcp_provider::server::ollama
