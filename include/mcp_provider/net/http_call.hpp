// One request to an upstream: sent on a pooled connection, its response read as a body that is pulled.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/response_parser.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/connection_pool.hpp"
#include "mcp_provider/net/detail/connect.hpp"
#include "mcp_provider/net/http_client.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// One request and its response. Destroying it before the end closes the connection, which tells the upstream to stop.
/// While nothing is there to read, it holds no buffer.
/// *Errors*: `timed_out`; `client_closed` when the coroutine was cancelled; `upstream_failed` for all else, with reason
/// `upstream_unreachable` where no connection came about. *Lifetime*: the client must outlive it.
/// *Thread safety*: used on one io_context, run by one thread.
class http_call {
public:
    explicit http_call(http_client const& client) noexcept : client_{client} {}
    http_call(http_call const&) = delete;
    http_call& operator=(http_call const&) = delete;
    ~http_call() { give_back_buffer(); }

    /// Sends the request and reads the head of the response, until `until` at most. Interim responses are skipped.
    /// A pooled connection that turns out to be closed, before any byte of a response, is replaced by a new one, once.
    /// Precondition: not called before. `request` and `body` must live until it returns.
    [[nodiscard]] asio::awaitable<result<>> send(request_head const& request, std::string_view body,
                                                 steady_time until) {
        auto const executor = co_await asio::this_coro::executor;
        pool_ = &connection_pool::of(executor);
        connection_ = pool_->take(client_.id_);
        for (;;) {
            if (!connection_) {
                auto const at_most =
                    std::chrono::steady_clock::now() + client_.options_.connect_time;
                auto connected = co_await detail::connect(
                    *pool_, executor, client_.to_, client_.trust_ ? &*client_.trust_ : nullptr,
                    std::min(until, at_most));
                if (!connected) co_return std::move(connected).error();
                connection_ = *std::move(connected);
            }
            if (pool_->writers().are_many(connection_.get(), std::chrono::steady_clock::now()))
                co_await pool_->turn().gather();
            std::array<char, 48> length{};
            std::array<std::string_view, 3> pieces{
                request.text_.reveal(), length_field(request.has_body_, body.size(), length), body};
            problem failed;
            if (io_step const step = try_write(pieces); step != io_step::done)
                failed = co_await write(pieces, step, until);
            if (!failed) failed = co_await read_head(request.is_head_, until);
            if (!failed) co_return result<>{};
            bool const stale = connection_->is_reused() && !any_byte_ &&
                               failed->code() == rejection_code::upstream_failed;
            close();
            if (!stale) co_return *std::move(failed);
        }
    }

    /// The head of the response. *Lifetime*: until the body is read.
    [[nodiscard]] http::response_head const& head() const noexcept { return buffer_->head; }

    /// The next bytes of the body, decoded; empty at its end; nothing while there are none to be had without waiting.
    /// *Lifetime*: the bytes, which may be changed in place, are good until the next call.
    [[nodiscard]] result<std::optional<std::string_view>> try_read() {
        if (!content_.empty()) return std::optional{std::exchange(content_, {})};
        give_back_buffer();
        while (!complete_ && !drained_) {
            buffer_ = pool_->lend();
            std::size_t got = 0;
            switch (connection_->read_some(buffer_->bytes.data(), receive_buffer::size, got)) {
            case client_connection::io_step::done: break;
            case client_connection::io_step::wants_write:
            case client_connection::io_step::wants_read:
                give_back_buffer();
                return std::optional<std::string_view>{};
            case client_connection::io_step::closed:
                if (framing_ == http::response_framing::until_close) {
                    end_body(false);
                    continue;
                }
                return broken("the upstream closed the connection within its answer");
            case client_connection::io_step::failed:
                return broken("the connection to the upstream broke within its answer: " +
                              connection_->why());
            }
            // The socket had no more than this; TLS may have, so it is asked until it says so.
            drained_ = got < receive_buffer::size && connection_->tls() == nullptr;
            if (auto refused = decode(0, got)) {
                close();
                return *std::move(refused);
            }
            if (!content_.empty()) return std::optional{std::exchange(content_, {})};
            give_back_buffer();
        }
        if (complete_) return std::optional{std::string_view{}};
        return std::optional<std::string_view>{};
    }

