// The agent of an adapter that runs apart: everything it is asked goes over the link to the bridge.
#pragma once

#include "config/config.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "ops/health.hpp"

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace mcp_provider::server::bridge {

/// Keeps one link to the bridge of MCP_BRIDGE_URL, and opens another one, with growing pauses, when it breaks or the
/// token was replaced. While there is none, requests are refused with 503; those that a broken link took with it fail
/// with 502. The models stay those that were told last. *Thread safety*: as `agent`; the rest as said.
class link_agent final : public agent::agent {
public:
    /// *Errors*: throws for a URL that cannot be used, or where a `wss` URL's authorities cannot be read.
    explicit link_agent(config const& from);
    link_agent(link_agent const&) = delete;
    link_agent& operator=(link_agent const&) = delete;
    ~link_agent() override;

    /// Begins to link, on that context, which one thread runs. Once, before the context runs.
    void start(asio::io_context& on);
    /// Lets go of the context. To be called before the context goes, when it does not run any more.
    void stop();

    /// Whether there is a link. *Thread safety*: safe.
    [[nodiscard]] health state() const;

    /// Sends an event, one JSON object, to those who listen at the bridge. Where the link cannot take it, it is dropped
    /// and counted. *Thread safety*: safe.
    void publish(std::string event);
    [[nodiscard]] std::uint64_t dropped_events() const;
    /// Sets what is called, on the link's thread, when somebody at the bridge begins or ceases to listen. Before `start`.
    void on_listening(std::function<void(bool)> tell);

    [[nodiscard]] mcp_provider::agent::model_list models() const override;
    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override;
    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override;

private:
    class core;
    std::shared_ptr<core> core_;
};

} // namespace mcp_provider::server::bridge
