#include "agents/agent_turn.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/co_spawn.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

constexpr std::size_t max_bytes_without_room = 4 * 1024 * 1024;
constexpr std::size_t max_title_bytes = 120;
constexpr std::size_t max_refusals_told = 3;
constexpr std::size_t bytes_of_token = 4; // of English text; what agents do not count is estimated

std::string fit_to_show(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    if (text.size() <= max_title_bytes) return text;
    std::size_t size = max_title_bytes;
    while (size != 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
    text.resize(size);
    return text + "…";
}

std::uint64_t tokens_in(std::size_t bytes) noexcept {
    return (bytes + bytes_of_token - 1) / bytes_of_token;
}

} // namespace

agent_turn::agent_turn(asio::any_io_executor on, agent::conversation const& ask, std::string model,
                       std::string_view family, turn_limits const& limits)
    : bell{on}, executor_{std::move(on)}, asked_{ask}, model_{std::move(model)},
      caller_{ask.caller}, family_{family}, limits_{limits}, cutter_{ask.stop},
      alive_until_{std::chrono::steady_clock::now() + limits.request_time} {}

std::unique_ptr<agent::delta_stream> agent_turn::open(std::function<void()> on_wish) {
    on_wish_ = std::move(on_wish);
    // The channel is held by its reader, and must not hold this turn for longer than it is worked on.
    std::weak_ptr<agent_turn> const self = weak_from_this();
    channel_ = std::make_shared<delta_channel>(
        executor_,
        [self] {
            auto const turn = self.lock();
            if (turn && turn->on_wish_) turn->on_wish_();
        },
        [self] {
            if (auto const turn = self.lock()) turn->give_up();
        });
    return channel_->stream();
}

void agent_turn::use(permission_rules const* rules, std::shared_ptr<permission_desk> desk) {
    rules_ = rules;
    desk_ = std::move(desk);
}

void agent_turn::stay_alive() {
    alive_until_ = std::chrono::steady_clock::now() + limits_.stream_time;
}

void agent_turn::begin(std::size_t prompt_bytes) {
    prompt_bytes_ = prompt_bytes;
    begun_ = true;
    channel_->push(agent::delta{});
}

void agent_turn::push(agent::delta::kind what, std::string_view piece) {
    agent::delta one;
    one.what = what;
    one.text = piece;
    channel_->push(one);
    if (channel_->has_room()) {
        bytes_without_room_ = 0;
    } else if ((bytes_without_room_ += piece.size()) > max_bytes_without_room) {
        fail(rejection{rejection_code::overloaded, "the client reads too slowly"});
    }
}

void agent_turn::say(std::string_view piece) {
    if (piece.empty() || ended_) return;
    std::size_t const left = limits_.max_answer_bytes - said_.size();
    if (piece.size() > left) {
        std::size_t size = left;
        while (size != 0 && (static_cast<unsigned char>(piece[size]) & 0xC0U) == 0x80U) --size;
        if (size != 0) push(agent::delta::kind::text, piece.substr(0, size));
        end_with(agent::finish_reason::length);
        return want_no_more();
    }
    said_ += piece;
    push(agent::delta::kind::text, piece);
}

void agent_turn::text(std::string_view piece) {
    stay_alive();
    spoke_ = true;
    say(cutter_.feed(piece));
    if (!cutter_.stopped() || ended_) return;
    end_with(agent::finish_reason::stop);
    want_no_more();
}

void agent_turn::reasoning(std::string_view piece) {
    stay_alive();
    if (piece.empty() || ended_) return;
    if ((reasoned_bytes_ += piece.size()) > limits_.max_answer_bytes) {
        end_with(agent::finish_reason::length);
        return want_no_more();
    }
    push(agent::delta::kind::reasoning, piece);
}

asio::awaitable<permission_verdict> agent_turn::permission(permission_question question) {
    stay_alive();
    if (unwanted_) co_return permission_verdict::refuse;
    if (++permissions_ > limits_.max_permissions) {
        fail(rejection{rejection_code::upstream_failed,
                       "the agent asked for permissions again and again"});
        co_return permission_verdict::refuse;
    }
    question.caller = caller_;
    question.agent = family_;
    auto const decided = rules_->decide(question);
    if (decided == permission_rules::decision::allow) co_return permission_verdict::allow;
    std::string title = fit_to_show(question.title.empty() ? question.tool : question.title);
    if (!question.kind.empty()) title += " (" + fit_to_show(question.kind) + ')';
    if (decided == permission_rules::decision::ask && desk_) {
        auto const until = std::chrono::steady_clock::now() + limits_.permission_time;
        alive_until_ = until + limits_.stream_time;
        auto verdict = permission_verdict::refuse;
        try {
            auto asking = desk_->ask(std::move(question), until);
            verdict = co_await asio::co_spawn(
                executor_, std::move(asking),
                asio::bind_cancellation_slot(stop_asking_.slot(), asio::use_awaitable));
        } catch (std::system_error const&) {
            // Cancelled, as the request has gone; nobody hears the verdict.
        }
        stay_alive();
        if (verdict == permission_verdict::allow && !unwanted_) co_return verdict;
    }
    refused_.push_back(std::move(title));
    said_at_refusal_ = said_.size();
    co_return permission_verdict::refuse;
}

bool agent_turn::has_room() { return channel_->has_room(); }

agent::usage agent_turn::estimated() const noexcept {
    agent::usage used;
    used.prompt_tokens = tokens_in(prompt_bytes_);
    used.completion_tokens = tokens_in(said_.size() + reasoned_bytes_);
    return used;
}

std::string agent_turn::about_refusals() const {
    std::string text = said_.empty() ? "" : "\n\n";
    text += "[The agent was not permitted to use a tool: ";
    for (std::size_t i = 0; i != std::min(refused_.size(), max_refusals_told); ++i) {
        if (i != 0) text += ", ";
        text += refused_[i];
    }
    if (refused_.size() > max_refusals_told) text += ", …";
    return text + "]";
}

void agent_turn::end_with(agent::finish_reason why) {
    if (std::exchange(ended_, true)) return;
    agent::delta last;
    last.what = agent::delta::kind::finished;
    last.reason = why;
    last.used = estimated();
    channel_->push(last);
}

void agent_turn::finish(turn_end const& end) {
    if (ended_) return;
    say(cutter_.rest());
    // Agents end the turn when they may not do what they want, often without a word.
    bool const fell_silent = !refused_.empty() && said_.size() == said_at_refusal_;
    if (fell_silent) say(about_refusals());
    if (ended_) return;
    if (end.was_cancelled && !fell_silent)
        return fail(rejection{rejection_code::upstream_failed, "the agent broke the answer off"});
    ended_ = true;
    agent::delta last;
    last.what = agent::delta::kind::finished;
    last.reason = end.reason;
    last.used = end.used_is_known ? end.used : estimated();
    channel_->push(last);
    well_ = !unwanted_ && !end.was_cancelled && end.reason == agent::finish_reason::stop;
}

void agent_turn::fail(rejection why) {
    if (std::exchange(ended_, true)) return;
    channel_->fail(std::move(why));
    want_no_more();
}

void agent_turn::give_up() {
    if (!std::exchange(ended_, true))
        channel_->fail(rejection{rejection_code::overloaded, "the server is about to stop"});
    want_no_more();
}

void agent_turn::want_no_more() {
    if (std::exchange(unwanted_, true)) return;
    stop_asking_.emit(asio::cancellation_type::terminal);
    if (on_wish_) on_wish_();
}

} // namespace mcp_provider::server::agents
