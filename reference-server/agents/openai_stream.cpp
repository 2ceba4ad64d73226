#include "agents/openai_stream.hpp"

#include "agents/openai_errors.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

// How long the usage and the end of a stream may take after its last word. Some upstreams never end it.
constexpr std::chrono::milliseconds patience_at_the_end{5'000};
constexpr std::size_t max_error_bytes = 64 * 1024;

bool lies_in(std::string_view part, std::string_view whole) noexcept {
    std::less_equal<> const not_after;
    return !part.empty() && not_after(whole.data(), part.data()) &&
           not_after(part.data() + part.size(), whole.data() + whole.size());
}

} // namespace

void openai_stream::pieces::begin() noexcept {
    has_reasoning_ = !reply.reasoning().empty();
    has_content_ = !reply.content().empty();
    next_call_ = 0;
}

agent::delta openai_stream::pieces::take() noexcept {
    agent::delta out;
    if (std::exchange(has_reasoning_, false)) {
        out.what = agent::delta::kind::reasoning;
        out.text = reply.reasoning();
    } else if (std::exchange(has_content_, false)) {
        out.what = agent::delta::kind::text;
        out.text = reply.content();
    } else {
        out = calls[next_call_++];
    }
    return out;
}

void openai_stream::pieces::clear() {
    calls.clear();
    next_call_ = 0;
    reply.trim();
}

asio::awaitable<result<>> openai_stream::begin(net::request_head const& request,
                                               std::string_view body) {
    auto const until = std::chrono::steady_clock::now() + to_->settings().request_time;
    auto sent = co_await call_.send(request, body, until);
    if (!sent) co_return with_advice(std::move(sent).error());

    http::response_head const& head = call_.head();
    if (head.status != 200) {
        auto const status = head.status;
        std::string const retry_after{head.field("Retry-After").value_or("")};
        auto const refusal = co_await call_.read_all(max_error_bytes, until);
        if (!refusal && refusal.error().code() == rejection_code::client_closed)
            co_return refusal.error();
        co_return upstream_rejection(status,
                                     refusal ? std::string_view{*refusal} : std::string_view{},
                                     retry_after, to_->settings().key.reveal());
    }
    // What the upstream says counts, not what it was asked: some never stream, some always do.
    std::string_view const type = head.field("Content-Type").value_or("");
    is_stream_ = http::equals_ignoring_case(type.substr(0, 17), "text/event-stream");
    if (is_stream_) {
        auto const early = call_.try_read();
        if (!early)
            cut(early.error());
        else if (*early && (*early)->empty())
            end_of_body();
        else if (*early)
            input_ = rest_ = **early;
        read_ahead();
    }
    co_return result<>{};
}

asio::awaitable<result<agent::delta>> openai_stream::next() {
    if (is_open_ && !is_stream_ && !is_over_) {
        auto all = co_await call_.read_all(max_answer_bytes, patience());
        is_over_ = true;
        if (all) {
            whole_ = *std::move(all);
            read(whole_, true, pieces_[current_]);
        } else {
            fail(std::move(all).error());
        }
    }
    for (;;) {
        if (auto piece = take()) co_return *std::move(piece);
        auto const got = call_.try_read();
        if (got && !*got) {
            for (pieces& one : pieces_) one.clear();
            input_ = {};
            auto waited = co_await call_.readable(patience());
            if (!waited) cut(std::move(waited).error());
        } else if (!got) {
            cut(got.error());
        } else if ((*got)->empty()) {
            end_of_body();
        } else {
            input_ = rest_ = **got;
        }
    }
}

std::optional<result<agent::delta>> openai_stream::take() {
    if (!is_open_) {
        is_open_ = true;
        return agent::delta{};
    }
    if (!is_stream_ && !is_over_) return std::nullopt;
    if (!pieces_[current_].any() && (pieces_[1 - current_].any() || read_ahead()))
        current_ = 1 - current_;
    if (pieces_[current_].any()) {
        agent::delta const out = pieces_[current_].take();
        if (!pieces_[current_].any() && !pieces_[1 - current_].any()) read_ahead();
        return out;
    }
    if (failure_) return *std::move(failure_);
    if (is_over_) return finished();
    return std::nullopt;
}

/// Reads events into the pieces that are not given out, until one says something. Returns whether one did.
bool openai_stream::read_ahead() {
    pieces& into = pieces_[1 - current_];
    while (!rest_.empty() && !is_over_ && !failure_) {
        auto const event = events_.next(rest_);
        if (!event) {
            fail(event.error());
        } else if (*event) {
            std::string_view const said = (*event)->data;
            if (said == "[DONE]") {
                is_over_ = true;
                call_.leave_rest();
            } else if ((*event)->name == "error" &&
                       said.find("\"error\"") == std::string_view::npos) {
                fail(stream_rejection(said, to_->settings().key.reveal()));
            } else if (!said.empty()) {
                read(said, lies_in(said, input_), into);
            }
            if (into.any()) return true;
        }
    }
    return false;
}

void openai_stream::read(std::string_view json, bool stays, pieces& into) {
    into.calls.clear();
    openai_reply& reply = into.reply;
    if (!reply.read(json, stays)) {
        into.begin();
        return fail(rejection{rejection_code::upstream_failed,
                              "the upstream sent something that is no JSON"});
    }
    for (openai_call_piece const& one : reply.calls()) calls_.add(one, into.calls);
    into.begin();
    if (reply.finish()) finish_ = reply.finish();
    if (reply.used()) used_ = *reply.used();
    if (reply.is_error())
        return fail(stream_rejection(reply.error_message(), to_->settings().key.reveal()));
    if (!is_stream_ && !reply.has_choice())
        fail(rejection{rejection_code::upstream_failed, "the upstream's answer has no choices"});
}

/// Without a reason to finish, a body that ends was cut, however properly its connection ended.
void openai_stream::end_of_body() {
    cut(rejection{rejection_code::upstream_failed, "the upstream ended its answer in the middle"});
}

/// Once the upstream has given its reason to finish, it does not matter how the rest of the stream ends.
void openai_stream::cut(rejection why) {
    is_over_ = true;
    if (!finish_ || why.code() == rejection_code::client_closed) fail(std::move(why));
}

void openai_stream::fail(rejection why) {
    is_over_ = true;
    if (!failure_) failure_ = std::move(why);
}

result<agent::delta> openai_stream::finished() const {
    agent::delta out;
    out.what = agent::delta::kind::finished;
    out.reason = finish_.value_or(agent::finish_reason::stop);
    // Many upstreams say `stop` although they called tools.
    if (calls_.any() && out.reason == agent::finish_reason::stop)
        out.reason = agent::finish_reason::tool_calls;
    out.used = used_;
    return out;
}

steady_time openai_stream::patience() const {
    auto const most = to_->settings().stream_time;
    return std::chrono::steady_clock::now() +
           (finish_ ? std::min(most, patience_at_the_end) : most);
}

} // namespace mcp_provider::server::agents
