#include "agents/delta_channel.hpp"

#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

/// Ends the reader's wait. Used on the connection's thread only.
class delta_channel::waker {
public:
    explicit waker(asio::any_io_executor const& on)
        : timer{on, std::chrono::steady_clock::time_point::max()} {}

    asio::steady_timer timer;
    bool woken = false;
};

class delta_channel::reader final : public agent::delta_stream {
public:
    explicit reader(std::shared_ptr<delta_channel> from) : from_{std::move(from)} {}
    ~reader() override {
        std::lock_guard const hold{from_->mutex_};
        from_->abandoned_ = true;
        from_->sleeper_.reset();
        from_->waiting_.clear();
        if (from_->ended_) return;
        asio::post(from_->producer_, [from = from_] {
            if (from->on_abandoned_) from->on_abandoned_();
        });
    }

    [[nodiscard]] bool ready() const noexcept override {
        if (at_ != taken_.entries.size()) return true;
        std::lock_guard const hold{from_->mutex_};
        return !from_->waiting_.entries.empty() || from_->ended_;
    }

    [[nodiscard]] asio::awaitable<result<agent::delta>> next() override {
        while (at_ == taken_.entries.size()) {
            auto const executor = co_await asio::this_coro::executor;
            std::shared_ptr<waker> const sleeper = take_or_sleep(executor);
            if (!sleeper) {
                if (at_ == taken_.entries.size()) co_return *from_->failure_;
                break;
            }
            std::error_code ignored;
            co_await sleeper->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            if (!sleeper->woken)
                co_return rejection{rejection_code::client_closed, "the answer was cancelled"};
        }
        co_return pop();
    }

    [[nodiscard]] std::optional<result<agent::delta>> take() override {
        if (at_ == taken_.entries.size()) return std::nullopt;
        return result<agent::delta>{pop()};
    }

private:
    /// Takes all that waits; where there is nothing, and more may come, returns what to wait for.
    std::shared_ptr<waker> take_or_sleep(asio::any_io_executor const& executor) {
        taken_.clear();
        at_ = offset_ = 0;
        std::lock_guard const hold{from_->mutex_};
        std::swap(taken_, from_->waiting_);
        if (std::exchange(from_->stalled_, false))
            asio::post(from_->producer_, [from = from_] {
                if (from->on_room_) from->on_room_();
            });
        if (!taken_.entries.empty() || from_->ended_) return nullptr;
        from_->sleeper_ = std::make_shared<waker>(executor);
        return from_->sleeper_;
    }

    agent::delta pop() {
        entry& one = taken_.entries[at_++];
        one.piece.text = cut(one.text);
        one.piece.id = cut(one.id);
        one.piece.name = cut(one.name);
        return one.piece;
    }
    std::string_view cut(std::size_t size) {
        std::string_view const part = std::string_view{taken_.bytes}.substr(offset_, size);
        offset_ += size;
        return part;
    }

    std::shared_ptr<delta_channel> from_;
    batch taken_;
    std::size_t at_ = 0;     // among its entries
    std::size_t offset_ = 0; // in its bytes
};

delta_channel::delta_channel(asio::any_io_executor producer, std::function<void()> on_room,
                             std::function<void()> on_abandoned)
    : producer_{std::move(producer)}, on_room_{std::move(on_room)}, on_abandoned_{
                                                                        std::move(on_abandoned)} {}

void delta_channel::push(agent::delta const& piece) {
    std::lock_guard const hold{mutex_};
    if (ended_ || abandoned_) return;
    entry one{piece, piece.text.size(), piece.id.size(), piece.name.size()};
    one.piece.text = one.piece.id = one.piece.name = {};
    waiting_.bytes.append(piece.text).append(piece.id).append(piece.name);
    waiting_.entries.push_back(one);
    ended_ = piece.what == agent::delta::kind::finished;
    wake(std::exchange(sleeper_, nullptr));
}

void delta_channel::fail(rejection why) {
    std::lock_guard const hold{mutex_};
    if (ended_ || abandoned_) return;
    ended_ = true;
    failure_.emplace(std::move(why));
    wake(std::exchange(sleeper_, nullptr));
}

bool delta_channel::has_room() {
    std::lock_guard const hold{mutex_};
    stalled_ = waiting_.size() >= enough_bytes && !ended_ && !abandoned_;
    return !stalled_;
}

bool delta_channel::closed() const {
    std::lock_guard const hold{mutex_};
    return ended_ || abandoned_;
}

void delta_channel::forget_producer() {
    on_room_ = nullptr;
    on_abandoned_ = nullptr;
}

std::unique_ptr<agent::delta_stream> delta_channel::stream() {
    return std::make_unique<reader>(shared_from_this());
}

void delta_channel::wake(std::shared_ptr<waker> one) {
    if (!one) return;
    // Under the mutex, so that the reader, and with it its context, is still there.
    auto const executor = one->timer.get_executor();
    asio::post(executor, [one = std::move(one)] {
        one->woken = true;
        one->timer.cancel();
    });
}

} // namespace mcp_provider::server::agents
