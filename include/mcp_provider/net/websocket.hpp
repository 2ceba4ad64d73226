// WebSocket (RFC 6455), either side, over a connection that an upgrade has left.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/detail/frame_sender.hpp"
#include "mcp_provider/net/websocket_limits.hpp"

#include <websocketpp/extensions/permessage_deflate/disabled.hpp>
#include <websocketpp/http/request.hpp>
#include <websocketpp/http/response.hpp>
#include <websocketpp/processors/hybi13.hpp>
#include <websocketpp/random/none.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::net {

namespace detail {

/// What websocketpp's frame codec puts messages into. Two are enough: a control frame may come in between the fragments of
/// a message; both are used again and again.
class frame_message {
public:
    using ptr = std::shared_ptr<frame_message>;
    using opcode = websocketpp::frame::opcode::value;

    [[nodiscard]] opcode get_opcode() const noexcept { return code; }
    [[nodiscard]] std::string& get_raw_payload() noexcept { return payload; }
    // What only compression and sending would need.
    [[nodiscard]] static bool get_compressed() noexcept { return false; }
    [[nodiscard]] static bool get_fin() noexcept { return true; }
    static void set_compressed(bool) noexcept {}
    static void set_prepared(bool) noexcept {}
    static void set_header(std::string const&) noexcept {}
    static void set_opcode(opcode) noexcept {}

    opcode code = opcode::TEXT;
    std::string payload;
};

class frame_messages {
public:
    using ptr = std::shared_ptr<frame_messages>;

    [[nodiscard]] frame_message::ptr get_message(frame_message::opcode code, std::size_t size) {
        auto& one = websocketpp::frame::opcode::is_control(code) ? control_ : data_;
        if (!one || one.use_count() != 1) one = std::make_shared<frame_message>();
        one->code = code;
        one->payload.clear();
        // What a header announces has not come yet.
        one->payload.reserve(std::min(size, most_reserved));
        if (one->payload.capacity() > most_kept && size <= most_reserved) {
            std::string{}.swap(one->payload);
        }
        return one;
    }

private:
    static constexpr std::size_t most_reserved = 64 * 1024;
    static constexpr std::size_t most_kept = 256 * 1024;
    frame_message::ptr data_;
    frame_message::ptr control_;
};

struct frame_codec_config {
    struct deflate_config {};
    using request_type = websocketpp::http::parser::request;
    using response_type = websocketpp::http::parser::response;
    using message_type = frame_message;
    using con_msg_manager_type = frame_messages;
    using rng_type = websocketpp::random::none::int_generator<std::uint32_t>;
    using permessage_deflate_type =
        websocketpp::extensions::permessage_deflate::disabled<deflate_config>;
    static constexpr std::size_t max_message_size = 0; // set for each
    static constexpr bool enable_extensions = false;
};

/// Reads frames with websocketpp 0.8.2, and checks what that leaves unchecked: that a text of several fragments ends with
/// a whole character, and that fragments come to an end.
class frame_reader final : private websocketpp::processor::hybi13<frame_codec_config> {
    using codec = websocketpp::processor::hybi13<frame_codec_config>;

public:
    frame_reader(bool is_server, std::size_t max_message_bytes)
        : codec{false, is_server, std::make_shared<frame_messages>(), no_numbers_}, is_server_{
                                                                                        is_server} {
        set_max_message_size(max_message_bytes);
        most_on_wire_ = max_message_bytes + max_message_bytes / 16 + 16 * std::size_t{1024};
    }

    /// Reads on; the bytes are unmasked in place. Returns how many it has used: all, or those up to the end of a message.
    /// After a fault nothing may be read any more.
    [[nodiscard]] std::size_t consume(char* bytes, std::size_t size) {
        websocketpp::lib::error_code wrong;
        std::size_t const used =
            codec::consume(reinterpret_cast<std::uint8_t*>(bytes), size, wrong);
        on_wire_ += used;
        bool const is_data = codec::ready() && m_current_msg == &m_data_msg;
        if (is_data && m_data_msg.msg_ptr->code == frame_message::opcode::TEXT &&
            !m_data_msg.validator.complete())
            wrong = websocketpp::processor::error::make_error_code(
                websocketpp::processor::error::invalid_utf8);
        std::size_t const control_head = is_server_ ? 6 : 2;
        if (codec::ready() && !is_data)
            on_wire_ -= std::min(on_wire_, m_control_msg.msg_ptr->payload.size() + control_head);
        else if (on_wire_ > most_on_wire_)
            wrong = websocketpp::processor::error::make_error_code(
                websocketpp::processor::error::message_too_big);
        if (is_data) on_wire_ = 0;
        if (wrong) {
            fault_ = code_of(wrong);
            why_ = wrong.message();
        }
        return used;
    }
    /// The close code of a fault; 0 while there is none.
    [[nodiscard]] std::uint16_t fault() const noexcept { return fault_; }
    [[nodiscard]] std::string const& why() const noexcept { return why_; }
    /// The message that `consume` has completed; null for none.
    [[nodiscard]] frame_message::ptr take() { return codec::get_message(); }

private:
    static std::uint16_t code_of(websocketpp::lib::error_code wrong) noexcept {
        if (wrong.value() == websocketpp::processor::error::invalid_utf8)
            return close_code::invalid_text;
        if (wrong.value() == websocketpp::processor::error::message_too_big)
            return close_code::too_large;
        return close_code::protocol_error;
    }

