// The endpoints of the OpenAI dialect, as handlers that the server puts behind its policies.
#pragma once

#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "openai/wire.hpp"

#include <asio/awaitable.hpp>

#include <string_view>

namespace mcp_provider::server::openai {

// *Lifetime*, for all of them: `agents` must outlive the handler; of a streamed answer, the facts
// that it was given too. *Errors*, of those that generate: `not_found` and `forbidden` for the model,
// `bad_request` where it lacks an ability that the request needs, and the agent's.

/// `POST /v1/chat/completions`.
struct chat_handler {
    agent::agent& agents;

    asio::awaitable<result<http::response>>
    operator()(chat_request const& asked, principal const& who, audited const& proof) const;
};

/// `POST /v1/completions`.
struct completion_handler {
    agent::agent& agents;

    asio::awaitable<result<http::response>>
    operator()(completion_request const& asked, principal const& who, audited const& proof) const;
};

/// `POST /v1/embeddings`.
struct embedding_handler {
    agent::agent& agents;

    asio::awaitable<result<http::response>>
    operator()(embedding_request const& asked, principal const& who, audited const& proof) const;
};

/// `GET /v1/models`: those that the caller may use.
struct model_list_handler {
    agent::agent& agents;

    result<http::response> operator()(principal const& who) const;
};

/// `GET /v1/models/{model}`. The name may hold `/` and `:`, as they are or percent-encoded.
/// *Errors*: `not_found`, also for a model that the caller may not use.
struct model_handler {
    static constexpr std::string_view path_prefix = "/v1/models/";
    agent::agent& agents;

    result<http::response> operator()(http::request const& asked, principal const& who) const;
};

} // namespace mcp_provider::server::openai
