// Reads one request from a socket: head, body if somebody wants it, and what is left of it.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/chunked_decoder.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/request_parser.hpp"
#include "mcp_provider/http/response_writer.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/timed_socket.hpp"
#include "mcp_provider/net/workspace.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::net {

/// What reading came to.
enum class reading : std::uint8_t {
    done,       ///< a request, or a malformed one that must be answered
    client_gone ///< nothing to answer, or nobody to read it
};

/// One a connection; `begin` starts it on the next request. What was read beyond a request is kept for the next one.
/// *Thread safety*: used on its worker's thread only.
class request_reader {
public:
    request_reader(timed_socket& socket, http::limits const& limits) noexcept
        : socket_{socket}, limits_{limits} {}

    /// Whether bytes of the next request are here already.
    [[nodiscard]] bool pipelined() const noexcept { return !unread_.empty(); }

    void begin(workspace& work) {
        work_ = &work;
        work.in = std::exchange(unread_, {});
        consumed_ = 0;
        body_ = {};
        body_bytes_ = 0;
        body_is_here_ = false;
    }
    /// Keeps what follows the request for the next one.
    void end() {
        if (body_is_here_ && !after_body_.empty())
            unread_ = std::exchange(after_body_, {});
        else
            unread_.assign(work_->in, std::min(consumed_, work_->in.size()));
        work_ = nullptr;
    }

    /// Reads the head without waiting, and finds the body that came with it: true for most requests. Else `read_head` goes
    /// on. A malformed one is told by `request::malformation`.
    [[nodiscard]] bool try_head() {
        if (work_->in.empty() && socket_.try_read(work_->in) != timed_socket::attempt::done)
            return false;
        auto parsed = work_->parser.feed(work_->in);
        if (parsed && *parsed == http::parse_state::need_more) return false;
        take_head(std::move(parsed));
        return true;
    }

    /// Reads the rest of the head.
    [[nodiscard]] asio::awaitable<reading> read_head() {
        std::string& in = work_->in;
        result<http::parse_state> parsed = http::parse_state::need_more;
        auto const until = std::chrono::steady_clock::now() + limits_.header_time;
        while (parsed && *parsed == http::parse_state::need_more) {
            if (co_await socket_.read_more(in, stage::head, until))
                parsed = work_->parser.feed(in);
            else if (socket_.timed_out() && !in.empty())
                parsed = too_slow("head");
            else
                co_return reading::client_gone;
        }
        take_head(std::move(parsed));
        co_return reading::done;
    }

    [[nodiscard]] bool body_is_here() const noexcept { return body_is_here_; }
    [[nodiscard]] std::string_view body() const noexcept { return body_; }
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

    /// Whether the connection can be used again after an answer now: nothing of the body is unread, or little enough.
    [[nodiscard]] bool leaves_the_connection_usable() const noexcept {
        if (work_->request.malformation() != nullptr) return false;
        if (body_is_here_) return true;
        return !framing().chunked && !work_->request.expects_continue() &&
               framing().content_length - (work_->in.size() - consumed_) <= max_discarded_bytes;
    }

    /// Reads the whole body. *Errors*: `too_large`, `bad_request` (framing), `request_timeout`, `client_closed`.
    [[nodiscard]] asio::awaitable<result<>> read_body() {
        work_->body.clear();
        if (work_->request.expects_continue() && consumed_ == work_->in.size())
            if (!co_await socket_.write_all(http::continue_head, {}, {}, limits_.write_time))
                co_return rejection{rejection_code::client_closed,
                                    "the client closed the connection"};
        // Not `?:` over two co_awaits: g++ 12 destroys the chosen result twice.
        asio::awaitable<result<>> rest = framing().chunked ? read_chunks() : read_length();
        result<> read = co_await std::move(rest);
        if (!read) co_return std::move(read);
        body_ = work_->body;
        body_bytes_ = work_->body.size();
        body_is_here_ = true;
        co_return result<>{};
    }

