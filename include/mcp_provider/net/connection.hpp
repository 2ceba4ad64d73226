// One HTTP/1.1 connection: reads requests, runs their services, writes their responses.
#pragma once

#include "mcp_provider/http/channel.hpp"
#include "mcp_provider/http/peer.hpp"
#include "mcp_provider/http/response_writer.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/duplex_socket.hpp"
#include "mcp_provider/net/peer_credentials.hpp"
#include "mcp_provider/net/request_reader.hpp"
#include "mcp_provider/net/timed_socket.hpp"
#include "mcp_provider/net/worker.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::net {

/// Owned by the coroutine that `start` spawns; ends with it. All of it runs on its worker's thread.
/// Back-pressure: a stream is pulled only when the socket has taken what came before. No read buffer is held while
/// nothing is there to read.
class connection final : public channel, public http::peer, public timed_connection {
public:
    connection(tcp::socket socket, worker& owner) : socket_{std::move(socket)}, worker_{owner} {
        std::error_code ignored;
        client_ = socket_.socket().remote_endpoint(ignored);
        server_ = socket_.socket().local_endpoint(ignored);
        unmap(client_);
        unmap(server_);
        set_address(client_.address().to_string(), client_.port(), server_.port(),
                    client_.address().is_loopback());
        worker_.add(*this);
    }
    ~connection() override { worker_.remove(*this); }

    /// Runs the connection until it ends.
    static void start(tcp::socket socket, worker& owner) {
        auto one = std::make_shared<connection>(std::move(socket), owner);
        auto& self = *one;
        asio::co_spawn(self.socket_.socket().get_executor(), self.run(),
                       asio::bind_cancellation_slot(self.cancellation_.slot(),
                                                    [one = std::move(one)](std::exception_ptr) {}));
    }

private:
    asio::awaitable<void> run() {
        for (std::size_t served = 0; served < limits().max_requests_per_connection; ++served) {
            if (!reader_.pipelined()) {
                co_await socket_.readable(stage::idle,
                                          std::chrono::steady_clock::now() + limits().idle_time);
                if (!socket_.may_go_on()) break;
            }
            if (!co_await serve_one() || worker_.draining()) break;
            // A client that pipelines without end must not keep the worker from the others.
            if (reader_.pipelined() && served % 16 == 15)
                co_await asio::post(socket_.socket().get_executor(), asio::use_awaitable);
        }
        socket_.enter(stage::closed);
        std::error_code ignored;
        socket_.socket().close(ignored);
    }

    /// Reads one request, serves it, and writes its response. Returns whether another may follow.
    asio::awaitable<bool> serve_one() {
        work_ = worker_.borrow();
        cancelled_by_.reset();
        limits_in_time_ = {};
        revoked_ = nullptr;
        keeps_alive_ = lingers_ = false;
        reader_.begin(*work_);
        bool here = reader_.try_head();
        if (!here) here = co_await reader_.read_head() == reading::done;
        if (here) {
            http::request& request = work_->request;
            started_ = std::chrono::steady_clock::now();
            request.set_id(request_id::next());
            request.set_peer(*this);
            socket_.enter(stage::handler);
            worker_.wake();
            co_await worker_.routes().serve(request, *this);
            revoked_ = nullptr;
        }
        bool again = keeps_alive_ && cancelled_by_ != end_cause::client_gone &&
                     cancelled_by_ != end_cause::drained;
        if (again && !reader_.body_is_here()) again = co_await reader_.discard_body();
        reader_.end();
        worker_.give_back(std::move(work_));
        if (!again && lingers_) co_await linger();
        co_return again;
    }

    bool body_is_here() const noexcept override { return reader_.body_is_here(); }
    http::body body() const noexcept override { return http::body{reader_.body()}; }
    asio::awaitable<result<>> read_body() override {
        result<> read = co_await reader_.read_body();
        if (!read && read.error().code() == rejection_code::client_closed)
            cancelled_by_ = end_cause::client_gone;
        socket_.enter(stage::handler);
        co_return std::move(read);
    }

