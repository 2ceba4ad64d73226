// Tells those who watch when an agent says its first word, and what it is asked and says where that is allowed.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/json/write.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::events {

/// Stands before another agent. Publishes `request.first_token`, and with `feed::has_content` also `content.prompt` and
/// `content.delta`. While nobody listens the other agent's answers are handed through as they are.
/// *Thread safety*: as the other agent.
class announced_agent final : public agent::agent {
public:
    /// Beyond so many bytes a text is cut: a feed is for watching, and not for keeping.
    static constexpr std::size_t most_text = 16 * 1024;

    announced_agent(std::shared_ptr<mcp_provider::agent::agent> other,
                    std::shared_ptr<feed> to) noexcept
        : other_{std::move(other)}, to_{std::move(to)} {}

    [[nodiscard]] mcp_provider::agent::model_list models() const override {
        return other_->models();
    }
    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const& proof) override {
        return to_->is_heard() ? announced(ask, proof) : other_->generate(ask, proof);
    }
    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const& proof) override {
        return other_->embed(ask, proof);
    }

private:
    using delta = mcp_provider::agent::delta;
    using delta_stream = mcp_provider::agent::delta_stream;
    using conversation = mcp_provider::agent::conversation;

    class announced_stream final : public delta_stream {
    public:
        announced_stream(std::unique_ptr<delta_stream> other, std::shared_ptr<feed> to,
                         audited const& proof, steady_time asked)
            : other_{std::move(other)}, to_{std::move(to)}, proof_{proof}, asked_{asked} {}

        [[nodiscard]] bool ready() const noexcept override { return other_->ready(); }
        [[nodiscard]] std::optional<result<delta>> take() override {
            std::optional<result<delta>> piece = other_->take();
            if (piece && *piece) announce(**piece);
            return piece;
        }
        [[nodiscard]] asio::awaitable<result<delta>> next() override {
            result<delta> piece = co_await other_->next();
            if (piece) announce(*piece);
            co_return std::move(piece);
        }

    private:
        void announce(delta const& piece) noexcept {
            if (piece.what == delta::kind::opened || piece.what == delta::kind::finished) return;
            if (!std::exchange(has_spoken_, true))
                to_->publish(topic::request, "request.first_token", [&](members& out) {
                    auto const waited = real_clock{}.steady() - asked_;
                    out.add("request_id", proof_.request().text())
                        .add("model", proof_.notes().model)
                        .add("first_token_ms",
                             std::chrono::duration<double, std::milli>(waited).count());
                });
            if (!to_->has_content()) return;
            to_->publish(topic::content, "content.delta", [&](members& out) {
                out.add("request_id", proof_.request().text())
                    .add("kind", piece.what == delta::kind::text        ? "text"
                                 : piece.what == delta::kind::reasoning ? "reasoning"
                                                                        : "tool_call")
                    .add("tool", piece.name)
                    .add_cut("text", piece.text, most_text);
            });
        }

        std::unique_ptr<delta_stream> other_;
        std::shared_ptr<feed> to_;
        audited const& proof_;
        steady_time asked_;
        bool has_spoken_ = false;
    };

    asio::awaitable<result<std::unique_ptr<delta_stream>>> announced(conversation const& ask,
                                                                     audited const& proof) {
        if (to_->has_content()) announce_prompt(ask, proof);
        steady_time const asked = real_clock{}.steady();
        auto begun = co_await other_->generate(ask, proof);
        if (!begun || !*begun) co_return std::move(begun);
        std::unique_ptr<delta_stream> announced =
            std::make_unique<announced_stream>(*std::move(begun), to_, proof, asked);
        co_return std::move(announced);
    }

    void announce_prompt(conversation const& ask, audited const& proof) const noexcept {
        to_->publish(topic::content, "content.prompt", [&](members& out) {
            out.add("request_id", proof.request().text()).add("model", ask.model);
            if (ask.is_completion) {
                out.add_cut("prompt", ask.prompt, most_text);
                return;
            }
            // The last turn: those before it were told when they came.
            if (ask.messages.empty()) return;
            out.add("turns", ask.messages.size())
                .add("role", name_of(ask.messages.back().from))
                .add_cut("text", ask.messages.back().text, most_text);
        });
    }
    std::shared_ptr<mcp_provider::agent::agent> other_;
    std::shared_ptr<feed> to_;
};

} // namespace mcp_provider::events
