// One thread's share of the server: an io_context, its connections, and the clock that bounds every wait.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/detail/turn.hpp"
#include "mcp_provider/net/workspace.hpp"

#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::net {

/// A link of the worker's list of connections; the clock calls it.
class timed_connection {
public:
    timed_connection() = default;
    timed_connection(timed_connection const&) = delete;
    timed_connection& operator=(timed_connection const&) = delete;
    virtual ~timed_connection() = default;

    /// Ends what has waited too long. Called about every `worker::tick` while a request runs, else every second.
    virtual void on_tick(steady_time now) = 0;
    /// The descriptor to be watched for the client's leaving, or -1: only while a handler or a stream is awaited.
    [[nodiscard]] virtual int watched_descriptor() const noexcept = 0;
    virtual void on_client_gone() = 0;
    /// Closes when idle, and after the current response otherwise.
    virtual void drain() = 0;
    /// Ends the current response now.
    virtual void cut() = 0;
    [[nodiscard]] virtual bool is_active() const noexcept = 0;

private:
    friend class worker;
    timed_connection* before_ = nullptr;
    timed_connection* after_ = nullptr;
};

/// Share-nothing: everything of a worker is used on its own thread, but for `context`, `size` and `drain`.
class worker {
public:
    /// How late a limit in time may be noticed, and how soon a client's leaving is.
    static constexpr std::chrono::milliseconds tick{25};

    worker(dispatcher const& routes, http::limits const& limits)
        : routes_{routes}, limits_{limits}, context_{std::make_unique<asio::io_context>(1)},
          turn_{asio::use_service<detail::turn>(*context_)} {
        clock_.emplace(*context_);
        end_.emplace(*context_);
    }
    /// Connections that still run go with the context, while the list that they leave is still there.
    ~worker() {
        held_.reset();
        clock_.reset();
        end_.reset();
        context_.reset();
    }
    worker(worker const&) = delete;
    worker& operator=(worker const&) = delete;

    [[nodiscard]] asio::io_context& context() noexcept { return *context_; }
    [[nodiscard]] dispatcher const& routes() const noexcept { return routes_; }
    [[nodiscard]] http::limits const& limits() const noexcept { return limits_; }
    [[nodiscard]] bool draining() const noexcept { return draining_; }
    [[nodiscard]] detail::turn& turn() noexcept { return turn_; }
    /// Those who write to clients.
    [[nodiscard]] detail::writers& writers() noexcept { return writers_; }

    void add(timed_connection& one) {
        one.after_ = first_;
        if (first_ != nullptr) first_->before_ = &one;
        first_ = &one;
        wake();
    }
    void remove(timed_connection& one) noexcept {
        (one.before_ != nullptr ? one.before_->after_ : first_) = one.after_;
        if (one.after_ != nullptr) one.after_->before_ = one.before_;
        if (cursor_ == &one) cursor_ = one.after_;
        if (size_.fetch_sub(1) == 1) {
            if (clock_) clock_->cancel();
            if (draining_ && context_) context_->stop();
        }
    }
    /// Takes a place for a connection that is about to be added, if fewer than `most` are taken. *Thread safety*: safe.
    [[nodiscard]] bool reserve(std::size_t most) noexcept {
        std::size_t now = size_.load(std::memory_order_relaxed);
        do {
            if (now >= most) return false;
        } while (!size_.compare_exchange_weak(now, now + 1));
        return true;
    }
    /// The connections there are. *Thread safety*: safe.
    [[nodiscard]] std::size_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }

    /// A request began: the clock must run at full speed.
    void wake() {
        quiet_ticks_ = 0;
        if (ticking_ && !slow_) return;
        slow_ = false;
        if (ticking_) {
            clock_->cancel();
        } else {
            ticking_ = true;
            arm();
        }
    }

    [[nodiscard]] std::unique_ptr<workspace> borrow() {
        if (spare_.empty()) return std::make_unique<workspace>(limits_);
        auto one = std::move(spare_.back());
        spare_.pop_back();
        return one;
    }
    void give_back(std::unique_ptr<workspace> one) {
        constexpr std::size_t keep = 64;
        if (spare_.size() >= keep) return;
        one->clear();
        spare_.push_back(std::move(one));
    }

    /// Ends idle connections now and the others after their response, or when `patience` has passed; then the context
    /// stops. *Thread safety*: safe.
    void drain(std::chrono::milliseconds patience) {
        asio::post(*context_, [this, patience] {
            draining_ = true;
            each([](timed_connection& one) { one.drain(); });
            if (size_ == 0) return context_->stop();
            end_->expires_after(patience);
            end_->async_wait([this](std::error_code) {
                each([](timed_connection& one) { one.cut(); });
                // What does not even end then goes with the context.
                end_->expires_after(std::chrono::seconds{1});
                end_->async_wait([this](std::error_code) { context_->stop(); });
            });
        });
    }
    /// Keeps the context running while there is nothing to do.
    void hold() { held_.emplace(context_->get_executor()); }

private:
    /// Calls `visit` for each connection; any of them may remove itself meanwhile.
    template <class Visit>
    void each(Visit visit) {
        for (cursor_ = first_; cursor_ != nullptr;) {
            timed_connection& one = *cursor_;
            cursor_ = one.after_;
            visit(one);
        }
    }

    void arm() {
        clock_->expires_after(slow_ ? std::chrono::milliseconds{1000} : tick);
        clock_->async_wait([this](std::error_code) { on_clock(); });
    }
    void on_clock() {
        if (size_ == 0) {
            ticking_ = false;
            return;
        }
        auto const now = std::chrono::steady_clock::now();
        look_for_leavers();
        bool active = false;
        each([&](timed_connection& one) {
            active = active || one.is_active();
            one.on_tick(now);
        });
        // Not at once: between two requests of one client the clock would be set back and forth each time.
        quiet_ticks_ = active ? 0 : quiet_ticks_ + 1;
        slow_ = quiet_ticks_ >= ticks_until_slow;
        arm();
    }
    /// One poll(2) for all: unlike a pending read it also sees the end behind bytes that nobody reads yet.
    void look_for_leavers() {
        watched_.clear();
        polled_.clear();
        for (timed_connection* one = first_; one != nullptr; one = one->after_)
            if (int const fd = one->watched_descriptor(); fd >= 0) {
                watched_.push_back(one);
                polled_.push_back(pollfd{fd, POLLRDHUP, 0});
            }
        if (polled_.empty() || ::poll(polled_.data(), polled_.size(), 0) <= 0) return;
        for (std::size_t i = 0; i < polled_.size(); ++i)
            if ((polled_[i].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
                watched_[i]->on_client_gone();
    }

    static constexpr int ticks_until_slow = 40; // a second

    dispatcher const& routes_;
    http::limits const& limits_;
    std::unique_ptr<asio::io_context> context_;
    detail::turn& turn_; ///< a service of the context
    detail::writers writers_;
    std::optional<asio::steady_timer> clock_;
    std::optional<asio::steady_timer> end_;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> held_;
    timed_connection* first_ = nullptr;
    timed_connection* cursor_ = nullptr;
    std::atomic<std::size_t> size_ = 0;
    std::vector<std::unique_ptr<workspace>> spare_;
    std::vector<timed_connection*> watched_;
    std::vector<pollfd> polled_;
    int quiet_ticks_ = 0; ///< since a request was last seen
    bool ticking_ = false;
    bool slow_ = true;
    bool draining_ = false;
};

} // namespace mcp_provider::net
