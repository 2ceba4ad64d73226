// What a model overlooks of a request, said in the response where the dialect lets it pass.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/http/response.hpp"

#include <string>
#include <string_view>

namespace mcp_provider::server {

/// The members of a request that the model cannot be told (`limitation`), comma-separated; empty for
/// none, at no cost. `length_name` is what the dialect calls the limit of tokens.
[[nodiscard]] std::string ignored_parameters(agent::conversation const& asked,
                                             agent::model const& chosen,
                                             std::string_view length_name);

/// Names them in `X-Ignored-Parameters`; nothing for an empty list.
void note_ignored(http::response& answer, std::string_view ignored);

} // namespace mcp_provider::server
