// The opening of a WebSocket (RFC 6455 §4): what a server accepts, and how a client asks.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/http/response_parser.hpp"
#include "mcp_provider/http/takeover.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/connection_pool.hpp"
#include "mcp_provider/net/detail/connect.hpp"
#include "mcp_provider/net/duplex_socket.hpp"
#include "mcp_provider/net/origin.hpp"
#include "mcp_provider/net/websocket.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::net {

namespace detail {

inline constexpr std::string_view websocket_version = "13";

/// Whether an element of a list field, which may come in several lines, is `wanted`.
template <class Fields>
[[nodiscard]] bool lists(Fields const& fields, std::string_view name, std::string_view wanted) {
    bool found = false;
    for (http::field_view const& one : fields)
        if (http::equals_ignoring_case(one.name, name))
            http::for_each_element(one.value, [&](std::string_view element) {
                found = found || http::equals_ignoring_case(element, wanted);
            });
    return found;
}

/// Whether a Sec-WebSocket-Key is 16 bytes in base64, with nothing left over.
[[nodiscard]] constexpr bool is_websocket_key(std::string_view key) noexcept {
    if (key.size() != 24 || !key.ends_with("==")) return false;
    for (char const c : key.substr(0, 22)) {
        bool const letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/') return false;
    }
    return std::string_view{"AQgw"}.find(key[21]) != std::string_view::npos;
}

} // namespace detail

/// What a client offers. *Lifetime*: that of the request.
class websocket_offer {
public:
    /// *Errors*: `upgrade_required` (426) for a request that asks for no WebSocket, or for another version of it;
    /// `bad_request` for an upgrade that cannot be answered.
    [[nodiscard]] static result<websocket_offer> of(http::request const& asked) {
        if (!detail::lists(asked.fields(), "upgrade", "websocket") ||
            !detail::lists(asked.fields(), "connection", "upgrade"))
            return other_protocol("this path speaks WebSocket");
        if (asked.verb() != http::method::get || asked.minor_version() == 0 ||
            asked.framing().has_body())
            return rejection{rejection_code::bad_request,
                             "a WebSocket begins with a GET of HTTP/1.1, without a body"};
        websocket_offer out{asked};
        unsigned keys = 0;
        unsigned versions = 0;
        std::string_view version;
        for (http::field_view const& one : asked.fields()) {
            if (http::equals_ignoring_case(one.name, "sec-websocket-key"))
                out.key_ = one.value, ++keys;
            if (http::equals_ignoring_case(one.name, "sec-websocket-version"))
                version = one.value, ++versions;
        }
        if (versions != 1 || version != detail::websocket_version)
            return other_protocol("this path speaks version 13 of WebSocket");
        if (keys != 1 || !detail::is_websocket_key(out.key_))
            return rejection{rejection_code::bad_request,
                             "Sec-WebSocket-Key must be 16 bytes in base64"}
                .at("sec-websocket-key");
        return out;
    }

    /// Whether the client can speak a subprotocol. Their names differ by case.
    [[nodiscard]] bool has_protocol(std::string_view name) const {
        bool found = false;
        for (http::field_view const& one : asked_->fields())
            if (http::equals_ignoring_case(one.name, "sec-websocket-protocol"))
                http::for_each_element(
                    one.value, [&](std::string_view element) { found = found || element == name; });
        return found;
    }

    /// The answer that hands the connection over. No extension is ever agreed to: what streams is not compressed.
    /// Precondition: `protocol` is empty, or one that the client has.
    [[nodiscard]] http::response accept(std::unique_ptr<http::takeover> speaker,
                                        std::string_view protocol = {}) const {
        http::response out{std::move(speaker)};
        out.fields().set("Upgrade", "websocket");
        out.fields().set("Connection", "Upgrade");
        out.fields().set("Sec-WebSocket-Accept", detail::accept_of(key_));
        if (!protocol.empty()) out.fields().set("Sec-WebSocket-Protocol", std::string{protocol});
        return out;
    }

private:
    explicit websocket_offer(http::request const& asked) noexcept : asked_{&asked} {}
    static rejection other_protocol(std::string message) {
        return rejection{rejection_code::upgrade_required, std::move(message)}
            .with_field("Upgrade", "websocket")
            .with_field("Sec-WebSocket-Version", std::string{detail::websocket_version});
    }

    http::request const* asked_;
    std::string_view key_;
};

/// Where a client wants a WebSocket. Immutable.
class websocket_target {
public:
    /// Reads `ws://host[:port][/path]` or `wss://…`. *Errors*: as `origin::parse`.
    [[nodiscard]] static result<websocket_target> parse(std::string_view url) {
        if (url.substr(0, 2) != "ws")
            return rejection{rejection_code::bad_request, "the URL must be ws:// or wss://"};
        result<origin> to = origin::parse("http" + std::string{url.substr(2)});
        if (!to) return std::move(to).error();
        return websocket_target{*std::move(to)};
    }
    [[nodiscard]] origin const& to() const noexcept { return to_; }

private:
    explicit websocket_target(origin to) : to_{std::move(to)} {}
    origin to_;
};

