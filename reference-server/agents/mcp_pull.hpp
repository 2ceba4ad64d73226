// `AGENT=mcp-pull`: an agent whose answers come from MCP hosts that fetch prompts with tools of `/mcp`.
#pragma once

#include "agents/model_catalogue.hpp"
#include "agents/prompt_queue.hpp"
#include "mcp_provider/agent/agent.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// Writes a conversation as the members of `get_next_prompt`'s result: `"model"`, `"system"` where there is one,
/// `"messages"`. `id` is what stands behind an alias, and not for hosts.
[[nodiscard]] std::string prompt_text(agent::conversation const& ask, std::string_view id = {});

struct pull_settings {
    prompt_limits limits;
    /// How a conversation is put for hosts; `id` is the model's own name, or empty.
    std::string (*write)(agent::conversation const& ask, std::string_view id) = &prompt_text;
    /// What hosts cannot be told (`agent::limitation`).
    std::uint8_t cannot =
        agent::limitation::sampling | agent::limitation::max_tokens | agent::limitation::format;
    std::vector<std::pair<std::string, std::string>> aliases; ///< MODEL_ALIASES
    std::uint64_t context_tokens = 131'072;
};

/// *Thread safety*: `generate` from any thread. *Lifetime*: the context of `start` must outlive all streams.
class mcp_pull final : public agent::agent {
public:
    explicit mcp_pull(pull_settings settings);

    /// Begins to look at the time, on a context that one thread runs.
    void start(asio::io_context& on);
    /// Fails what waits. From any thread.
    void stop();

    /// Where hosts fetch and answer.
    [[nodiscard]] std::shared_ptr<prompt_queue> const& queue() const noexcept { return queue_; }

    [[nodiscard]] mcp_provider::agent::model_list models() const override;
    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override;
    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override;

private:
    class clock;

    pull_settings settings_;
    model_catalogue catalogue_;
    std::shared_ptr<prompt_queue> queue_;
    std::shared_ptr<clock> clock_; ///< set by `start`
};

} // namespace mcp_provider::server::agents
