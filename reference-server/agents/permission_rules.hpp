// What the operator lets agents do: AGENT_PERMISSIONS.
#pragma once

#include "agents/permission_desk.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// `refuse` all, `ask` a person, or allow some kinds and tools by name; what is not named is refused, or asked for where
/// `ask` is among the names. Nothing is allowed by default. Immutable.
class permission_rules {
public:
    enum class decision : std::uint8_t { refuse, ask, allow };

    permission_rules() = default;
    explicit permission_rules(std::vector<std::string> const& words) {
        for (std::string const& word : words) {
            if (word == "ask")
                asks_ = true;
            else if (word != "refuse")
                allowed_.push_back(word);
        }
    }

    /// Names are compared exactly. A tool is known by its name, which agents of ACP do not tell, or by its kind.
    [[nodiscard]] decision decide(permission_question const& about) const {
        auto const is_allowed = [&](std::string_view name) {
            return !name.empty() &&
                   std::find(allowed_.begin(), allowed_.end(), name) != allowed_.end();
        };
        if (is_allowed(about.kind) || is_allowed(about.tool)) return decision::allow;
        return asks_ ? decision::ask : decision::refuse;
    }

    [[nodiscard]] bool asks() const noexcept { return asks_; }
    /// Whether anything may ever be allowed.
    [[nodiscard]] bool may_allow() const noexcept { return asks_ || !allowed_.empty(); }

private:
    bool asks_ = false;
    std::vector<std::string> allowed_;
};

} // namespace mcp_provider::server::agents
