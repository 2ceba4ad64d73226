// The agent `acp`: any program that speaks the Agent Client Protocol over its standard streams.
#pragma once

#include "agents/agent_driver.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace mcp_provider::server::agents {

struct acp_settings {
    std::vector<std::string> command;     ///< AGENT_COMMAND, split; the program first
    std::vector<std::string> environment; ///< of the program, whole
    std::chrono::milliseconds grace{2'000};
};

/// Keeps one session open ahead, so that a new conversation need not wait for one: it also tells the models, and whether
/// somebody is logged in.
class acp_driver final : public agent_driver {
public:
    explicit acp_driver(acp_settings settings);

    [[nodiscard]] std::string_view family() const override { return "acp"; }
    [[nodiscard]] std::size_t parallel_turns() const override { return 64; }
    [[nodiscard]] std::unique_ptr<agent_process> make(asio::any_io_executor executor,
                                                      std::string directory) const override;

private:
    acp_settings settings_;
};

} // namespace mcp_provider::server::agents
