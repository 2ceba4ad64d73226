#include "ollama/stream.hpp"

#include "ollama/errors.hpp"

#include <cstddef>
#include <utility>

namespace mcp_provider::server::ollama {

namespace {

/// How much one pull may gather while the agent is ahead of the client.
constexpr std::size_t enough_for_one_write = 32 * 1024;

} // namespace

asio::awaitable<result<http::stream_step>> answer_stream::next(std::string& out) {
    if (broke_off_) co_return *std::move(broke_off_);
    if (!deltas_) {
        result<std::unique_ptr<agent::delta_stream>> begun =
            co_await agents_.generate(ask_, proof_);
        if (!begun) co_return std::move(begun).error();
        deltas_ = *std::move(begun);
    }
    std::size_t const size = out.size();
    http::stream_step step = http::stream_step::more;
    do {
        auto piece = deltas_->take();
        if (!piece) {
            auto awaited = co_await deltas_->next();
            piece.emplace(std::move(awaited));
        }
        result<http::stream_step> taken =
            *piece ? take(**piece, out) : result<http::stream_step>{std::move(*piece).error()};
        if (!taken) {
            deltas_.reset(); // stops the agent
            if (out.empty()) co_return std::move(taken).error();
            broke_off_.emplace(std::move(taken).error());
            co_return http::stream_step::more;
        }
        step = *taken;
    } while (step == http::stream_step::more && deltas_->ready() &&
             out.size() - size < enough_for_one_write);
    if (step == http::stream_step::end) deltas_.reset();
    co_return step;
}

result<http::stream_step> answer_stream::take(agent::delta const& piece, std::string& out) {
    switch (piece.what) {
    case agent::delta::kind::opened: times_.opened(); break;
    case agent::delta::kind::text:
        times_.spoke();
        if (!piece.text.empty()) writer_.append_text(out, piece.text);
        break;
    case agent::delta::kind::reasoning:
        times_.spoke();
        if (shows_thinking_ && !piece.text.empty()) writer_.append_thinking(out, piece.text);
        break;
    case agent::delta::kind::tool_call:
        times_.spoke();
        if (result<> added = calls_.add(piece); !added) return std::move(added).error();
        break;
    case agent::delta::kind::finished:
        if (!calls_.empty())
            if (result<> written = writer_.append_calls(out, calls_); !written)
                return std::move(written).error();
        note_end(proof_, piece);
        writer_.append_end(out, done_reason_of(piece.reason), piece.used, times_);
        return http::stream_step::end;
    }
    return http::stream_step::more;
}

void answer_stream::fail(rejection const& why, std::string& out) {
    deltas_.reset();
    append_error_line(out, why);
}

void note_end(audited const& proof, agent::delta const& last) {
    generation_notes& notes = proof.notes();
    notes.prompt_tokens = last.used.prompt_tokens;
    notes.completion_tokens = last.used.completion_tokens;
    notes.finish_reason = last.reason == agent::finish_reason::tool_calls
                              ? "tool_calls"
                              : done_reason_of(last.reason);
}

} // namespace mcp_provider::server::ollama