/// Opens a WebSocket: connects, asks, and checks the answer, until `until` at most. `path` follows the target's own;
/// `fields` are whole lines (`Authorization: …\\r\\n`). `trust` is needed for `wss`. *Errors*: with the code of the
/// server's status where it refused (`unauthenticated`, `forbidden`, `not_found`, `upgrade_required`, `overloaded`),
/// `upstream_failed` otherwise, `timed_out`; `client_closed` when cancelled. *Lifetime*: what is passed must live until it
/// returns.
[[nodiscard]] inline asio::awaitable<result<std::shared_ptr<duplex_socket>>>
open_websocket(websocket_target const& target, detail::tls_trust const* trust,
               std::string_view path, secret const& fields, std::string_view protocol,
               steady_time until) {
    origin const& to = target.to();
    auto const broken = [&to](std::string const& why) {
        return rejection{rejection_code::upstream_failed, to.where() + ' ' + why};
    };
    auto const executor = co_await asio::this_coro::executor;
    auto connected = co_await detail::connect(connection_pool::of(executor), executor, to,
                                              to.is_secure() ? trust : nullptr, until);
    if (!connected) co_return std::move(connected).error();
    auto line = std::make_shared<duplex_socket>(std::move((*connected)->socket()), std::string{},
                                                (*connected)->take_tls());

    std::array<unsigned char, 16> nonce{};
    if (RAND_bytes(nonce.data(), static_cast<int>(nonce.size())) != 1)
        throw std::runtime_error{"no random bytes for a WebSocket"};
    std::string const key = websocketpp::base64_encode(nonce.data(), nonce.size());
    std::string text;
    text.reserve(512 + fields.reveal().size()); // growing would leave copies of a token behind
    text.append("GET ").append(to.path()).append(path).append(" HTTP/1.1\r\nHost: ");
    text.append(to.authority()).append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    text.append("Sec-WebSocket-Version: ").append(detail::websocket_version);
    text.append("\r\nSec-WebSocket-Key: ").append(key).append("\r\n");
    if (!protocol.empty()) text.append("Sec-WebSocket-Protocol: ").append(protocol).append("\r\n");
    text.append(fields.reveal()).append("\r\n");
    secret const request{std::move(text)};
    for (std::string_view left = request.reveal(); !left.empty();) {
        std::size_t sent = 0;
        auto const step = line->write_some(left, sent);
        left.remove_prefix(sent);
        if (step == http::io_progress::ended) co_return broken("closed the connection");
        if (step == http::io_progress::done) continue;
        bool const may = co_await line->writable(until);
        if (!may) co_return detail::too_slow_to_connect(to);
    }

    http::response_parser parser{receive_buffer::limits()};
    std::string got;
    result<http::parse_state> state = http::parse_state::need_more;
    while (state && *state == http::parse_state::need_more) {
        std::array<char, 2048> piece;
        std::size_t size = 0;
        auto const step = line->read_some(piece.data(), piece.size(), size);
        if (step == http::io_progress::ended)
            co_return broken("closed the connection without an answer");
        if (step == http::io_progress::would_block) {
            bool const may = co_await line->readable(until);
            if (!may) co_return detail::too_slow_to_connect(to);
            continue;
        }
        got.append(piece.data(), size);
        state = parser.feed(got);
    }
    if (!state) co_return std::move(state).error();
    http::response_head head;
    parser.fill(head, got, false);
    if (head.status != 101) {
        rejection_code code = rejection_code::upstream_failed;
        for (auto const known :
             {rejection_code::unauthenticated, rejection_code::forbidden, rejection_code::not_found,
              rejection_code::upgrade_required, rejection_code::overloaded})
            if (status_of(known) == head.status) code = known;
        co_return rejection{code, to.where() + " answered " + std::to_string(head.status) + ' ' +
                                      std::string{head.reason}};
    }
    auto const accepted = head.field("sec-websocket-accept");
    if (!detail::lists(head.fields, "upgrade", "websocket") ||
        !detail::lists(head.fields, "connection", "upgrade") || !accepted ||
        *accepted != detail::accept_of(key))
        co_return broken("is no WebSocket server");
    if (head.field("sec-websocket-extensions") ||
        head.field("sec-websocket-protocol").value_or(std::string_view{}) != protocol)
        co_return broken("agreed to something that was not offered");
    line->unread(std::string_view{got}.substr(head.head_bytes));
    co_return line;
}

} // namespace mcp_provider::net
