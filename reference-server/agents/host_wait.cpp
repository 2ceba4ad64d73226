#include "agents/host_wait.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cmath>
#include <system_error>

namespace mcp_provider::server::agents {

namespace {

/// After so long a stream that nobody reads is one whose host has gone: an answer that is quick goes out without a stream.
constexpr std::chrono::seconds begin_of_stream{1};

/// As long as a host's leaving may go unnoticed. A prompt waits so long more, and does not go to a host that just died.
constexpr std::chrono::milliseconds notice_time{60};

/// What wakes a host's wait. Shared with the wake that is on its way, which may come after the wait is over.
class bell {
public:
    explicit bell(asio::any_io_executor const& on) : timer{on} {}
    asio::steady_timer timer;
};

} // namespace

steady_time host_patience::until(mcp::call const& asked, std::string_view name) const {
    double const wish = asked.number_or(name, static_cast<double>(usual.count()));
    std::chrono::duration<double> const time{
        std::clamp(std::isfinite(wish) ? wish : 0.0, 0.0, static_cast<double>(most.count()))};
    return std::chrono::steady_clock::now() +
           std::chrono::duration_cast<steady_time::duration>(time);
}

asio::awaitable<std::optional<given_prompt>>
wait_for_prompt(mcp::call& asked, std::shared_ptr<prompt_queue> queue, steady_time until,
                std::chrono::milliseconds progress_every) {
    auto const begun = std::chrono::steady_clock::now();
    auto const executor = co_await asio::this_coro::executor;
    auto const woken = std::make_shared<bell>(executor);
    auto const place = queue->wait(
        [woken] {
            auto const on = woken->timer.get_executor();
            asio::post(on, [woken] { woken->timer.cancel(); });
        },
        begun);
    if (!place) co_return std::nullopt;
    for (auto next_word = begun + progress_every;;) {
        auto const now = std::chrono::steady_clock::now();
        // What was given to a host that has gone goes to the next one.
        bool const is_gone =
            asked.cancelled() || (now > begun + begin_of_stream && !asked.is_read());
        if (is_gone) co_return std::nullopt;
        if (auto given = place->take()) co_return std::move(given);
        if (now >= until) co_return std::nullopt;
        if (now >= next_word) {
            next_word = now + progress_every;
            asked.progress(std::floor(std::chrono::duration<double>(now - begun).count()),
                           std::chrono::duration<double>(until - begun).count(),
                           "waiting for a prompt");
        }
        woken->timer.expires_at(std::min(until, next_word));
        std::error_code stopped;
        co_await woken->timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) co_return std::nullopt;
        bool const was_rung = stopped == asio::error::operation_aborted;
        if (!was_rung || std::chrono::steady_clock::now() < begun + begin_of_stream) continue;
        woken->timer.expires_after(notice_time);
        co_await woken->timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    }
}

} // namespace mcp_provider::server::agents