    /// Waits until `try_read` may have something, until `until` at most.
    [[nodiscard]] asio::awaitable<result<>> readable(steady_time until) {
        if (complete_) co_return result<>{};
        co_await connection_->wait(io_step::wants_read, until);
        auto const failure = connection_->waited();
        drained_ = false;
        if (!failure) co_return result<>{};
        rejection why = wait_failed(failure, "the upstream sent nothing for too long");
        close();
        co_return why;
    }

    /// Reads the whole body, at most `max_bytes` of it.
    [[nodiscard]] asio::awaitable<result<std::string>> read_all(std::size_t max_bytes,
                                                                steady_time until) {
        std::string all;
        for (;;) {
            auto piece = try_read();
            if (!piece) co_return std::move(piece).error();
            if (!*piece) {
                auto const ready = co_await readable(until);
                if (!ready) co_return ready.error();
                continue;
            }
            if ((*piece)->empty()) co_return all;
            if ((*piece)->size() > max_bytes - all.size()) {
                close();
                co_return rejection{rejection_code::upstream_failed,
                                    "the upstream's answer is longer than the limit of " +
                                        std::to_string(max_bytes) + " bytes"};
            }
            all.append(**piece);
        }
    }

    /// Whether the body was read to its end; the connection then serves other requests.
    [[nodiscard]] bool is_complete() const noexcept { return complete_; }

    /// Says that the rest of the body is of no interest, and should be no more than its end: after `[DONE]`.
    void leave_rest() {
        if (complete_ || !connection_) return;
        if (keep_alive_ && decoder_ && content_.empty()) {
            connection_->rest = *std::move(decoder_);
            keep_connection();
        }
        connection_.reset(); // the buffer stays: what was read last is still in use
        complete_ = true;
    }

private:
    using io_step = client_connection::io_step;
    using problem = std::optional<rejection>;

    /// Writes what the socket takes: `done`, or what it must wait for.
    io_step try_write(std::array<std::string_view, 3>& pieces) {
        for (;;) {
            io_step const step = connection_->write_some(pieces);
            // An upstream that refuses early may close before it has read everything: its answer still counts.
            if (step == io_step::failed || step == io_step::closed) return io_step::done;
            if (step != io_step::done) return step;
            if (std::all_of(pieces.begin(), pieces.end(),
                            [](std::string_view one) { return one.empty(); }))
                return io_step::done;
        }
    }
    asio::awaitable<problem> write(std::array<std::string_view, 3>& pieces, io_step step,
                                   steady_time until) {
        while (step != io_step::done) {
            auto const at_most = std::chrono::steady_clock::now() + client_.options_.write_time;
            co_await connection_->wait(step, std::min(until, at_most));
            if (auto const stopped = connection_->waited())
                co_return wait_failed(stopped, "the upstream was too slow to take the request");
            step = try_write(pieces);
        }
        co_return problem{};
    }

    static std::string_view length_field(bool has_body, std::size_t size,
                                         std::array<char, 48>& into) {
        if (!has_body) return "\r\n";
        constexpr std::string_view name = "Content-Length: ";
        char* at = std::copy(name.begin(), name.end(), into.data());
        at = std::to_chars(at, into.data() + into.size() - 4, size).ptr;
        at = std::copy_n("\r\n\r\n", 4, at);
        return {into.data(), static_cast<std::size_t>(at - into.data())};
    }

    asio::awaitable<problem> read_head(bool to_head, steady_time until) {
        std::size_t end = 0;
        bool must_wait = true;
        for (int interim = 0;;) {
            if (must_wait) {
                co_await connection_->wait(io_step::wants_read, until);
                if (auto const stopped = connection_->waited())
                    co_return wait_failed(stopped, "the upstream did not begin its answer in time");
            }
            if (!buffer_) {
                buffer_ = pool_->lend();
                buffer_->parser.reset();
            }
            std::size_t got = 0;
            io_step const step = connection_->read_some(buffer_->bytes.data() + end,
                                                        receive_buffer::size - end, got);
            must_wait = step != io_step::done ||
                        connection_->tls() == nullptr; // TLS may hold more than it gave
            if (step == io_step::closed || step == io_step::failed) {
                std::string what =
                    any_byte_ ? "the upstream closed the connection within the head of its answer"
                              : "the upstream closed the connection without an answer";
                if (step == io_step::failed) what += ": " + connection_->why();
                co_return rejection{rejection_code::upstream_failed, std::move(what)};
            }
            if (step != io_step::done) {
                if (end == 0) give_back_buffer();
                continue;
            }
            end += got;
            any_byte_ = true;
            drained_ = end < receive_buffer::size && connection_->tls() == nullptr;
            for (bool again = true; again;) {
                again = false;
                std::string_view const seen{buffer_->bytes.data(), end};
                auto state = buffer_->parser.feed(seen);
                if (!state) co_return std::move(state).error();
                if (*state == http::parse_state::need_more) {
                    if (end < receive_buffer::size) break;
                    co_return rejection{rejection_code::upstream_failed,
                                        "the head of the upstream's answer is too long"};
                }
                buffer_->parser.fill(buffer_->head, seen, to_head);
                if (buffer_->head.status >= 200) co_return begin_body(end);
                if (buffer_->head.status == 101 || ++interim > max_interim_responses)
                    co_return rejection{rejection_code::upstream_failed,
                                        "the upstream answered with something else than HTTP/1.1"};
                end -= buffer_->head.head_bytes;
                std::memmove(buffer_->bytes.data(),
                             buffer_->bytes.data() + buffer_->head.head_bytes, end);
                buffer_->parser.reset();
                again = end != 0;
            }
        }
    }

