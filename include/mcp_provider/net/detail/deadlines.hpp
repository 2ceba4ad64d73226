// Many deadlines on one timer: moving a deadline costs a store, and a timer operation only when it becomes the earliest.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <system_error>

namespace mcp_provider::net::detail {

class deadlines;

/// Something that can be too late. It is on the list of its `deadlines` for as long as it lives.
class deadline {
public:
    explicit deadline(deadlines& keeper) noexcept;
    deadline(deadline const&) = delete;
    deadline& operator=(deadline const&) = delete;

    /// Calls `on_deadline` once `when` has passed, unless the deadline is moved before; `steady_time::max()` for never.
    void set_deadline(steady_time when);
    void clear_deadline() noexcept { when_ = steady_time::max(); }

protected:
    ~deadline();

private:
    friend class deadlines;

    /// May destroy this object, but no other deadline.
    virtual void on_deadline() noexcept = 0;

    deadlines& keeper_;
    deadline* previous_ = nullptr;
    deadline* next_ = nullptr;
    steady_time when_ = steady_time::max();
};

/// The deadlines of one io_context, which must be run by one thread.
class deadlines final : public asio::execution_context::service {
public:
    using key_type = deadlines;
    inline static asio::execution_context::id
        id; // how Asio finds a service: by the address of this object

    explicit deadlines(asio::execution_context& context)
        : service{context}, timer_{static_cast<asio::io_context&>(context)} {}

private:
    friend class deadline;

    void shutdown() override { timer_.cancel(); }

    void add(deadline& one) noexcept {
        one.next_ = first_;
        if (first_ != nullptr) first_->previous_ = &one;
        first_ = &one;
    }

    void remove(deadline& one) noexcept {
        (one.previous_ != nullptr ? one.previous_->next_ : first_) = one.next_;
        if (one.next_ != nullptr) one.next_->previous_ = one.previous_;
    }

    void arm(steady_time when) {
        armed_ = when;
        timer_.expires_at(when);
        timer_.async_wait([this](std::error_code aborted) {
            if (!aborted) sweep();
        });
    }

    void sweep() {
        armed_ = steady_time::max();
        auto const now = std::chrono::steady_clock::now();
        steady_time earliest = steady_time::max();
        for (deadline* one = first_; one != nullptr;) {
            deadline* const next = one->next_;
            if (one->when_ <= now) {
                one->when_ = steady_time::max();
                one->on_deadline();
            } else if (one->when_ < earliest) {
                earliest = one->when_;
            }
            one = next;
        }
        if (earliest < armed_) arm(earliest);
    }

    asio::steady_timer timer_;
    deadline* first_ = nullptr;
    steady_time armed_ = steady_time::max();
};

inline deadline::deadline(deadlines& keeper) noexcept : keeper_{keeper} { keeper_.add(*this); }
inline deadline::~deadline() { keeper_.remove(*this); }
inline void deadline::set_deadline(steady_time when) {
    when_ = when;
    if (when < keeper_.armed_) keeper_.arm(when);
}

} // namespace mcp_provider::net::detail
