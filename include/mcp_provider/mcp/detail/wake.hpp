// Wakes one waiting coroutine from any thread.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/net/asio.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

namespace mcp_provider::mcp::detail {

/// An event that is raised once or often and that one coroutine waits for. What was raised before the wait ends it at once.
/// *Thread safety*: `raise` from any thread; `wait` by one coroutine at a time. *Lifetime*: must outlive the wait.
class wake {
    struct waiter {
        explicit waiter(asio::any_io_executor const& on) : executor{on}, timer{on} {}
        asio::any_io_executor executor;
        asio::steady_timer timer;
        bool gone = false; ///< used on the waiter's thread only
    };

public:
    void raise() {
        std::lock_guard const hold{mutex_};
        raised_ = true;
        if (waiting_ == nullptr) return;
        // Under the lock: the waiter's context cannot end before the waiter has said that it is gone.
        asio::post(waiting_->executor, [one = waiting_] {
            if (!one->gone) one->timer.cancel();
        });
        waiting_.reset();
    }

    /// Waits until it is raised. Returns whether it was, and not the time that came.
    /// Throws what Asio throws when the coroutine is cancelled.
    [[nodiscard]] asio::awaitable<bool> wait(steady_time until) {
        auto const executor = co_await asio::this_coro::executor;
        auto const one = std::make_shared<waiter>(executor);
        {
            std::lock_guard const hold{mutex_};
            if (std::exchange(raised_, false)) co_return true;
            waiting_ = one;
        }
        leaving const at_the_end{*this, one};
        one->timer.expires_at(until);
        std::error_code ended;
        co_await one->timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        auto const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw std::system_error{asio::error::operation_aborted};
        std::lock_guard const hold{mutex_};
        co_return std::exchange(raised_, false);
    }

private:
    class leaving {
    public:
        leaving(wake& from, std::shared_ptr<waiter> one) : from_{from}, one_{std::move(one)} {}
        leaving(leaving const&) = delete;
        leaving& operator=(leaving const&) = delete;
        ~leaving() {
            one_->gone = true;
            std::lock_guard const hold{from_.mutex_};
            if (from_.waiting_ == one_) from_.waiting_.reset();
        }

    private:
        wake& from_;
        std::shared_ptr<waiter> one_;
    };

    std::mutex mutex_;
    bool raised_ = false;
    std::shared_ptr<waiter> waiting_;
};

} // namespace mcp_provider::mcp::detail
