// An agent that plays a script: for tests of what asks agents, without a model.
#pragma once

#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/agent/delta.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/testing/audited_access.hpp"

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::testing {

/// The deltas of one answer, in order.
class script {
public:
    /// One step: a delta with texts of its own, a rejection, or an endless wait.
    class step {
    public:
        explicit step(agent::delta what, std::string_view text = {}, std::string_view id = {},
                      std::string_view name = {})
            : piece_{what}, text_{text}, id_{id}, name_{name} {}
        explicit step(rejection why) : why_{std::move(why)} {}
        step() = default;

        [[nodiscard]] bool waits() const noexcept { return !piece_ && !why_; }
        [[nodiscard]] bool ends() const noexcept {
            return why_ || (piece_ && piece_->what == agent::delta::kind::finished);
        }
        [[nodiscard]] result<agent::delta> play() const {
            if (why_) return *why_;
            agent::delta piece = *piece_;
            piece.text = text_;
            piece.id = id_;
            piece.name = name_;
            return piece;
        }

    private:
        std::optional<agent::delta> piece_;
        std::optional<rejection> why_;
        std::string text_;
        std::string id_;
        std::string name_;
    };

    script& opened() { return add(agent::delta::kind::opened); }
    script& text(std::string_view words) { return add(agent::delta::kind::text, words); }
    script& reasoning(std::string_view words) { return add(agent::delta::kind::reasoning, words); }
    /// Begins a tool call; `arguments` may hold its first fragment.
    script& call(std::uint32_t index, std::string_view id, std::string_view name,
                 std::string_view arguments = {}) {
        return add(agent::delta::kind::tool_call, arguments, id, name, index);
    }
    /// Goes on with the arguments of a tool call.
    script& arguments(std::uint32_t index, std::string_view fragment) {
        return add(agent::delta::kind::tool_call, fragment, {}, {}, index);
    }
    script& finished(agent::finish_reason reason = agent::finish_reason::stop,
                     std::uint64_t prompt_tokens = 0, std::uint64_t completion_tokens = 0) {
        agent::delta last;
        last.what = agent::delta::kind::finished;
        last.reason = reason;
        last.used = {prompt_tokens, completion_tokens};
        steps_.emplace_back(last);
        return *this;
    }
    script& fails(rejection why) {
        steps_.emplace_back(std::move(why));
        return *this;
    }
    /// Says nothing more until it is cancelled.
    script& waits() {
        steps_.emplace_back();
        return *this;
    }

    [[nodiscard]] std::vector<step> const& steps() const noexcept { return steps_; }

private:
    script& add(agent::delta::kind what, std::string_view text = {}, std::string_view id = {},
                std::string_view name = {}, std::uint32_t index = 0) {
        agent::delta piece;
        piece.what = what;
        piece.index = index;
        steps_.emplace_back(piece, text, id, name);
        return *this;
    }

    std::vector<step> steps_;
};

/// How a script is played.
enum class pace : std::uint8_t {
    split,     ///< each delta comes after a turn of the event loop and is never `ready`
    coalesced, ///< all deltas are `ready` at once
};

/// Answers every request with one script. Asked from one thread only, unlike a real agent.
class fake_agent final : public agent::agent {
public:
    using ask_watcher = std::function<void(mcp_provider::agent::conversation const&)>;
    using embed_watcher = std::function<void(mcp_provider::agent::embedding_request const&)>;

    explicit fake_agent(std::vector<mcp_provider::agent::model> on_offer)
        : models_{std::make_shared<std::vector<mcp_provider::agent::model> const>(
              std::move(on_offer))} {}

    /// Sets what every following request is answered with.
    void plays(script answer, pace how = pace::split) {
        script_ = std::move(answer);
        pace_ = how;
        refusal_.reset();
    }
    /// Makes `generate` and `embed` fail before anything begins.
    void refuses(rejection why) { refusal_.emplace(std::move(why)); }
    void embeds(std::vector<std::vector<float>> vectors, std::uint64_t tokens) {
        vectors_ = std::move(vectors);
        tokens_ = tokens;
    }
    /// Calls `watch` with everything that is asked, while it is being asked.
    void on_generate(ask_watcher watch) { asked_ = std::move(watch); }
    void on_embed(embed_watcher watch) { embedded_ = std::move(watch); }

    /// How many requests came, and how many of their streams were destroyed before their end.
    [[nodiscard]] std::size_t requests() const noexcept { return requests_; }
    [[nodiscard]] std::size_t abandoned() const noexcept { return *abandoned_; }

    [[nodiscard]] mcp_provider::agent::model_list models() const override { return models_; }

    [[nodiscard]] asio::awaitable<result<std::unique_ptr<mcp_provider::agent::delta_stream>>>
    generate(mcp_provider::agent::conversation const& ask, audited const&) override {
        ++requests_;
        if (asked_) asked_(ask);
        if (refusal_) co_return *refusal_;
        std::unique_ptr<mcp_provider::agent::delta_stream> playing =
            std::make_unique<stream>(script_.steps(), pace_, abandoned_);
        co_return std::move(playing);
    }

    [[nodiscard]] asio::awaitable<result<mcp_provider::agent::embeddings>>
    embed(mcp_provider::agent::embedding_request const& ask, audited const&) override {
        ++requests_;
        if (embedded_) embedded_(ask);
        if (refusal_) co_return *refusal_;
        co_return mcp_provider::agent::embeddings{vectors_, tokens_};
    }

private:
    class stream final : public mcp_provider::agent::delta_stream {
    public:
        stream(std::vector<script::step> steps, pace how, std::shared_ptr<std::size_t> abandoned)
            : steps_{std::move(steps)}, pace_{how}, abandoned_{std::move(abandoned)} {}
        ~stream() override {
            if (at_ == 0 || !steps_[at_ - 1].ends()) ++*abandoned_;
        }

        [[nodiscard]] asio::awaitable<result<mcp_provider::agent::delta>> next() override {
            auto const executor = co_await asio::this_coro::executor;
            if (at_ == steps_.size() || steps_[at_].waits()) {
                asio::steady_timer never{executor, asio::steady_timer::time_point::max()};
                co_await never.async_wait(asio::use_awaitable);
            }
            if (pace_ == pace::split) co_await asio::post(executor, asio::use_awaitable);
            co_return steps_[at_++].play();
        }

        [[nodiscard]] bool ready() const noexcept override {
            return pace_ == pace::coalesced && at_ < steps_.size() && !steps_[at_].waits();
        }

    private:
        std::vector<script::step> steps_;
        pace pace_;
        std::shared_ptr<std::size_t> abandoned_;
        std::size_t at_ = 0;
    };

    mcp_provider::agent::model_list models_;
    script script_;
    pace pace_ = pace::split;
    std::optional<rejection> refusal_;
    std::vector<std::vector<float>> vectors_;
    std::uint64_t tokens_ = 0;
    ask_watcher asked_;
    embed_watcher embedded_;
    std::size_t requests_ = 0;
    std::shared_ptr<std::size_t> abandoned_ = std::make_shared<std::size_t>(0);
};

} // namespace mcp_provider::testing