    bool is_server_;
    frame_codec_config::rng_type no_numbers_; // only the codec's own sending would need some
    std::size_t on_wire_ = 0;                 ///< of a message that is not complete
    std::size_t most_on_wire_ = 0;
    std::uint16_t fault_ = 0;
    std::string why_;
};

/// The answer to a Sec-WebSocket-Key (RFC 6455 §4.2.2).
[[nodiscard]] inline std::string accept_of(std::string_view key) {
    std::string const text = std::string{key} + websocketpp::processor::constants::handshake_guid;
    std::array<unsigned char, 20> digest{};
    websocketpp::sha1::calc(text.data(), text.size(), digest.data());
    return websocketpp::base64_encode(digest.data(), digest.size());
}

} // namespace detail

/// One conversation. One coroutine reads; sending never waits and may be done by any on the same thread. Pings are
/// answered, silence is probed and a Close is answered, all while somebody reads.
/// *Thread safety*: used on the duplex's thread only.
class websocket {
public:
    enum class side : std::uint8_t { server, client };

    websocket(std::shared_ptr<http::duplex> on, side ours, websocket_limits const& limits = {})
        : duplex_{std::move(on)}, limits_{limits}, is_server_{ours == side::server},
          sender_{std::make_shared<detail::frame_sender>(duplex_, !is_server_, limits.write_time)},
          frames_{is_server_, limits.max_message_bytes} {}
    websocket(websocket const&) = delete;
    websocket& operator=(websocket const&) = delete;
    ~websocket() = default;

    /// The next whole message; nothing once the conversation is over: then what was sent has gone out or never will, the
    /// connection is closed, and `end()` says why.
    [[nodiscard]] asio::awaitable<std::optional<websocket_message>> read() {
        while (!over_) {
            if (auto const message = next_here()) {
                // A peer that sends without end must not keep the thread from the others.
                if (++unpaused_ % 64 == 0)
                    co_await asio::post(duplex_->executor(), asio::use_awaitable);
                co_return message;
            }
            if (over_) break;
            unpaused_ = 0;
            auto const until = heard_ + limits_.ping_after +
                               (pinged_ ? limits_.pong_within : std::chrono::milliseconds{0});
            bool const may = co_await duplex_->readable(until);
            if (!may) on_silence(std::chrono::steady_clock::now() >= until);
        }
        if (!std::exchange(finished_, true)) co_await finish();
        co_return std::nullopt;
    }

    /// Sends a message as one frame; dropped after a Close. Precondition: the text is valid UTF-8.
    void send_text(std::string_view text) { send(detail::frame_kind::text, text); }
    /// As `send_text`, for who has gathered what there is to say: the socket is offered it at once.
    void send_text_now(std::string_view text) {
        if (!is_closing()) sender_->append_and_write(detail::frame_kind::text, text);
    }
    void send_binary(std::string_view bytes) { send(detail::frame_kind::binary, bytes); }
    /// How many bytes the socket has not taken yet.
    [[nodiscard]] std::size_t queued() const noexcept { return sender_->queued(); }
    /// Waits until at most so many bytes are queued. False where none will go out any more.
    [[nodiscard]] asio::awaitable<bool> drained(std::size_t at_most = 0) {
        return detail::frame_sender::drained(sender_, at_most);
    }

    /// Says goodbye; `read` then waits for the peer's goodbye, for at most `close_time`. Of the reason 123 bytes count.
    /// Precondition: `code` may be sent, the reason is valid UTF-8.
    void close(std::uint16_t code, std::string_view reason = {}) {
        if (said_goodbye_) return;
        end_.code = code;
        end_.reason = reason.substr(0, most_reason);
        // Not within a character.
        while (reason.size() > most_reason && !end_.reason.empty() && end_.reason.back() < 0)
            end_.reason.pop_back();
        std::string payload{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)};
        say_goodbye(payload + end_.reason);
    }
    /// Whether nothing can be sent any more.
    [[nodiscard]] bool is_closing() const noexcept { return said_goodbye_ || over_; }
    /// Why it is over. Precondition: `read` has returned nothing.
    [[nodiscard]] websocket_end const& end() const noexcept { return end_; }

