// The embedded agent: deterministic, without a network, and rich enough to try every client feature without a model.
#pragma once

#include "mcp_provider/agent/agent.hpp"

#include <memory>

namespace mcp_provider::server::agents {

/// Answers with text about what it was asked. In the last message of the user, at the start of a line and in any case of
/// letters: `Repeat exactly: X` gives X; `Count from 1 to N` (anywhere) gives the numbers at 200 a second; `Fail now` fails
/// before the answer, `Fail midway` within it. A question about the weather with a tool on offer calls it.
/// Tokens are words. A completion with a suffix names what stands on both sides of the gap.
class echo final : public agent::agent {
public:
    echo();

    [[nodiscard]] mcp_provider::agent::model_list models() const override { return models_; }

    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override;

    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override;

private:
    mcp_provider::agent::model_list models_;
};

} // namespace mcp_provider::server::agents
