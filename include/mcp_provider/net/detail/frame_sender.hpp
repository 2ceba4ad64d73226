// Puts WebSocket frames together, and writes what has come together in one go.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/detail/deadlines.hpp"

#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net::detail {

/// The opcodes of RFC 6455 §11.8 that one may send.
enum class frame_kind : std::uint8_t { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// Random bytes, bought in bulk: a client masks each frame with four that nobody can foresee (RFC 6455 §5.3).
class mask_source {
public:
    [[nodiscard]] std::array<char, 4> next() {
        if (at_ == stock_.size()) {
            if (RAND_bytes(stock_.data(), static_cast<int>(stock_.size())) != 1)
                throw std::runtime_error{"no random bytes for a mask"};
            at_ = 0;
        }
        std::array<char, 4> key{};
        std::memcpy(key.data(), stock_.data() + at_, key.size());
        at_ += key.size();
        return key;
    }

private:
    std::array<unsigned char, 256> stock_{};
    std::size_t at_ = stock_.size();
};

/// The sending half of a WebSocket. Shared with its own writing, which goes on when the socket takes more.
/// *Thread safety*: used on the duplex's thread only.
class frame_sender final : public std::enable_shared_from_this<frame_sender>, private deadline {
public:
    frame_sender(std::shared_ptr<http::duplex> to, bool masks, std::chrono::milliseconds patience)
        : deadline{asio::use_service<deadlines>(
              asio::query(to->executor(), asio::execution::context))},
          to_{std::move(to)}, masks_{masks}, patience_{patience}, room_{to_->executor(),
                                                                        steady_time::max()} {}

    /// Appends one frame. It goes out before the thread waits for anything, together with those that follow at once.
    void append(frame_kind kind, std::string_view payload) {
        if (broken_) return;
        put(kind, payload);
        if (std::exchange(writing_now_, true)) return;
        asio::post(to_->executor(), [self = shared_from_this()] { self->write(); });
    }
    /// Appends one frame, and offers the socket at once all that has been appended.
    void append_and_write(frame_kind kind, std::string_view payload) {
        if (broken_) return;
        put(kind, payload);
        writing_now_ = true;
        write();
    }

    /// How many bytes the socket has not taken yet.
    [[nodiscard]] std::size_t queued() const noexcept {
        return waiting_.size() + going_.size() - gone_;
    }

    /// Waits until at most so many bytes are queued. False where none will go out any more.
    [[nodiscard]] static asio::awaitable<bool> drained(std::shared_ptr<frame_sender> self,
                                                       std::size_t at_most) {
        while (self->queued() > at_most && !self->broken_) {
            std::error_code ignored;
            self->somebody_waits_ = true;
            co_await self->room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        co_return !self->broken_;
    }

    /// Closes the connection at that time at the latest.
    void close_at(steady_time when) { set_deadline(when); }

private:
    static constexpr std::size_t most_kept = 256 * 1024;

    void put(frame_kind kind, std::string_view payload) {
        append_head(kind, payload.size());
        if (masks_) {
            std::array<char, 4> const key = masks_of_frames_.next();
            waiting_.append(key.data(), key.size());
            std::size_t const from = waiting_.size();
            waiting_.append(payload);
            char* const bytes = waiting_.data() + from;
            for (std::size_t i = 0; i < payload.size(); ++i)
                bytes[i] = static_cast<char>(bytes[i] ^ key[i % 4]);
        } else {
            waiting_.append(payload);
        }
    }

    void append_head(frame_kind kind, std::size_t size) {
        constexpr unsigned is_last = 0x80;
        unsigned const is_masked = masks_ ? 0x80 : 0;
        waiting_.push_back(static_cast<char>(is_last | static_cast<unsigned>(kind)));
        unsigned const length_bytes = size < 126 ? 0 : size <= 0xFFFF ? 2 : 8;
        std::size_t const code = length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127;
        waiting_.push_back(static_cast<char>(is_masked | code));
        for (unsigned i = length_bytes; i != 0; --i)
            waiting_.push_back(static_cast<char>((size >> (8 * (i - 1))) & 0xFFU));
    }

    void write() {
        if (waits_) return; // it goes on when the socket takes more
        for (;;) {
            if (gone_ == going_.size()) {
                going_.clear();
                if (going_.capacity() > most_kept) going_.shrink_to_fit();
                gone_ = 0;
                std::swap(going_, waiting_);
            }
            if (going_.empty()) {
                writing_now_ = false;
                return tell();
            }
            std::size_t sent = 0;
            switch (to_->write_some(std::string_view{going_}.substr(gone_), sent)) {
            case http::io_progress::done: gone_ += sent; break;
            case http::io_progress::would_block:
                waits_ = true;
                tell();
                return asio::co_spawn(to_->executor(), go_on(shared_from_this()),
                                      [](std::exception_ptr) {});
            case http::io_progress::ended: return give_up();
            }
        }
    }
    static asio::awaitable<void> go_on(std::shared_ptr<frame_sender> self) {
        auto const until = std::chrono::steady_clock::now() + self->patience_;
        bool const may = co_await self->to_->writable(until);
        self->waits_ = false;
        if (may)
            self->write();
        else
            self->give_up();
    }

    /// The peer takes nothing any more: whoever reads learns it by the end of the connection.
    void give_up() {
        broken_ = true;
        waiting_.clear();
        going_.clear();
        gone_ = 0;
        to_->close();
        tell();
    }
    void tell() {
        if (std::exchange(somebody_waits_, false)) room_.cancel();
    }
    void on_deadline() noexcept override { give_up(); }

    std::shared_ptr<http::duplex> to_;
    bool masks_;
    std::chrono::milliseconds patience_;
    mask_source masks_of_frames_;
    std::string waiting_; ///< for its turn
    std::string going_;   ///< to the socket, which has taken `gone_` of it
    std::size_t gone_ = 0;
    asio::steady_timer room_; ///< never expires: its waits end when there is room
    bool somebody_waits_ = false;
    bool writing_now_ = false; ///< a write is under way, or will be before the thread waits
    bool waits_ = false;       ///< the socket takes nothing now
    bool broken_ = false;
};

} // namespace mcp_provider::net::detail
