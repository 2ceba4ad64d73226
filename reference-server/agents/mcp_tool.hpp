// The agent `mcp-tool`: a tool of an MCP server, over stdio or HTTP, that answers prompts.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/net/origin.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mcp_provider::server::agents {

struct mcp_tool_settings {
    std::vector<std::string> command;     ///< AGENT_MCP_COMMAND, split; empty where `to` is set
    std::vector<std::string> environment; ///< of the program, whole
    std::optional<mcp_provider::net::origin> to; ///< AGENT_MCP_URL
    secret token;                                ///< AGENT_MCP_TOKEN; empty for none
    std::string tool;                            ///< AGENT_MCP_TOOL
    std::string argument = "prompt";             ///< AGENT_MCP_ARGUMENT: takes the prompt
    std::chrono::milliseconds grace{2'000};
    std::chrono::milliseconds call_time{3'600'000}; ///< bounds a call; the runtime gives up sooner
};

/// A tool remembers nothing: each turn tells it the whole conversation. Progress that it reports shows that it is alive, and
/// is not shown. Its text is the answer; where it has none, its structured content as JSON. That it failed fails the turn.
class mcp_tool_driver final : public agent_driver {
public:
    /// *Errors*: throws `std::runtime_error` for a token that no header field can hold.
    explicit mcp_tool_driver(mcp_tool_settings settings);
    ~mcp_tool_driver() override;

    [[nodiscard]] std::string_view family() const override { return "mcp-tool"; }
    [[nodiscard]] std::unique_ptr<agent_process> make(asio::any_io_executor executor,
                                                      std::string directory) const override;

private:
    std::shared_ptr<mcp_tool_settings const> settings_;
};

} // namespace mcp_provider::server::agents
