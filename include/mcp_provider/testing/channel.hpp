// A connection without a socket: what a test of a whole pipeline needs.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/exchange.hpp"

#include <asio/awaitable.hpp>
#include <asio/post.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::testing {

/// Gives a service the body that the test has set, and keeps what the service answers. Serves one exchange.
/// *Thread safety*: shared objects unsafe.
class channel final : public mcp_provider::channel {
public:
    channel() = default;
    /// The body comes when it is asked for, after a turn of the event loop.
    explicit channel(std::string body) : body_{std::move(body)}, is_here_{false} {}

    /// Lets the body be there before anybody asks, as a short one is.
    void receive() noexcept { is_here_ = true; }
    /// Makes reading the body fail.
    void body_breaks(rejection why) { broken_.emplace(std::move(why)); }
    /// Makes the client leave when so many bytes of the answer's body have gone out.
    void client_leaves_after(std::size_t bytes) noexcept { patience_ = bytes; }
    /// Says that the coroutine has been cancelled; the test cancels it.
    void cancel(end_cause why) noexcept { cancelled_by_ = why; }

    /// The status that went out; 0 for none.
    [[nodiscard]] std::uint16_t status() const noexcept { return status_; }
    [[nodiscard]] http::fields const& fields() const noexcept { return fields_; }
    [[nodiscard]] std::string const& text() const noexcept { return text_; }
    [[nodiscard]] bool closes() const noexcept { return closes_; }
    /// How often the body was read, and how often a response was handed over.
    [[nodiscard]] std::size_t reads() const noexcept { return reads_; }
    [[nodiscard]] std::size_t deliveries() const noexcept { return deliveries_; }
    [[nodiscard]] std::optional<time_limits> limits() const noexcept { return limits_; }
    /// The flag that the exchange is watched by; null for none.
    [[nodiscard]] std::atomic<bool> const* revocation() const noexcept { return revoked_; }

    [[nodiscard]] bool body_is_here() const noexcept override { return is_here_; }
    [[nodiscard]] http::body body() const noexcept override { return http::body{body_}; }
    [[nodiscard]] asio::awaitable<result<>> read_body() override {
        ++reads_;
        auto const executor = co_await asio::this_coro::executor;
        co_await asio::post(executor, asio::use_awaitable);
        if (broken_) co_return *broken_;
        is_here_ = true;
        co_return result<>{};
    }

    [[nodiscard]] asio::awaitable<delivery> deliver(http::response& answer) override {
        ++deliveries_;
        bool head_sent = answer.stream() == nullptr;
        if (head_sent) send_head(answer);
        std::optional<rejection> failure;
        std::string fault;
        if (answer.stream() == nullptr) {
            text_ = answer.text();
        } else {
            std::exception_ptr thrown;
            try {
                for (bool ended = false; !ended && !failure && text_.size() < patience_;) {
                    result<http::stream_step> step = co_await answer.stream()->next(text_);
                    if (!step) {
                        failure.emplace(std::move(step).error());
                    } else {
                        if (!head_sent) send_head(answer);
                        head_sent = true;
                        ended = *step == http::stream_step::end;
                    }
                }
            } catch (...) {
                thrown = std::current_exception();
            }
            if (thrown) {
                fault = fault_of(thrown);
                failure.emplace(cancelled_by_
                                    ? rejection_for(*cancelled_by_)
                                    : rejection{rejection_code::internal, "internal error"});
            }
            if (failure && head_sent) answer.stream()->fail(*failure, text_);
        }
        if (text_.size() >= patience_) {
            text_.resize(patience_);
            cancelled_by_ = end_cause::client_gone;
        }
        delivery out{cancelled_by_.value_or(failure ? end_cause::failed : end_cause::completed),
                     head_sent ? head_bytes + text_.size() : 0, std::chrono::steady_clock::now()};
        out.head_sent = head_sent;
        out.failure = std::move(failure);
        out.fault = std::move(fault);
        co_return std::move(out);
    }

    void watch_revocation(std::atomic<bool> const& revoked) noexcept override {
        revoked_ = &revoked;
    }
    void set_time_limits(time_limits limits) noexcept override { limits_ = limits; }
    [[nodiscard]] std::optional<end_cause> cancelled_by() const noexcept override {
        return cancelled_by_;
    }
    [[nodiscard]] steady_time started() const noexcept override { return started_; }
    [[nodiscard]] std::uint64_t request_bytes() const noexcept override {
        return is_here_ ? body_.size() : 0;
    }

    /// What every head counts for.
    static constexpr std::size_t head_bytes = 100;

private:
    void send_head(http::response const& answer) {
        status_ = answer.status();
        fields_ = answer.fields();
        closes_ = answer.closes();
    }

    std::string body_;
    bool is_here_ = true;
    std::optional<rejection> broken_;
    std::size_t patience_ = std::numeric_limits<std::size_t>::max();
    std::optional<end_cause> cancelled_by_;
    steady_time started_ = std::chrono::steady_clock::now();
    std::atomic<bool> const* revoked_ = nullptr;
    std::optional<time_limits> limits_;
    std::uint16_t status_ = 0;
    http::fields fields_;
    std::string text_;
    bool closes_ = false;
    std::size_t reads_ = 0;
    std::size_t deliveries_ = 0;
};

} // namespace mcp_provider::testing
