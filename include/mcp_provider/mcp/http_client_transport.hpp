// The client's end of Streamable HTTP, in both eras.
#pragma once

#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/http/event_stream.hpp"
#include "mcp_provider/mcp/client_transport.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/http_call.hpp"
#include "mcp_provider/net/http_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::mcp {

struct http_transport_options {
    secret token; ///< sent as a bearer token; empty for none
    net::http_client_options http;
    message_limits limits;
    std::chrono::milliseconds retry_time{
        1'000}; ///< before a broken stream is taken up again, where the server does not say
    std::chrono::milliseconds longest_retry_time{60'000};
    int max_resumptions = 5; ///< of one answer, in a row and without an event
    std::chrono::minutes listen_time{
        60}; ///< before a silent stream of the server's own messages is opened anew
};

/// Each message is a POST; answers come as JSON or as an event stream. In the legacy era it keeps the session, takes up a
/// broken stream where it broke, and opens a stream for what the server says of its own accord. *Not supported*: the
/// transport of 2024-11-05 (HTTP+SSE), redirects, OAuth: the token is the caller's to have.
class http_client_transport final : public client_transport {
public:
    /// *Errors*: throws `std::runtime_error` for a token that no header field can hold, or for a certificate file that
    /// cannot be read.
    explicit http_client_transport(net::origin to, http_transport_options options = {})
        : here_{std::make_shared<endpoint>(std::move(to), std::move(options))} {}

    asio::awaitable<result<>> open(message_sink& to, steady_time) override {
        here_->sink = &to;
        co_return result<>{};
    }
    asio::awaitable<result<incoming_answer>> exchange(outgoing_message const& request,
                                                      call_time const& time) override {
        return ask(here_, request, time);
    }
    asio::awaitable<result<>> post(outgoing_message const& message, steady_time until) override {
        return tell(here_, message, until);
    }
    asio::awaitable<void> listen() override { return hear(here_); }
    asio::awaitable<void> close(steady_time until) override { return leave(here_, until); }

    void speak(std::optional<revision> agreed) override {
        here_->spoken = agreed;
        if (!agreed) here_->session.clear();
    }
    bool has_fields() const noexcept override { return true; }
    bool may_be_silent() const noexcept override { return false; }
    bool tells_of_cancellation() const noexcept override { return here_->speaks_modern(); }
    bool is_open() const noexcept override { return here_->sink != nullptr; }

    ~http_client_transport() override { here_->sink = nullptr; }

private:
    /// Shared with the coroutines, which may outlive the transport by a moment.
    struct endpoint {
        endpoint(net::origin to, http_transport_options with)
            : options{std::move(with)}, client{std::move(to), options.http} {
            std::string_view const token = options.token.reveal();
            if (!std::all_of(token.begin(), token.end(),
                             [](char c) { return c > ' ' && c < 0x7f; }))
                throw std::runtime_error{
                    "the token of the MCP server holds a character that no token has"};
        }

        [[nodiscard]] net::request_head head(std::string_view method, std::string_view more) const {
            std::string fields;
            std::string_view const token = options.token.reveal();
            fields.reserve(256 + more.size() + session.size() + token.size()); // no copies of it
            if (method == "POST") fields += "Content-Type: application/json\r\n";
            fields += method == "GET" ? "Accept: text/event-stream\r\n"
                                      : "Accept: application/json, text/event-stream\r\n";
            if (spoken) add(fields, field_name::protocol_version, name_of(*spoken));
            if (!session.empty()) add(fields, field_name::session, session);
            fields += more;
            if (!token.empty())
                fields.append("Authorization: Bearer ").append(token).append("\r\n");
            net::request_head made{client, method, client.to().path().empty() ? "/" : "", fields};
            wipe(fields.data(), fields.size());
            return made;
        }

        static void add(std::string& fields, std::string_view name, std::string_view value) {
            fields.append(name).append(": ").append(value).append("\r\n");
        }
        [[nodiscard]] bool speaks_modern() const noexcept { return spoken && is_modern(*spoken); }
        void note_stray() const noexcept {
            if (sink != nullptr) sink->on_stray();
        }
        void hand_over(boost::json::value const& document, rpc::message const& message) const {
            if (sink != nullptr) sink->on_message(document, message);
        }

        http_transport_options options;
        net::http_client client;
        message_sink* sink = nullptr; ///< null once the transport has gone
        std::optional<revision> spoken;
        std::string session;
    };
    using shared = std::shared_ptr<endpoint>;

    static asio::awaitable<result<incoming_answer>>
    ask(shared here, outgoing_message const& request, call_time const& time) {
        std::optional<net::http_call> call{std::in_place, here->client};
        {
            net::request_head const head = here->head("POST", request.fields);
            bool const had_session = !here->session.empty();
            auto const sent = co_await call->send(head, request.text, time.until);
            if (!sent) co_return sent.error();
            if (auto refused = refusal(call->head().status, had_session))
                co_return *std::move(refused);
        }
        std::uint16_t const status = call->head().status;
        if (!is_stream(call->head())) {
            if (status == 200)
                if (auto wrong = take_session(*here, call->head())) co_return *std::move(wrong);
            bool const is_json = has_type(call->head(), "application/json");
            auto const body = co_await call->read_all(here->options.limits.max_bytes, time.until);
            if (!body) co_return body.error();
            auto answer =
                find_answer(*here, is_json ? *body : std::string{}, request.id, status != 200);
            if (!answer && status == 200)
                co_return no_answer("the server's answer is not JSON-RPC");
            if (!answer && status < 300)
                co_return no_answer("the server took the request and gave no answer");
            co_return incoming_answer{answer ? *std::move(answer) : boost::json::value{}, status};
        }
        if (status != 200) co_return incoming_answer{boost::json::value{}, status};
        if (auto wrong = take_session(*here, call->head())) co_return *std::move(wrong);

        stream_place place;
        for (int failures = 0;;) {
            bool progressed = false;
            auto read = co_await follow(here, *call, place, request.id, time, progressed);
            if (read && *read) co_return incoming_answer{**std::move(read)};
            if (!read && is_final(read.error())) co_return read.error();
            if (progressed) failures = 0;
            bool const may_resume = !here->speaks_modern() && !place.last_id.empty();
            for (bool resumed = false; !resumed;) {
                if (!may_resume || ++failures > here->options.max_resumptions)
                    co_return read ? no_answer("the server's stream ended before the answer")
                                   : read.error();
                auto const again = co_await resume(here, call, place, time.until);
                if (!again && is_final(again.error())) co_return again.error();
                resumed = again.has_value();
            }
        }
    }

    static asio::awaitable<result<>> tell(shared here, outgoing_message const& message,
                                          steady_time until) {
        net::http_call call{here->client};
        net::request_head const head = here->head("POST", message.fields);
        auto const sent = co_await call.send(head, message.text, until);
        if (!sent) co_return sent.error();
        std::uint16_t const status = call.head().status;
        if (auto refused = refusal(status, !here->session.empty())) co_return *std::move(refused);
        // Read to its end, so that the connection serves again. What is in it does not matter.
        auto const body = co_await call.read_all(max_refusal_bytes, until);
        if (status < 300) co_return result<>{};
        co_return rejection{rejection_code::upstream_failed,
                            "the server refused a message with HTTP " + std::to_string(status)};
    }

    static asio::awaitable<void> hear(shared here) {
        stream_place place;
        rpc::id const nobody;
        std::chrono::milliseconds pause = here->options.retry_time;
        for (std::optional<net::http_call> call; here->sink != nullptr;) {
            call.emplace(here->client);
            call_time const time{std::chrono::steady_clock::now() + here->options.listen_time};
            auto const begun = co_await begin_stream(here, *call, place, time.until);
            bool progressed = false;
            if (begun) {
                auto const read = co_await follow(here, *call, place, nobody, time, progressed);
                if (!read && read.error().code() == rejection_code::client_closed) co_return;
            } else if (begun.error().code() == rejection_code::client_closed ||
                       begun.error().reason() == "no_stream") {
                co_return;
            }
            call.reset();
            if (progressed) pause = here->options.retry_time;
            if (!co_await rest(place.retry.value_or(pause), steady_time::max())) co_return;
            pause = std::min(2 * pause, here->options.longest_retry_time);
        }
    }

    static asio::awaitable<void> leave(shared here, steady_time until) {
        if (here->session.empty()) co_return;
        net::http_call call{here->client};
        net::request_head const head = here->head("DELETE", {});
        here->session.clear();
        auto const sent = co_await call.send(head, {}, until);
        if (sent) auto const body = co_await call.read_all(max_refusal_bytes, until);
    }

    /// Where a stream stands, over all its connections.
    struct stream_place {
        std::string last_id;
        std::optional<std::chrono::milliseconds> retry;
    };

    /// Reads events until the answer comes; nothing where the stream ends without it.
    static asio::awaitable<result<std::optional<boost::json::value>>>
    follow(shared here, net::http_call& call, stream_place& place, rpc::id const& wanted,
           call_time const& time, bool& progressed) {
        http::event_stream_parser parser{here->options.limits.max_bytes};
        for (std::optional<boost::json::value> answer;;) {
            auto piece = call.try_read();
            if (!piece) co_return std::move(piece).error();
            if (!*piece) {
                auto const ready = co_await call.readable(time.until);
                if (!ready) co_return ready.error();
                continue;
            }
            if ((*piece)->empty()) co_return std::optional<boost::json::value>{};
            for (std::string_view bytes = **piece;;) {
                auto const event = parser.next(bytes);
                if (!event) co_return event.error();
                if (std::string_view const id = parser.last_event_id();
                    !id.empty() && id != place.last_id) {
                    place.last_id = id.size() <= max_id_bytes ? id : std::string_view{};
                    progressed = true;
                }
                if (parser.retry()) place.retry = parser.retry();
                if (!*event) break;
                bool const is_message = (*event)->name.empty() || (*event)->name == "message";
                if (!is_message || (*event)->data.empty() || here->sink == nullptr) continue;
                progressed = true;
                take(*here, (*event)->data, wanted, answer);
                if (!answer) continue;
                call.leave_rest();
                co_return std::move(answer);
            }
        }
    }

    static void take(endpoint& here, std::string_view text, rpc::id const& wanted,
                     std::optional<boost::json::value>& answer) {
        detail::read_messages(
            text, here.options.limits, [&] { here.note_stray(); },
            [&](boost::json::value& document, rpc::message const& message) {
                if (!message.is_answer())
                    here.hand_over(document, message);
                else if (!answer && !wanted.is_null() && message.id() == wanted)
                    answer = std::move(document);
                else
                    here.note_stray();
            });
    }

    /// The answer in a body. To a refusal, an error without an id counts too.
    static std::optional<boost::json::value> find_answer(endpoint& here, std::string const& body,
                                                         rpc::id const& wanted, bool is_refusal) {
        std::optional<boost::json::value> answer;
        if (body.empty()) return answer;
        detail::read_messages(
            body, here.options.limits, [&] { here.note_stray(); },
            [&](boost::json::value& document, rpc::message const& message) {
                bool const is_ours =
                    message.id() == wanted || (is_refusal && message.id().is_null());
                if (!message.is_answer())
                    here.hand_over(document, message);
                else if (is_ours && !answer)
                    answer = std::move(document);
                else
                    here.note_stray();
            });
        return answer;
    }

    /// Opens a stream from behind the last event that was seen.
    static asio::awaitable<result<>> begin_stream(shared here, net::http_call& call,
                                                  stream_place const& place, steady_time until) {
        std::string more;
        if (!place.last_id.empty()) endpoint::add(more, field_name::last_event, place.last_id);
        net::request_head const head = here->head("GET", more);
        auto const sent = co_await call.send(head, {}, until);
        if (!sent) co_return sent.error();
        if (call.head().status == 200 && is_stream(call.head())) co_return result<>{};
        rejection refused{rejection_code::upstream_failed,
                          "the server does not go on with its stream: HTTP " +
                              std::to_string(call.head().status)};
        // A server in trouble may come back; one that says no has said it.
        if (call.head().status >= 500) co_return refused;
        co_return std::move(refused).because("no_stream");
    }

    static asio::awaitable<result<>> resume(shared here, std::optional<net::http_call>& call,
                                            stream_place const& place, steady_time until) {
        call.emplace(here->client);
        auto const pause = std::min(place.retry.value_or(here->options.retry_time),
                                    here->options.longest_retry_time);
        if (!co_await rest(pause, until))
            co_return std::chrono::steady_clock::now() >= until
                ? rejection{rejection_code::timed_out, "the server did not answer in time"}
                : rejection{rejection_code::client_closed, "the request was cancelled"};
        co_return co_await begin_stream(here, *call, place, until);
    }

    /// Waits; false where `until` came first, or a cancellation.
    static asio::awaitable<bool> rest(std::chrono::milliseconds pause, steady_time until) {
        asio::steady_timer timer{co_await asio::this_coro::executor};
        auto const when = std::chrono::steady_clock::now() + pause;
        timer.expires_at(std::min(when, until));
        std::error_code stopped;
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
        co_return !stopped && when <= until;
    }

    /// Whether it is of no use to try the stream again.
    static bool is_final(rejection const& why) noexcept {
        return why.code() == rejection_code::timed_out ||
               why.code() == rejection_code::client_closed || why.reason() == "no_stream";
    }

    static bool has_type(http::response_head const& head, std::string_view type) noexcept {
        std::string_view const value = head.field("Content-Type").value_or("");
        return http::equals_ignoring_case(http::trimmed(value.substr(0, value.find(';'))), type);
    }
    static bool is_stream(http::response_head const& head) noexcept {
        return has_type(head, "text/event-stream");
    }

    /// What no body can make an answer of.
    static std::optional<rejection> refusal(std::uint16_t status, bool had_session) {
        if (status == 401 || status == 403)
            return rejection{rejection_code::upstream_failed,
                             "the MCP server refuses us with HTTP " + std::to_string(status) +
                                 "; it wants another token, or none of this origin"}
                .because("unauthorized");
        if (status == 404 && had_session)
            return rejection{rejection_code::upstream_failed, "the MCP server has lost our session"}
                .because("session_lost");
        if (status >= 500 || (status >= 300 && status < 400))
            return rejection{rejection_code::upstream_failed,
                             "the MCP server answered with HTTP " + std::to_string(status)};
        return std::nullopt;
    }

    /// The session that the answer to `initialize` names. *See* 2025-11-25, Session Management.
    static std::optional<rejection> take_session(endpoint& here, http::response_head const& head) {
        if (here.spoken) return std::nullopt;
        std::string_view const id = head.field(field_name::session).value_or("");
        bool const is_visible =
            std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
        if (!is_visible || id.size() > max_id_bytes)
            return no_answer("the server's session id is not visible ASCII of at most 1024 bytes");
        here.session = id;
        return std::nullopt;
    }

    static rejection no_answer(std::string why) {
        return rejection{rejection_code::upstream_failed, std::move(why)};
    }

    static constexpr std::size_t max_refusal_bytes = 64 * 1024;
    static constexpr std::size_t max_id_bytes = 1024;

    shared here_;
};

} // namespace mcp_provider::mcp