    problem begin_body(std::size_t end) {
        http::response_head const& head = buffer_->head;
        framing_ = head.framing;
        keep_alive_ = head.keep_alive;
        left_ = head.content_length;
        if (framing_ == http::response_framing::chunked) {
            http::limits endless;
            endless.max_body_bytes = std::numeric_limits<std::uint64_t>::max();
            decoder_.emplace(endless, http::sender::upstream);
        }
        return decode(head.head_bytes, end);
    }

    /// Decodes what lies between two places of the buffer, and puts it together at the first.
    problem decode(std::size_t begin, std::size_t end) {
        char* const at = buffer_->bytes.data() + begin;
        std::string_view const raw{at, end - begin};
        switch (framing_) {
        case http::response_framing::none: end_body(raw.empty()); break;
        case http::response_framing::until_close: content_ = raw; break;
        case http::response_framing::length: {
            content_ =
                raw.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, raw.size())));
            left_ -= content_.size();
            if (left_ == 0) end_body(content_.size() == raw.size());
            break;
        }
        case http::response_framing::chunked: {
            char* to = at;
            auto progress = decoder_->feed_slices(raw, [&to](std::string_view slice) {
                if (to != slice.data()) std::memmove(to, slice.data(), slice.size());
                to += slice.size();
            });
            if (!progress) return std::move(progress).error();
            content_ = {at, static_cast<std::size_t>(to - at)};
            if (progress->done) end_body(progress->consumed == raw.size());
            break;
        }
        }
        return std::nullopt;
    }

    /// What follows a body that nobody has asked for makes its connection useless, as does an upstream that closes.
    void end_body(bool nothing_follows) {
        complete_ = true;
        if (keep_alive_ && nothing_follows)
            keep_connection();
        else
            connection_.reset();
    }

    void keep_connection() {
        pool_->keep(client_.id_, std::move(connection_), client_.options_.idle_time,
                    client_.options_.max_idle);
    }

    [[nodiscard]] rejection wait_failed(std::error_code why, std::string_view too_slow) const {
        if (connection_->timed_out())
            return rejection{rejection_code::timed_out, std::string{too_slow}};
        if (why == asio::error::operation_aborted)
            return rejection{rejection_code::client_closed, "the request was cancelled"};
        return rejection{rejection_code::upstream_failed,
                         "the connection to the upstream broke: " + why.message()};
    }

    rejection broken(std::string why) {
        close();
        return rejection{rejection_code::upstream_failed, std::move(why)};
    }

    void close() noexcept {
        connection_.reset();
        give_back_buffer();
    }

    void give_back_buffer() noexcept {
        if (buffer_) pool_->give_back(std::move(buffer_));
    }

    static constexpr int max_interim_responses = 8;

    http_client const& client_;
    connection_pool* pool_ = nullptr;
    std::unique_ptr<client_connection> connection_;
    std::unique_ptr<receive_buffer> buffer_;
    std::optional<http::chunked_decoder> decoder_;
    std::string_view content_; // decoded, in the buffer, and not yet given
    std::uint64_t left_ = 0;   // with `response_framing::length`
    http::response_framing framing_ = http::response_framing::none;
    bool keep_alive_ = false;
    bool complete_ = false;
    bool drained_ = false; // the socket had nothing more when it was read last
    bool any_byte_ = false;
};

} // namespace mcp_provider::net
