// Asks an agent in a test, and gathers the whole answer.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/testing/fake_agent.hpp"
#include "mcp_provider/testing/run.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::agents {

/// Everything that an answer consisted of.
class collected {
public:
    collected() = default;

    [[nodiscard]] bool failed() const noexcept { return why.has_value(); }

    bool opened = false;
    bool finished = false;
    std::vector<std::string> pieces; ///< of text
    std::string text;
    std::string reasoning;
    std::vector<agent::tool_call> calls;
    std::size_t call_deltas = 0;
    agent::finish_reason reason = agent::finish_reason::stop;
    agent::usage used;
    std::optional<rejection> why;
};

inline asio::awaitable<collected> gather(agent::agent& from, agent::conversation const& ask) {
    audited const proof = testing::audited_access::make();
    collected all;
    result<std::unique_ptr<agent::delta_stream>> stream = co_await from.generate(ask, proof);
    if (!stream) {
        all.why = stream.error();
        co_return all;
    }
    while (!all.finished) {
        result<agent::delta> const piece = co_await (*stream)->next();
        if (!piece) {
            all.why = piece.error();
            co_return all;
        }
        switch (piece->what) {
        case agent::delta::kind::opened: all.opened = true; break;
        case agent::delta::kind::text:
            all.pieces.emplace_back(piece->text);
            all.text += piece->text;
            break;
        case agent::delta::kind::reasoning: all.reasoning += piece->text; break;
        case agent::delta::kind::tool_call:
            ++all.call_deltas;
            while (all.calls.size() <= piece->index) all.calls.emplace_back("", "", "");
            all.calls[piece->index].id += piece->id;
            all.calls[piece->index].name += piece->name;
            all.calls[piece->index].arguments += piece->text;
            break;
        case agent::delta::kind::finished:
            all.finished = true;
            all.reason = piece->reason;
            all.used = piece->used;
            break;
        }
    }
    co_return all;
}

inline collected ask(agent::agent& of, agent::conversation const& what) {
    return testing::run(gather(of, what));
}

inline result<agent::embeddings> ask_vectors(agent::agent& of,
                                             agent::embedding_request const& what) {
    audited const proof = testing::audited_access::make();
    std::optional<result<agent::embeddings>> answer;
    auto const asking = [&]() -> asio::awaitable<void> {
        answer.emplace(co_await of.embed(what, proof));
    };
    testing::run(asking());
    return *std::move(answer);
}

inline agent::conversation saying(std::string text, std::string model = "echo:latest") {
    agent::conversation chat;
    chat.model = std::move(model);
    chat.messages.emplace_back(agent::role::user, std::move(text));
    chat.streamed = true;
    return chat;
}

} // namespace mcp_provider::server::agents