    asio::awaitable<delivery> deliver(http::response& answer) override {
        bool const usable =
            !cancelled_by_ && !worker_.draining() && reader_.leaves_the_connection_usable();
        auto const plan = http::plan_response(answer, work_->request, usable);
        keeps_alive_ = plan.keep_alive;
        lingers_ = !reader_.body_is_here() || work_->request.malformation() != nullptr;
        socket_.count_from_zero();
        auto& out = work_->out;
        out.clear();
        http::append_head(out, answer, work_->request, plan);
        if (answer.takeover() != nullptr) co_return co_await hand_over(*answer.takeover());
        if (answer.stream() != nullptr && plan.transfer != http::body_transfer::none)
            co_return co_await deliver_stream(*answer.stream(),
                                              plan.transfer == http::body_transfer::chunked);
        bool const has_text = plan.transfer == http::body_transfer::length;
        std::string_view const text =
            has_text ? std::string_view{answer.text()} : std::string_view{};
        auto const now = std::chrono::steady_clock::now();
        if (worker_.writers().are_many(this, now)) {
            // The stage of a write, since the coroutine must not be cancelled from here on.
            socket_.enter(stage::socket, now + limits().write_time);
            co_await worker_.turn().gather();
        }
        bool sent = socket_.try_write(out, text, {}) == timed_socket::attempt::done;
        if (!sent) sent = co_await socket_.write_all(out, text, {}, limits().write_time);
        co_return delivered(sent ? end_cause::completed : gone());
    }

    /// Writes the head of a 101 and lets another protocol have the socket until it is done with it.
    asio::awaitable<delivery> hand_over(http::takeover& speaker) {
        keeps_alive_ = lingers_ = false;
        if (!co_await socket_.write_all(work_->out, {}, {}, limits().write_time))
            co_return delivered(gone());
        taken_ = std::make_shared<duplex_socket>(std::move(socket_.socket()), reader_.take_rest());
        speaker_ = &speaker;
        socket_.enter(stage::taken);
        if (worker_.draining()) speaker.drain();
        std::exception_ptr thrown;
        end_cause how = end_cause::failed;
        try {
            how = co_await speaker.run(taken_);
        } catch (...) {
            thrown = std::current_exception();
        }
        speaker_ = nullptr;
        taken_->close();
        delivery out{cancelled_by_.value_or(how), socket_.sent_bytes() + taken_->sent_bytes(),
                     socket_.first_byte()};
        if (thrown && !cancelled_by_) out.fault = fault_of(thrown);
        co_return std::move(out);
    }

    asio::awaitable<delivery> deliver_stream(http::body_stream& stream, bool chunked) {
        // Nobody needs the body any more: a long prompt is not kept for as long as its answer takes.
        reader_.release_body();
        head_waits_ = waits_for_first_piece_ = true;
        last_piece_ = std::chrono::steady_clock::now();
        auto& out = work_->out;
        auto& piece = work_->piece;
        for (bool ended = false; !ended;) {
            piece.clear();
            std::exception_ptr thrown;
            result<http::stream_step> step = http::stream_step::more;
            stream_ = &stream;
            stream_is_chunked_ = chunked;
            socket_.enter(stage::source);
            std::size_t whole =
                0; // of the piece: what was said before a failure is said all the same
            try {
                do {
                    step = co_await stream.next(piece);
                    if (step) whole = piece.size();
                } while (step && *step == http::stream_step::more &&
                         piece.size() < max_piece_bytes && stream.ready());
            } catch (...) {
                thrown = std::current_exception();
            }
            socket_.enter(stage::handler);
            if (thrown || !step) {
                piece.resize(whole);
                if (cancelled_by_)
                    co_await asio::this_coro::reset_cancellation_state(
                        asio::enable_terminal_cancellation());
                rejection why = cancelled_by_ ? rejection_for(*cancelled_by_)
                                : thrown ? rejection{rejection_code::internal, "internal error"}
                                         : std::move(step).error();
                delivery broken = co_await break_off(stream, std::move(why), chunked);
                if (thrown && !cancelled_by_) broken.fault = fault_of(thrown);
                co_return std::move(broken);
            }
            ended = *step == http::stream_step::end;
            if (!piece.empty()) waits_for_first_piece_ = false;
            std::string_view const tail = frame_piece(chunked, ended);
            bool sent = socket_.try_write(out, piece, tail) == timed_socket::attempt::done;
            if (!sent) sent = co_await socket_.write_all(out, piece, tail, limits().write_time);
            if (!sent) co_return delivered(gone());
            out.clear();
        }
        co_return delivered(end_cause::completed);
    }

