#include "agents/openai_calls.hpp"

#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

std::string new_id() {
    auto const bytes = crypto::random_bytes<12>();
    return "call_" +
           crypto::hex_encode({reinterpret_cast<char const*>(bytes.data()), bytes.size()});
}

} // namespace

void openai_calls::call::follow(std::string_view arguments) noexcept {
    for (char const c : arguments) {
        if (after_backslash)
            after_backslash = false;
        else if (c == '\\')
            after_backslash = in_string;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            ++depth;
        else if (!in_string && (c == '}' || c == ']'))
            is_whole = --depth == 0;
    }
}

std::size_t openai_calls::find(openai_call_piece const& piece) const noexcept {
    for (std::size_t i = calls_.size(); i-- != 0;) {
        call const& one = *calls_[i];
        if (!piece.id.empty() && one.id == piece.id) return i;
        if (piece.index.value_or(one.upstream_index) != one.upstream_index) continue;
        // The last call of this index: the same one, or the next of an upstream that counts no further.
        bool const is_next = piece.id.empty() ? !piece.name.empty() && one.is_whole
                                              : one.is_announced || !one.id.empty();
        return is_next ? calls_.size() : i;
    }
    return calls_.size();
}

void openai_calls::add(openai_call_piece const& piece, std::vector<agent::delta>& out) {
    constexpr std::size_t most = 512;
    std::size_t const at = find(piece);
    if (at == calls_.size()) {
        if (at == most) return;
        calls_.push_back(std::make_unique<call>());
        calls_.back()->upstream_index = piece.index.value_or(static_cast<std::uint32_t>(at));
    }
    call& one = *calls_[at];
    if (one.id.empty()) one.id = piece.id;
    one.follow(piece.arguments);

    agent::delta next;
    next.what = agent::delta::kind::tool_call;
    next.index = static_cast<std::uint32_t>(at);
    next.text = piece.arguments;
    if (!one.is_announced) {
        if (piece.name.empty()) {
            one.held += piece.arguments;
            return;
        }
        one.is_announced = true;
        one.name = piece.name;
        if (one.id.empty()) one.id = new_id();
        next.id = one.id;
        next.name = one.name;
        if (!one.held.empty()) {
            one.held += piece.arguments;
            next.text = one.held;
        }
        out.push_back(next);
    } else if (!piece.arguments.empty()) {
        out.push_back(next);
    }
}

} // namespace mcp_provider::server::agents
