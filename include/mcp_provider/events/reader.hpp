// Reads a feed in a coroutine: waits for events without a thread and without polling.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/cancellation_type.hpp>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::events {

/// One listener as a coroutine sees it. Takes events in batches, at most one in 10 ms, so that a busy server is not made
/// to wake it for each of them. *Thread safety*: used on one executor.
class reader {
public:
    static constexpr std::chrono::milliseconds rest{10};
    static constexpr std::chrono::seconds patience{1};
    static constexpr std::size_t most_at_once = 128;

    explicit reader(std::unique_ptr<listener> one) noexcept : listener_{std::move(one)} {}
    reader(reader const&) = delete;
    reader& operator=(reader const&) = delete;
    ~reader() {
        if (listener_) listener_->stop_waiting();
    }

    [[nodiscard]] std::uint64_t missed() const noexcept { return listener_->missed(); }

    /// Takes what there is, without waiting.
    feed_end take(std::vector<event_pointer>& into) { return listener_->take(into, most_at_once); }
    /// Waits for events, or for the end of the feed, but no longer than `patience`: then `into` is as it was, and the
    /// caller may look whether it is still allowed to listen. Cancelled through the coroutine's slot.
    [[nodiscard]] asio::awaitable<feed_end> next(std::vector<event_pointer>& into) {
        if (!bell_) bell_ = std::make_shared<bell>(co_await asio::this_coro::executor);
        auto const now = std::chrono::steady_clock::now();
        if (now < last_ + rest) co_await pause(last_ + rest);
        std::size_t const before = into.size();
        feed_end end = listener_->take(into, most_at_once);
        if (end == feed_end::none && into.size() == before && listener_->wait(ringer())) {
            co_await pause(std::chrono::steady_clock::now() + patience);
            listener_->stop_waiting();
            end = listener_->take(into, most_at_once);
        }
        if (into.size() != before) last_ = std::chrono::steady_clock::now();
        co_return end;
    }

private:
    /// What a publisher rings. Shared with the ring that is on its way, which may come after the reader has gone.
    struct bell {
        explicit bell(asio::any_io_executor on) : timer{std::move(on)} {}
        asio::steady_timer timer;
    };

    std::function<void()> ringer() const {
        return [rung = bell_] {
            auto const executor = rung->timer.get_executor();
            asio::post(executor, [rung] { rung->timer.cancel(); });
        };
    }
    asio::awaitable<void> pause(steady_time until) {
        bell_->timer.expires_at(until);
        std::error_code ignored;
        co_await bell_->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw std::system_error{asio::error::operation_aborted};
    }

    std::unique_ptr<listener> listener_;
    std::shared_ptr<bell> bell_;
    steady_time last_{};
};

} // namespace mcp_provider::events
