// The agent `openai`: any OpenAI-compatible server over HTTP or HTTPS.
#pragma once

#include "agents/openai_endpoint.hpp"
#include "agents/openai_models.hpp"
#include "mcp_provider/agent/agent.hpp"

#include <asio/io_context.hpp>

#include <memory>

namespace mcp_provider::server::agents {

/// Passes conversations on to an upstream and its answers back: streamed where the caller streams, else whole.
/// Connections are pooled by each worker. The caller's leaving closes the upstream's connection at once.
class openai_upstream final : public agent::agent {
public:
    /// *Errors*: throws `std::runtime_error` where the settings are not usable.
    explicit openai_upstream(openai_settings settings);
    ~openai_upstream() override { stop(); }

    /// Begins to look at the upstream's models, at once and then again and again. The context must outlive `stop`.
    void start(asio::io_context& on) { models_->start(on); }
    /// Ends that. Safe to call twice, and from any thread.
    void stop() { models_->stop(); }

    [[nodiscard]] mcp_provider::agent::model_list models() const override { return models_->now(); }

    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override;

    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override;

private:
    std::shared_ptr<openai_endpoint const> to_;
    std::shared_ptr<openai_models> models_;
};

} // namespace mcp_provider::server::agents