    /// Reads and forgets a body that nobody wanted. False where the connection cannot be used again.
    [[nodiscard]] asio::awaitable<bool> discard_body() {
        if (body_is_here_) co_return true;
        work_->body.clear();
        result<> const read = co_await read_length();
        co_return read.has_value();
    }

    /// Takes what came behind the request: after an upgrade it is not HTTP any more.
    [[nodiscard]] std::string take_rest() {
        std::string rest = after_body_.empty()
                               ? work_->in.substr(std::min(consumed_, work_->in.size()))
                               : std::exchange(after_body_, {});
        consumed_ = work_->in.size();
        return rest;
    }

    /// Gives back the storage of a long body that nobody needs any more.
    void release_body() {
        constexpr std::size_t keep = 4096;
        body_ = {};
        if (work_->body.capacity() > keep) std::string{}.swap(work_->body);
    }

private:
    static constexpr std::size_t max_discarded_bytes = 64 * 1024;

    [[nodiscard]] http::body_framing const& framing() const noexcept {
        return work_->request.framing();
    }

    void take_head(result<http::parse_state>&& parsed) {
        work_->parser.fill(work_->request, work_->in);
        if (parsed) {
            consumed_ = work_->parser.head_bytes();
            take_body_that_came();
        } else {
            body_is_here_ = true;
            consumed_ = work_->in.size();
            work_->request.set_malformation(std::move(parsed).error());
        }
    }

    /// Most bodies come in the same packet as their head: then nothing is copied and nothing waits.
    void take_body_that_came() {
        if (!framing().has_body()) {
            body_is_here_ = true;
        } else if (!framing().chunked && work_->in.size() - consumed_ >= framing().content_length) {
            auto const size = static_cast<std::size_t>(framing().content_length);
            body_ = std::string_view{work_->in}.substr(consumed_, size);
            consumed_ += size;
            body_bytes_ = size;
            body_is_here_ = true;
        }
    }

    asio::awaitable<result<>> read_length() {
        std::string& body = work_->body;
        auto const size = static_cast<std::size_t>(framing().content_length);
        body.append(work_->in, consumed_);
        consumed_ = work_->in.size();
        while (body.size() < size)
            if (!co_await socket_.read_more(body, stage::body, body_limit(), size - body.size()))
                co_return body_did_not_come();
        co_return result<>{};
    }

    asio::awaitable<result<>> read_chunks() {
        http::chunked_decoder decoder{limits_};
        std::string raw{std::string_view{work_->in}.substr(consumed_)};
        consumed_ = work_->in.size();
        for (;;) {
            result<http::chunked_progress> fed = decoder.feed(raw, work_->body);
            if (!fed) co_return std::move(fed).error();
            if (fed->done) {
                after_body_.assign(raw, fed->consumed);
                co_return result<>{};
            }
            raw.clear();
            if (!co_await socket_.read_more(raw, stage::body, body_limit()))
                co_return body_did_not_come();
        }
    }

    [[nodiscard]] steady_time body_limit() const {
        return std::chrono::steady_clock::now() + limits_.body_time;
    }
    static rejection too_slow(std::string const& what) {
        return rejection{rejection_code::request_timeout,
                         "the " + what + " of the request did not come in time"}
            .and_close();
    }
    rejection body_did_not_come() const {
        if (socket_.timed_out()) return too_slow("body");
        return rejection{rejection_code::client_closed, "the client closed the connection"}
            .and_close();
    }

    timed_socket& socket_;
    http::limits const& limits_;
    workspace* work_ = nullptr;
    std::string unread_;     ///< of the next request, between two
    std::string after_body_; ///< of the next request, behind a chunked body
    std::string_view body_;
    std::size_t consumed_ = 0; ///< of `work_->in`: head and body of the current request
    std::uint64_t body_bytes_ = 0;
    bool body_is_here_ = false;
};

} // namespace mcp_provider::net
