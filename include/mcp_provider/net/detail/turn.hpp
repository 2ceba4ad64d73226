// Lets what is ready in one turn of the loop write together, so that a peer is woken once and not once a write.
#pragma once

#include "mcp_provider/core/clock.hpp"

#include <asio/async_result.hpp>
#include <asio/execution_context.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

namespace mcp_provider::net::detail {

/// Sees whether several write at the same time, to the clients or to the upstreams of one worker.
class writers {
public:
    /// Whether `who`, which is about to write, should wait for the end of the turn: somebody else has just written.
    [[nodiscard]] bool are_many(void const* who, steady_time now) noexcept {
        bool const others = last_ != who && now - last_write_ < recently;
        last_ = who;
        last_write_ = now;
        return others;
    }

private:
    static constexpr std::chrono::microseconds recently{200};
    void const* last_ = nullptr; // compared only; it may be gone
    steady_time last_write_{};
};

/// The writers of one io_context, which must be run by one thread. To wake a peer that sleeps costs more than all else of a
/// write. So under load a writer lets the others that are ready do their work first, a few at a time; then all write, one
/// after another. Where only one connection is at work nothing waits.
class turn final : public asio::execution_context::service {
public:
    using key_type = turn;
    inline static asio::execution_context::id
        id; // how Asio finds a service: by the address of this object

    explicit turn(asio::execution_context& context)
        : service{context}, context_{static_cast<asio::io_context&>(context)} {}

    /// Waits for the end of the turn, or until enough have gathered. Is not cancelled.
    [[nodiscard]] asio::awaitable<void> gather() {
        return asio::async_initiate<asio::use_awaitable_t<> const, void()>(
            [this](writer one) {
                if (waiting_.size() >= most) go_on();
                waiting_.push_back(std::move(one));
                if (std::exchange(is_posted_, true)) return;
                asio::post(context_, [this] {
                    is_posted_ = false;
                    go_on();
                });
            },
            asio::use_awaitable);
    }

private:
    using writer = asio::async_result<asio::use_awaitable_t<>, void()>::handler_type;

    // What waits holds its memory, and allocators keep some such pieces at hand, but not many.
    static constexpr std::size_t most = 7;

    void shutdown() override { waiting_.clear(); }

    void go_on() {
        // Who goes on may come back to gather at once, even so many that they would go on in turn: not within this one.
        if (std::exchange(is_going_, true)) return;
        going_.swap(waiting_);
        for (writer& one : going_) std::move(one)();
        going_.clear();
        is_going_ = false;
    }

    asio::io_context& context_;
    std::vector<writer> waiting_;
    std::vector<writer> going_; // kept for its storage
    bool is_posted_ = false;
    bool is_going_ = false;
};

} // namespace mcp_provider::net::detail
