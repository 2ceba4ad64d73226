// The agent `claude`: Claude Code, through the lines of JSON of its `stream-json`.
#pragma once

#include "agents/agent_driver.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mcp_provider::server::agents {

struct claude_settings {
    std::vector<std::string>
        command; ///< AGENT_COMMAND, split; what the bridge relies on goes behind it
    std::vector<std::string> environment; ///< of the program
    std::chrono::milliseconds grace{2'000};
    /// Whether any permission may ever be granted. Where not, it has no tools, for what they read they read unasked.
    bool may_use_tools = false;
};

/// One process holds one conversation, so those that are ready have had none.
class claude_driver final : public agent_driver {
public:
    explicit claude_driver(claude_settings settings);

    [[nodiscard]] std::string_view family() const override { return "claude"; }
    [[nodiscard]] std::size_t parallel_turns() const override { return 1; }
    [[nodiscard]] std::size_t sessions() const override { return 1; }
    [[nodiscard]] bool takes_system() const override { return true; }
    [[nodiscard]] std::unique_ptr<agent_process> make(asio::any_io_executor executor,
                                                      std::string directory) const override;

private:
    claude_settings settings_;
};

} // namespace mcp_provider::server::agents