    /// The stream failed. Before its first byte that is another response; later it is the dialect's last word.
    asio::awaitable<delivery> break_off(http::body_stream& stream, rejection why, bool chunked) {
        delivery out = delivered(cancelled_by_.value_or(end_cause::failed));
        out.head_sent = !head_waits_ || !work_->piece.empty();
        if (out.head_sent && cancelled_by_ != end_cause::client_gone) {
            stream.fail(why, work_->piece);
            std::string_view const tail = frame_piece(chunked, true);
            if (!co_await socket_.write_all(work_->out, work_->piece, tail, limits().write_time))
                out.cause = gone();
            out.response_bytes = socket_.sent_bytes();
            out.first_byte = socket_.first_byte();
        }
        // The framing is whole and the head has promised to go on: closing here would break the client's next request.
        out.failure = std::move(why);
        co_return std::move(out);
    }
    [[nodiscard]] delivery delivered(end_cause how) const noexcept {
        return delivery{how, socket_.sent_bytes(), socket_.first_byte()};
    }

    /// Appends the framing of a piece to the head, which goes with it if it still waits; returns what follows the piece.
    std::string_view frame_piece(bool chunked, bool last) {
        std::string_view const piece = work_->piece;
        head_waits_ = false;
        last_piece_ = std::chrono::steady_clock::now();
        if (!chunked) return {};
        if (piece.empty()) return last ? http::last_chunk : std::string_view{};
        http::append_chunk_size(work_->out, piece.size());
        return last ? end_of_last_piece : end_of_piece;
    }

    [[nodiscard]] end_cause gone() noexcept {
        if (!cancelled_by_) cancelled_by_ = end_cause::client_gone;
        keeps_alive_ = false;
        lingers_ = false;
        return *cancelled_by_;
    }

    void set_time_limits(time_limits limits) noexcept override { limits_in_time_ = limits; }
    void watch_revocation(std::atomic<bool> const& revoked) noexcept override {
        revoked_ = &revoked;
    }
    std::optional<end_cause> cancelled_by() const noexcept override { return cancelled_by_; }
    steady_time started() const noexcept override { return started_; }
    std::uint64_t request_bytes() const noexcept override {
        return work_->request.head_bytes() + reader_.body_bytes() +
               (taken_ ? taken_->received_bytes() : 0);
    }

    /// After an answer to a request that was not read to its end: lets the client read it (RFC 9112 §9.6).
    asio::awaitable<void> linger() {
        std::error_code error;
        socket_.socket().shutdown(tcp::socket::shutdown_send, error);
        auto const until = std::chrono::steady_clock::now() + linger_time;
        std::string scrap;
        for (std::size_t left = max_lingered_bytes; left != 0 && !error;) {
            scrap.clear();
            if (!co_await socket_.read_more(scrap, stage::lingering, until)) break;
            left -= std::min(left, scrap.size());
        }
    }

    void on_tick(steady_time now) override {
        if (revoked_ != nullptr && revoked_->load(std::memory_order_relaxed)) end_revoked();
        switch (socket_.now_in()) {
        case stage::idle:
        case stage::head:
        case stage::body:
        case stage::socket:
        case stage::lingering: socket_.expire(now); break;
        case stage::handler:
            if (limits_in_time_.to_first_byte.count() != 0 &&
                now >= started_ + limits_in_time_.to_first_byte)
                cancel(end_cause::timed_out);
            break;
        case stage::source: on_source_tick(now); break;
        case stage::taken:
        case stage::closed: break;
        }
    }