private:
    static constexpr std::size_t first_buffer = 4 * 1024;
    static constexpr std::size_t most_buffer = 64 * 1024;
    static constexpr std::size_t most_reason = 123;
    static constexpr std::size_t most_unread_pongs = 64 * 1024;

    void send(detail::frame_kind kind, std::string_view payload) {
        if (!is_closing()) sender_->append(kind, payload);
    }

    /// The next message for which nothing must be awaited.
    std::optional<websocket_message> next_here() {
        message_.reset();
        for (int reads = 0; !over_ && reads < 16; ++reads) {
            while (at_ != size_ && !over_) {
                at_ += frames_.consume(buffer_.data() + at_, size_ - at_);
                if (frames_.fault() != 0) {
                    fail(frames_.fault(), frames_.why());
                    break;
                }
                message_ = frames_.take();
                if (!message_) continue;
                if (websocketpp::frame::opcode::is_control(message_->code))
                    on_control();
                else if (!said_goodbye_)
                    return websocket_message{message_->code == detail::frame_message::opcode::TEXT,
                                             message_->payload};
                message_.reset();
            }
            if (over_ || !read_more()) break;
        }
        return std::nullopt;
    }

    bool read_more() {
        if (size_ == buffer_.size() && size_ < most_buffer)
            buffer_.resize(std::max(first_buffer, 4 * size_));
        at_ = size_ = 0;
        switch (duplex_->read_some(buffer_.data(), buffer_.size(), size_)) {
        case http::io_progress::would_block: return false;
        case http::io_progress::ended: over_ = true; return false;
        case http::io_progress::done: break;
        }
        heard_ = std::chrono::steady_clock::now();
        pinged_ = false;
        return true;
    }

    void on_control() {
        // Who pings without reading the answers need not get them all.
        if (message_->code == detail::frame_message::opcode::PING && !said_goodbye_ &&
            sender_->queued() < most_unread_pongs)
            sender_->append(detail::frame_kind::pong, message_->payload);
        if (message_->code == detail::frame_message::opcode::CLOSE) on_close(message_->payload);
    }

    void on_close(std::string const& payload) {
        std::uint16_t code = close_code::none_given;
        if (payload.size() == 1)
            return fail(close_code::protocol_error, "a Close frame with half a code");
        if (!payload.empty()) {
            code = static_cast<std::uint16_t>((static_cast<unsigned char>(payload[0]) << 8U) |
                                              static_cast<unsigned char>(payload[1]));
            if (!close_code::may_be_sent(code))
                return fail(close_code::protocol_error, "a Close frame with a code that is none");
            if (!websocketpp::utf8_validator::validate(payload.substr(2)))
                return fail(close_code::invalid_text, "a Close frame whose reason is no UTF-8");
        }
        over_ = peer_said_goodbye_ = true;
        if (said_goodbye_) return;
        end_.code = code;
        end_.by_peer = true;
        if (!payload.empty()) end_.reason = payload.substr(2);
        say_goodbye(payload.substr(0, 2));
    }

    void fail(std::uint16_t code, std::string_view why) {
        over_ = true;
        close(code, why);
    }
    void say_goodbye(std::string_view payload) {
        said_goodbye_ = true;
        sender_->append(detail::frame_kind::close, payload);
        sender_->close_at(std::chrono::steady_clock::now() + limits_.close_time);
    }

    void on_silence(bool time_is_up) {
        if (time_is_up && !pinged_) {
            pinged_ = true;
            if (!said_goodbye_) sender_->append(detail::frame_kind::ping, {});
            return;
        }
        over_ = true;
        end_.went_silent = time_is_up && !said_goodbye_;
    }

    /// Lets the peer read our last words: closing while something of its own is unread would take them away.
    asio::awaitable<void> finish() {
        if (said_goodbye_ && co_await drained()) {
            bool const is_for_peer_to_close = !is_server_ || !peer_said_goodbye_;
            if (is_for_peer_to_close) duplex_->finish_writing();
            if (buffer_.empty()) buffer_.resize(first_buffer);
            auto const until = std::chrono::steady_clock::now() + limits_.close_time;
            std::size_t left = 1024 * 1024;
            for (bool open = is_for_peer_to_close; open && left != 0;) {
                std::size_t got = 0;
                auto const step = duplex_->read_some(buffer_.data(), buffer_.size(), got);
                left -= std::min(left, got);
                if (step == http::io_progress::would_block)
                    open = co_await duplex_->readable(until);
                else
                    open = step == http::io_progress::done;
            }
        }
        duplex_->close();
    }

    std::shared_ptr<http::duplex> duplex_;
    websocket_limits limits_;
    bool is_server_;
    std::shared_ptr<detail::frame_sender> sender_;
    detail::frame_reader frames_;
    detail::frame_message::ptr message_; ///< that `read` has given
    std::string buffer_;                 ///< what was read; from `at_` to `size_` not yet looked at
    std::size_t at_ = 0;
    std::size_t size_ = 0;
    steady_time heard_ = std::chrono::steady_clock::now();
    unsigned unpaused_ = 0;
    bool pinged_ = false;
    bool said_goodbye_ = false;
    bool peer_said_goodbye_ = false;
    bool over_ = false;
    bool finished_ = false;
    websocket_end end_;
};

} // namespace mcp_provider::net
