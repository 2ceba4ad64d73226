// The models of agents, under names that every client can say.
#pragma once

#include "agents/agent_driver.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/result.hpp"

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// The name under which a model of an agent is offered: its own, with `-` for every character that the clients' names
/// must not have (contract model-apis §2.6).
[[nodiscard]] std::string shown_name(std::string_view id);

/// Offers `agent:latest`, which is whatever the agent chooses, the operator's aliases, and what the agent lists.
/// *Thread safety*: safe.
class model_catalogue {
public:
    static constexpr std::string_view default_name = "agent:latest";
    /// What agent programs cannot be told.
    static constexpr std::uint8_t agent_cannot =
        agent::limitation::sampling | agent::limitation::max_tokens | agent::limitation::format;

    model_catalogue(std::string_view family,
                    std::vector<std::pair<std::string, std::string>> aliases,
                    std::uint64_t context_tokens, std::uint8_t cannot = agent_cannot);

    [[nodiscard]] agent::model_list models() const;
    /// The agent's own name of a model on offer; empty for its choice. *Errors*: `not_found`.
    [[nodiscard]] result<std::string> id_of(std::string_view name) const;
    /// Takes what an agent lists, and what it is able to do beside completing.
    void set(std::vector<agent_model> const& listed, std::uint16_t abilities);

private:
    std::string family_;
    std::vector<std::pair<std::string, std::string>> aliases_;
    std::uint64_t context_tokens_;
    std::uint8_t cannot_;
    mutable std::mutex mutex_; // guards all below
    agent::model_list list_;
    std::vector<std::string> ids_; ///< of the models on the list, in its order
};

} // namespace mcp_provider::server::agents