    void end_revoked() {
        if (cancelled_by_) return;
        if (socket_.now_in() == stage::handler || socket_.now_in() == stage::source)
            return cancel(end_cause::revoked);
        // A client that takes no byte cannot be told.
        if (socket_.now_in() != stage::socket) return;
        cancelled_by_ = end_cause::revoked;
        socket_.stop_waiting();
    }

    void on_source_tick(steady_time now) {
        auto const limit =
            waits_for_first_piece_ ? limits_in_time_.to_first_byte : limits_in_time_.between_bytes;
        auto const since = waits_for_first_piece_ ? started_ : last_piece_;
        if (limit.count() != 0 && now >= since + limit) return cancel(end_cause::timed_out);
        if (head_waits_ && now >= last_piece_ + limits().head_hold) {
            // The source thinks for long: the client learns now that its request was taken, and can abort.
            head_waits_ = false;
            socket_.push(work_->out);
            work_->out.clear();
        } else if (!head_waits_ &&
                   now >= std::max(last_piece_, last_heartbeat_) + limits().heartbeat) {
            last_heartbeat_ = now;
            std::string beat;
            stream_->heartbeat(beat);
            if (beat.empty()) return;
            std::string framed;
            if (stream_is_chunked_) http::append_chunk(framed, beat);
            socket_.push(stream_is_chunked_ ? framed : beat);
        }
    }

    void cancel(end_cause why) {
        if (cancelled_by_) return;
        cancelled_by_ = why;
        cancellation_.emit(asio::cancellation_type::terminal);
    }

    int watched_descriptor() const noexcept override {
        bool const waits = socket_.now_in() == stage::handler || socket_.now_in() == stage::source;
        return waits && !cancelled_by_ ? socket_.descriptor() : -1;
    }
    void on_client_gone() override { cancel(end_cause::client_gone); }
    void drain() override {
        if (socket_.now_in() == stage::idle) socket_.stop_waiting();
        if (speaker_ != nullptr) speaker_->drain();
    }
    void cut() override {
        if (speaker_ != nullptr) {
            cancelled_by_ = end_cause::drained;
            return taken_->close();
        }
        if (socket_.now_in() == stage::handler || socket_.now_in() == stage::source)
            cancel(end_cause::drained);
        else
            socket_.stop_waiting();
    }
    bool is_active() const noexcept override {
        return socket_.now_in() != stage::idle && socket_.now_in() != stage::taken;
    }

    std::optional<std::uint32_t> find_user() const override { return peer_user(client_, server_); }

    [[nodiscard]] http::limits const& limits() const noexcept { return worker_.limits(); }
    static void unmap(tcp::endpoint& one) {
        auto const address = one.address();
        if (address.is_v6() && address.to_v6().is_v4_mapped())
            one.address(asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()));
    }

    static constexpr std::size_t max_piece_bytes = 32 * 1024;
    static constexpr std::size_t max_lingered_bytes = 1024 * 1024;
    static constexpr std::chrono::seconds linger_time{2};
    static constexpr std::string_view end_of_piece = "\r\n";
    static constexpr std::string_view end_of_last_piece = "\r\n0\r\n\r\n";

    timed_socket socket_;
    worker& worker_;
    request_reader reader_{socket_, worker_.limits()};
    tcp::endpoint client_;
    tcp::endpoint server_;
    asio::cancellation_signal cancellation_;
    std::unique_ptr<workspace> work_;
    steady_time started_{};
    steady_time last_piece_{};
    steady_time last_heartbeat_{};
    time_limits limits_in_time_;
    http::body_stream* stream_ = nullptr;
    std::shared_ptr<duplex_socket> taken_; ///< the socket, once another protocol has it
    http::takeover* speaker_ = nullptr;    ///< while it speaks
    std::optional<end_cause> cancelled_by_;
    std::atomic<bool> const* revoked_ = nullptr;
    bool keeps_alive_ = false;
    bool lingers_ = false;
    bool head_waits_ = false;
    bool waits_for_first_piece_ = false;
    bool stream_is_chunked_ = false;
};

} // namespace mcp_provider::net
