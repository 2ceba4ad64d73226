// The agent `codex`: OpenAI's Codex through `codex app-server`, without the adapters that speak ACP for it.
#pragma once

#include "agents/agent_driver.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mcp_provider::server::agents {

struct codex_settings {
    std::vector<std::string> command;     ///< AGENT_COMMAND, split; the program first
    std::vector<std::string> environment; ///< of the program, whole
    std::chrono::milliseconds grace{2'000};
    /// Whether any permission may ever be granted. Where not, it has no tools, for what they read they read unasked.
    bool may_use_tools = false;
};

/// One process holds many conversations, each in a thread of its own that is written nowhere.
class codex_driver final : public agent_driver {
public:
    explicit codex_driver(codex_settings settings);

    [[nodiscard]] std::string_view family() const override { return "codex"; }
    [[nodiscard]] std::size_t sessions() const override { return 200; }
    [[nodiscard]] bool takes_system() const override { return true; }
    [[nodiscard]] bool takes_history() const override { return true; }
    [[nodiscard]] std::unique_ptr<agent_process> make(asio::any_io_executor executor,
                                                      std::string directory) const override;

private:
    codex_settings settings_;
};

} // namespace mcp_provider::server::agents
