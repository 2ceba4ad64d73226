// The feed of a server's events: published from any thread, read by a few listeners, each at its own pace.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/events/event.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::events {

/// Bounds of a feed. All listeners share one memory of events, so that it does not grow with their number.
struct feed_limits {
    std::size_t max_events = 8192; ///< how far a listener may fall behind
    std::size_t max_bytes = 4 * 1024 * 1024;
    std::size_t max_listeners = 16;
};

class feed;

/// Why a listener gets no more.
enum class feed_end : std::uint8_t {
    none,
    too_slow, ///< what it had not read yet was needed for newer events
    closed,   ///< the feed was closed: the server stops
};

/// One reader of a feed. Holds a place among `max_listeners` until it goes.
/// *Thread safety*: used on one thread; `wake` is called on others. *Lifetime*: the feed must outlive it.
class listener {
public:
    ~listener();
    listener(listener const&) = delete;
    listener& operator=(listener const&) = delete;

    /// Appends what has been published since the last call and concerns this listener, at most `most` events.
    /// After an end nothing more comes. *Complexity*: linear in what was published, under the feed's lock.
    feed_end take(std::vector<event_pointer>& into, std::size_t most);

    /// Asks for one call of `wake` at the next event or at the end; false where there is something to take already.
    /// `wake` is called with the feed locked, on the thread that publishes: it must not wait, nor call the feed.
    [[nodiscard]] bool wait(std::function<void()> wake);
    /// Takes the wish back: once this has returned, `wake` is not called.
    void stop_waiting() noexcept;

    /// How many events this listener has missed before its first one, where it came back and they are gone:
    /// at least 1, as nobody counts what was never written. 0 where nothing was missed.
    [[nodiscard]] std::uint64_t missed() const noexcept { return missed_; }

private:
    friend class feed;
    listener(feed& of, topics chosen) noexcept : feed_{&of}, chosen_{chosen} {}

    feed* feed_;
    topics chosen_;
    std::uint64_t next_ = 1; ///< the number of the event to be taken next
    std::uint64_t missed_ = 0;
    std::function<void()> wake_;
};

/// Where events go. While nobody listens, `publish` is one relaxed load and builds nothing; but when the last listener
/// has gone, the feed goes on until its memory has filled once more, so that one that comes back has missed nothing.
/// A publisher never waits for a listener: one that falls too far behind is dropped.
/// *Thread safety*: safe.
class feed {
public:
    explicit feed(feed_limits limits = {}, bool with_content = false)
        : limits_{limits}, with_content_{with_content}, name_{name_of_run()} {}
    feed(feed const&) = delete;
    feed& operator=(feed const&) = delete;

    /// Whether it makes sense to publish.
    [[nodiscard]] bool is_heard() const noexcept { return heard_.load(std::memory_order_relaxed); }
    /// Whether prompts and answers may be published at all.
    [[nodiscard]] bool has_content() const noexcept { return with_content_; }

    /// Publishes an event, where anybody listens. `fill` adds its members. Costs one allocation for the event and one
    /// for its text. *Errors*: none; what memory does not suffice for is lost.
    template <class Fill>
    void publish(topic about, std::string_view type, Fill&& fill) noexcept {
        if (!is_heard()) return;
        try {
            auto made = std::make_shared<event>(about, type, real_clock{}.system());
            events::members members = made->members();
            std::forward<Fill>(fill)(members);
            add(std::move(made));
        } catch (...) { // no memory: an observer must not cost a request
        }
    }
    /// Publishes an event that another process wrote.
    void publish(std::shared_ptr<event> made) noexcept {
        if (!is_heard()) return;
        try {
            add(std::move(made));
        } catch (...) {
        }
    }

    /// What names an event for one that comes back: this run of the feed, and the event's number.
    void append_id(std::string& out, std::uint64_t number) const {
        out.append(name_).push_back('-');
        json::append_number(out, number);
    }
    /// The number in such a name, for `listen`; one that no event has where the name is not of this run.
    [[nodiscard]] std::uint64_t number_in(std::string_view id) const noexcept {
        std::uint64_t number = unknown;
        if (!id.starts_with(name_) || !id.substr(name_.size()).starts_with('-')) return unknown;
        id.remove_prefix(name_.size() + 1);
        auto const read = std::from_chars(id.data(), id.data() + id.size(), number);
        return read.ec == std::errc{} && read.ptr == id.data() + id.size() ? number : unknown;
    }

    /// Begins to listen: from now on, or from behind the event `after`, which the listener has seen. Null where there
    /// are too many listeners, or the feed is closed.
    [[nodiscard]] std::unique_ptr<listener>
    listen(topics chosen, std::optional<std::uint64_t> after = std::nullopt) {
        std::lock_guard const lock{mutex_};
        if (closed_ || listeners_.size() >= limits_.max_listeners) return nullptr;
        std::unique_ptr<listener> one{new listener{*this, chosen}};
        listeners_.push_back(one.get());
        if (!is_heard()) {
            if (next_ != 1) ++next_; // a hole: nobody wrote down what happened before
            heard_.store(true, std::memory_order_relaxed);
        }
        left_until_silence_ = 0;
        one->next_ = next_;
        if (after && *after < next_) {
            std::uint64_t const oldest = next_ - kept_.size();
            one->next_ = std::max(*after + 1, oldest);
            one->missed_ = one->next_ - (*after + 1);
        } else if (after) {
            one->missed_ = 1; // a number of another run
        }
        return one;
    }

