// The messages of a mailbox as server-sent events.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/event_stream.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/mcp/call.hpp"
#include "mcp_provider/mcp/detail/mailbox.hpp"

#include <asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

/// A stream of one call, or a standing one. In the modern era the end of the stream is the end of the call.
class call_events final : public http::body_stream {
public:
    explicit call_events(std::shared_ptr<mailbox> from, std::uint64_t after = 0)
        : box_{std::move(from)}, ticket_{box_->attach(after)}, last_{after} {}
    ~call_events() override {
        box_->detach(ticket_);
        if (cancelled_with_ != nullptr) cancelled_with_->cancel();
    }

    /// Cancels the call when the client goes before the end.
    void cancel_with_client(std::shared_ptr<call> one) noexcept {
        cancelled_with_ = std::move(one);
    }
    /// Numbers the events, so that the stream can be resumed as `STREAM_NUMBER`.
    void number_as(std::uint64_t stream) noexcept { stream_ = stream; }
    /// Begins with an event that is only a number, so that even a stream that breaks at once can be resumed.
    void prime() noexcept { primes_ = true; }
    /// Kept as long as the stream is.
    void hold(std::shared_ptr<void const> what) noexcept { held_ = std::move(what); }

    asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        if (std::exchange(primes_, false)) {
            append_id(out, last_);
            out += "retry: 1000\ndata: \n\n";
            co_return http::stream_step::more;
        }
        for (;;) {
            auto const give = [&](std::uint64_t number, std::string_view message) {
                last_ = number;
                append_id(out, number);
                ((out += http::event_head) += message) += http::event_tail;
            };
            switch (box_->read(ticket_, most_bytes, give)) {
            case mailbox::reading::some: co_return http::stream_step::more;
            case mailbox::reading::nothing: break;
            case mailbox::reading::ended: cancelled_with_.reset(); [[fallthrough]];
            case mailbox::reading::hung_up:
            case mailbox::reading::superseded: co_return http::stream_step::end;
            }
            // The connection's heartbeat finds a client that has gone; this only bounds the wait.
            auto const until = std::chrono::steady_clock::now() + std::chrono::hours{1};
            (void)co_await box_->wait(until);
        }
    }
    [[nodiscard]] bool ready() const noexcept override { return box_->ready(); }
    void heartbeat(std::string& out) override { http::append_comment(out); }

private:
    static constexpr std::size_t most_bytes = 32 * 1024;

    void append_id(std::string& out, std::uint64_t number) const {
        if (!stream_) return;
        out += "id: ";
        json::append_number(out, *stream_);
        out += '_';
        json::append_number(out, number);
        out += '\n';
    }

    std::shared_ptr<mailbox> box_;
    std::uint64_t ticket_;
    std::uint64_t last_;
    std::shared_ptr<call> cancelled_with_;
    std::optional<std::uint64_t> stream_;
    std::shared_ptr<void const> held_;
    bool primes_ = false;
};

} // namespace mcp_provider::mcp::detail
