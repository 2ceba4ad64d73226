#include "agents/mcp_pull.hpp"

#include "agents/delta_channel.hpp"
#include "agents/stop_cutter.hpp"
#include "mcp_provider/json/write.hpp"

#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace ag = mcp_provider::agent;

namespace {

/// Takes a host's pieces to the client's connection, and ends at the client's stop sequences.
class channel_sink final : public answer_sink {
public:
    channel_sink(std::shared_ptr<delta_channel> to, std::vector<std::string> stop)
        : to_{std::move(to)}, cutter_{std::move(stop)} {}

    void opened() override { push(ag::delta::kind::opened, {}); }
    bool text(std::string_view piece) override {
        push(ag::delta::kind::text, cutter_.feed(piece));
        if (!cutter_.stopped()) return true;
        finish(ag::finish_reason::stop);
        return false;
    }
    void finished(ag::finish_reason reason) override {
        push(ag::delta::kind::text, cutter_.rest());
        finish(reason);
    }
    void failed(rejection why) override { to_->fail(std::move(why)); }

private:
    void push(ag::delta::kind what, std::string_view text) {
        if (what == ag::delta::kind::text && text.empty()) return;
        ag::delta piece;
        piece.what = what;
        piece.text = text;
        to_->push(piece);
    }
    /// Without usage: hosts do not tell what their model has read and written.
    void finish(ag::finish_reason reason) {
        ag::delta last;
        last.what = ag::delta::kind::finished;
        last.reason = reason;
        to_->push(last);
    }

    std::shared_ptr<delta_channel> to_;
    stop_cutter cutter_;
};

void append_message(std::string& out, ag::role from, std::string_view text) {
    out += R"({"role":)";
    json::append_quoted(out, name_of(from));
    out += R"(,"content":)";
    json::append_quoted(out, text);
}

} // namespace

std::string prompt_text(ag::conversation const& ask, std::string_view /*id*/) {
    std::string out = R"("model":)";
    json::append_quoted(out, ask.model);
    if (ask.is_completion) {
        out += R"(,"system":"Continue the text of the user. Answer with the continuation only.")";
        out += R"(,"messages":[)";
        append_message(out, ag::role::user, ask.prompt);
        out += "}]";
        return out;
    }
    std::string system;
    for (ag::message const& one : ask.messages)
        if (one.from == ag::role::system) (system += system.empty() ? "" : "\n\n") += one.text;
    if (!system.empty()) {
        out += R"(,"system":)";
        json::append_quoted(out, system);
    }
    out += R"(,"messages":[)";
    for (ag::message const& one : ask.messages) {
        if (one.from == ag::role::system) continue;
        if (out.back() != '[') out += ',';
        append_message(out, one.from, one.text);
        // Of an earlier model that had tools; what it did with them is part of what was said.
        if (!one.tool_calls.empty()) {
            out += R"(,"tool_calls":[)";
            for (ag::tool_call const& call : one.tool_calls) {
                if (out.back() != '[') out += ',';
                out += R"({"name":)";
                json::append_quoted(out, call.name);
                out += R"(,"arguments":)";
                json::append_quoted(out, call.arguments);
                out += '}';
            }
            out += ']';
        }
        out += '}';
    }
    out += ']';
    return out;
}

/// Ticks while there are prompts. Used on its context's thread, but for `wind`.
class mcp_pull::clock : public std::enable_shared_from_this<clock> {
public:
    clock(asio::any_io_executor on, std::shared_ptr<prompt_queue> of)
        : executor_{std::move(on)}, queue_{std::move(of)} {
        timer_.emplace(executor_);
    }

    [[nodiscard]] asio::any_io_executor const& executor() const noexcept { return executor_; }

    /// There is a prompt. *Thread safety*: safe.
    void wind() {
        asio::post(executor_, [self = shared_from_this()] {
            if (!std::exchange(self->ticking_, true)) self->tick();
        });
    }
    /// The timer goes with the context's work, not with the agent, which may outlive the context.
    void stop() {
        asio::post(executor_, [self = shared_from_this()] { self->timer_.reset(); });
    }

private:
    static constexpr std::chrono::milliseconds period{100};

    void tick() {
        queue_->expire(std::chrono::steady_clock::now());
        if (!timer_ || queue_->prompts() == 0) {
            ticking_ = false;
            return;
        }
        timer_->expires_after(period);
        timer_->async_wait([self = shared_from_this()](std::error_code stopped) {
            if (stopped)
                self->ticking_ = false;
            else
                self->tick();
        });
    }

    asio::any_io_executor executor_;
    std::optional<asio::steady_timer> timer_; ///< none after `stop`
    std::shared_ptr<prompt_queue> queue_;
    bool ticking_ = false;
};

mcp_pull::mcp_pull(pull_settings settings)
    : settings_{std::move(settings)}, catalogue_{"agent", settings_.aliases,
                                                 settings_.context_tokens, settings_.cannot},
      queue_{std::make_shared<prompt_queue>(settings_.limits)} {}

void mcp_pull::start(asio::io_context& on) {
    clock_ = std::make_shared<clock>(on.get_executor(), queue_);
}

void mcp_pull::stop() {
    queue_->close();
    if (clock_) clock_->stop();
}

ag::model_list mcp_pull::models() const { return catalogue_.models(); }

asio::awaitable<result<std::unique_ptr<ag::delta_stream>>>
mcp_pull::generate(ag::conversation const& ask, audited const& /*proof*/) {
    auto const known = catalogue_.id_of(ask.model);
    if (!known) co_return known.error();
    // The channel knows its prompt's number only once the queue has taken it; the client can leave only after that.
    auto const number = std::make_shared<std::atomic<std::uint64_t>>(0);
    auto const channel = std::make_shared<delta_channel>(
        clock_->executor(), std::function<void()>{},
        [queue = queue_, number] { queue->withdraw(number->load()); });
    auto const sink = std::make_shared<channel_sink>(channel, ask.stop);
    auto stream = channel->stream();
    auto const added = queue_->add(settings_.write(ask, *known), ask.streamed, sink,
                                   std::chrono::steady_clock::now());
    if (!added) co_return added.error();
    number->store(*added);
    clock_->wind();
    co_return std::move(stream);
}

asio::awaitable<result<ag::embeddings>> mcp_pull::embed(ag::embedding_request const& /*ask*/,
                                                        audited const& /*proof*/) {
    co_return rejection{rejection_code::bad_request, "an MCP host makes no embeddings"}.because(
        "unsupported_by_model");
}

} // namespace mcp_provider::server::agents