    /// Ends all listeners, when they have taken what there is, and lets no new one in.
    void close() {
        std::lock_guard const lock{mutex_};
        closed_ = true;
        wake_all();
    }

    [[nodiscard]] std::size_t listeners() const {
        std::lock_guard const lock{mutex_};
        return listeners_.size();
    }
    /// Whether anybody is there now who has chosen the topic.
    [[nodiscard]] bool has_listener(topic about) const {
        std::lock_guard const lock{mutex_};
        return std::any_of(listeners_.begin(), listeners_.end(),
                           [&](listener const* one) { return one->chosen_.has(about); });
    }
    /// How many listeners have been dropped because they were too slow.
    [[nodiscard]] std::uint64_t dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }
    /// The number that the next event will have.
    [[nodiscard]] std::uint64_t next_number() const {
        std::lock_guard const lock{mutex_};
        return next_;
    }
    /// What the memory holds now.
    [[nodiscard]] std::size_t kept_events() const {
        std::lock_guard const lock{mutex_};
        return kept_.size();
    }
    [[nodiscard]] std::size_t kept_bytes() const {
        std::lock_guard const lock{mutex_};
        return kept_bytes_;
    }

private:
    friend class listener;

    void add(std::shared_ptr<event>&& made) {
        std::deque<event_pointer> forgotten; // freed without the lock
        std::lock_guard const lock{mutex_};
        if (!heard_.load(std::memory_order_relaxed)) return;
        made->number = next_;
        std::size_t const bytes = made->bytes();
        topic const about = made->about;
        kept_.push_back(std::move(made));
        ++next_;
        kept_bytes_ += bytes;
        while (kept_.size() > limits_.max_events ||
               (kept_bytes_ > limits_.max_bytes && kept_.size() > 1))
            forget_oldest();
        if (listeners_.empty() && --left_until_silence_ == 0) {
            heard_.store(false, std::memory_order_relaxed);
            forgotten.swap(kept_);
            kept_bytes_ = 0;
            return;
        }
        for (listener* const one : listeners_) {
            if (!one->wake_) continue;
            // One that waits has taken everything, and is not to fall behind for what does not concern it.
            if (one->chosen_.has(about))
                std::exchange(one->wake_, nullptr)();
            else
                one->next_ = next_;
        }
    }
    void forget_oldest() {
        kept_bytes_ -= kept_.front()->bytes();
        kept_.pop_front();
    }
    void wake_all() {
        for (listener* const one : listeners_)
            if (auto const wake = std::exchange(one->wake_, nullptr)) wake();
    }
    void leave(listener& one) noexcept {
        std::lock_guard const lock{mutex_};
        std::erase(listeners_, &one);
        if (listeners_.empty()) left_until_silence_ = limits_.max_events;
    }
    feed_end take(listener& one, std::vector<event_pointer>& into, std::size_t most) {
        std::lock_guard const lock{mutex_};
        std::uint64_t const oldest = next_ - kept_.size();
        if (one.next_ < oldest) {
            dropped_.fetch_add(1, std::memory_order_relaxed);
            return feed_end::too_slow;
        }
        for (; one.next_ != next_ && most != 0; ++one.next_) {
            event_pointer const& next = kept_[static_cast<std::size_t>(one.next_ - oldest)];
            if (!one.chosen_.has(next->about)) continue;
            into.push_back(next);
            --most;
        }
        return closed_ && one.next_ == next_ ? feed_end::closed : feed_end::none;
    }
    bool wait(listener& one, std::function<void()>&& wake) {
        std::lock_guard const lock{mutex_};
        if (closed_ || one.next_ != next_) return false;
        one.wake_ = std::move(wake);
        return true;
    }

    static std::string name_of_run() {
        auto const now = real_clock{}.system().time_since_epoch();
        std::string out;
        json::append_number(out, std::chrono::ceil<std::chrono::milliseconds>(now).count());
        return out;
    }

    static constexpr std::uint64_t unknown = std::numeric_limits<std::uint64_t>::max();

    feed_limits limits_;
    bool with_content_;
    std::string name_;
    std::atomic<bool> heard_{false};
    std::atomic<std::uint64_t> dropped_{0};
    mutable std::mutex mutex_;       ///< guards what follows; held for a few hundred nanoseconds
    std::deque<event_pointer> kept_; ///< numbers `next_ - size` to `next_ - 1`, without a hole
    std::size_t kept_bytes_ = 0;
    std::uint64_t next_ = 1;
    std::uint64_t left_until_silence_ = 0; ///< events to be written for one that may come back
    std::vector<listener*> listeners_;
    bool closed_ = false;
};

inline listener::~listener() { feed_->leave(*this); }
inline feed_end listener::take(std::vector<event_pointer>& into, std::size_t most) {
    return feed_->take(*this, into, most);
}
inline bool listener::wait(std::function<void()> wake) {
    return feed_->wait(*this, std::move(wake));
}
inline void listener::stop_waiting() noexcept {
    std::lock_guard const lock{feed_->mutex_};
    wake_ = nullptr;
}

} // namespace mcp_provider::events
