// Puts the tool calls of an upstream's stream in order: indexes from 0, id and name once.
#pragma once

#include "agents/openai_reply.hpp"
#include "mcp_provider/agent/delta.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// Follows the calls of one answer. Upstreams in the field give all parallel calls index 0 (ollama #15457), repeat id and
/// name in every piece, send the name after the first arguments, or give no ids and no indexes at all.
class openai_calls {
public:
    /// Appends the deltas that a piece becomes: none, one, or two. *Lifetime*: their views are good as long as those of
    /// `piece` and this object.
    void add(openai_call_piece const& piece, std::vector<agent::delta>& out);

    /// Whether any call has begun.
    [[nodiscard]] bool any() const noexcept { return !calls_.empty(); }

private:
    struct call {
        std::uint32_t upstream_index = 0;
        bool is_announced = false;
        std::string id;
        std::string name;
        std::string held; ///< arguments that came before the name
        int depth = 0;    ///< of the arguments so far
        bool in_string = false;
        bool after_backslash = false;
        bool is_whole = false; ///< the arguments are a complete object

        void follow(std::string_view arguments) noexcept;
    };

    [[nodiscard]] std::size_t find(openai_call_piece const& piece) const noexcept;

    // Pointers, so that the views of deltas stay good while the list grows. A stream without calls allocates nothing.
    std::vector<std::unique_ptr<call>> calls_;
};

} // namespace mcp_provider::server::agents
