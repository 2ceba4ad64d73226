// Messages on their way to a client: bounded, numbered, and kept for a client that comes back.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/mcp/detail/wake.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// Written by handlers on any thread, read by one stream at a time; a second reader replaces the first.
/// *Thread safety*: safe.
class mailbox {
public:
    /// Bounds of what waits, beyond which `offer` drops; and whether what was read is kept to be read again.
    struct limits {
        std::size_t max_messages = 256;
        std::size_t max_bytes = 1024 * 1024;
        bool keeps_read = false;
    };

    enum class reading {
        nothing,    ///< all that is here was read
        some,       ///< something was given
        ended,      ///< all was read, and nothing follows
        hung_up,    ///< all was read; the reader shall end, and may come back
        superseded, ///< another reader took over
    };

    mailbox() = default;
    explicit mailbox(limits bounds) noexcept : limits_{bounds} {}
    /// Passes on what it gets until it is closed: for transports with one stream for everything.
    explicit mailbox(std::shared_ptr<mailbox> to) noexcept : forward_{std::move(to)} {}

    /// Adds a message that may be lost: a progress, a log line. Returns whether it was taken.
    bool offer(std::string message) {
        if (forward_ != nullptr) return open() && forward_->offer(std::move(message));
        {
            std::lock_guard const hold{mutex_};
            if (closed_ || unread() >= limits_.max_messages ||
                unread_bytes_ + message.size() > limits_.max_bytes)
                return false;
            add(std::move(message));
        }
        wake_.raise();
        return true;
    }
    /// Adds a message that must arrive: a response, or a request, whose number others bound.
    void post(std::string message) {
        if (forward_ != nullptr) {
            if (open()) forward_->post(std::move(message));
            return;
        }
        {
            std::lock_guard const hold{mutex_};
            if (closed_) return;
            add(std::move(message));
        }
        wake_.raise();
    }
    /// Nothing follows.
    void close() {
        {
            std::lock_guard const hold{mutex_};
            closed_ = true;
        }
        wake_.raise();
    }
    /// Lets the reader end when it has read what is here.
    void hang_up() {
        {
            std::lock_guard const hold{mutex_};
            hung_up_ = true;
        }
        wake_.raise();
    }

    /// Becomes the reader. `after` is the number of the last message that it has; the first one is 1.
    /// Returns its ticket, to be shown at each call.
    [[nodiscard]] std::uint64_t attach(std::uint64_t after = 0) {
        std::uint64_t ticket = 0;
        {
            std::lock_guard const hold{mutex_};
            ticket = ++readers_;
            attached_ = true;
            next_ = std::max(first_, std::min(after + 1, end()));
            count_unread();
        }
        wake_.raise();
        return ticket;
    }
    void detach(std::uint64_t ticket) {
        std::lock_guard const hold{mutex_};
        if (ticket == readers_) attached_ = false;
    }
    [[nodiscard]] bool attached() const {
        if (forward_ != nullptr)
            return true; // one stream for everything, which ends with its client
        std::lock_guard const hold{mutex_};
        return attached_;
    }

    /// Calls `give(number, message)` for what is unread, up to about `most_bytes`.
    template <class Give>
    reading read(std::uint64_t ticket, std::size_t most_bytes, Give&& give) {
        std::lock_guard const hold{mutex_};
        if (ticket != readers_) return reading::superseded;
        if (next_ == end()) {
            if (closed_) return reading::ended;
            return std::exchange(hung_up_, false) ? reading::hung_up : reading::nothing;
        }
        for (std::size_t given = 0; next_ != end() && given < most_bytes; ++next_) {
            std::string const& one = messages_[static_cast<std::size_t>(next_ - first_)];
            given += one.size();
            unread_bytes_ -= one.size();
            give(next_, std::string_view{one});
        }
        forget_read();
        return reading::some;
    }

    /// Whether `read` would give something.
    [[nodiscard]] bool ready() const {
        std::lock_guard const hold{mutex_};
        return next_ != end();
    }
    /// Whether a reader would have something to do: to give something, or to end.
    [[nodiscard]] bool settled() const {
        std::lock_guard const hold{mutex_};
        return next_ != end() || closed_ || hung_up_;
    }
    /// The message that is all there was and will be; nothing where it is not that simple. Before anybody has read.
    [[nodiscard]] std::optional<std::string> take_only() {
        std::lock_guard const hold{mutex_};
        if (!closed_ || hung_up_ || messages_.size() != 1 || next_ != first_) return std::nullopt;
        ++next_;
        return std::move(messages_.front());
    }

    /// Waits for a change; see `wake::wait`.
    [[nodiscard]] asio::awaitable<bool> wait(steady_time until) { return wake_.wait(until); }

private:
    [[nodiscard]] bool open() const {
        std::lock_guard const hold{mutex_};
        return !closed_;
    }
    [[nodiscard]] std::uint64_t end() const noexcept { return first_ + messages_.size(); }
    [[nodiscard]] std::size_t unread() const noexcept {
        return static_cast<std::size_t>(end() - next_);
    }
    /// A line end can only be white space between tokens (RFC 8259 §2, §7) of what a handler gave us as JSON; on the wire
    /// it would end the message.
    void add(std::string message) {
        std::replace_if(
            message.begin(), message.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
        bytes_ += message.size();
        unread_bytes_ += message.size();
        messages_.push_back(std::move(message));
    }
    void count_unread() {
        unread_bytes_ = 0;
        for (auto at = next_; at != end(); ++at)
            unread_bytes_ += messages_[static_cast<std::size_t>(at - first_)].size();
    }
    /// Drops what was read, or of it what is more than may be kept.
    void forget_read() {
        while (first_ != next_ && (!limits_.keeps_read || messages_.size() > limits_.max_messages ||
                                   bytes_ > limits_.max_bytes)) {
            bytes_ -= messages_.front().size();
            messages_.pop_front();
            ++first_;
        }
    }

    std::shared_ptr<mailbox> const forward_;
    mutable std::mutex mutex_;
    wake wake_;
    limits limits_;
    std::deque<std::string> messages_;
    std::uint64_t first_ = 1; ///< the number of the first message that is held
    std::uint64_t next_ = 1;  ///< the number of the first that is unread
    std::uint64_t readers_ = 0;
    std::size_t bytes_ = 0;
    std::size_t unread_bytes_ = 0;
    bool attached_ = false;
    bool closed_ = false;
    bool hung_up_ = false;
};

} // namespace mcp_provider::mcp::detail
