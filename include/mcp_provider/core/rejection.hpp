// The one type in which a caller is refused: what was wrong, where, and what is allowed.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// Names why a caller is refused. Each enumerator has one HTTP status (see `status_of`).
/// Choose by the neighbours: the comment says when the other one is right.
enum class rejection_code : std::uint8_t {
    bad_request, ///< 400: malformed or out of range; `unprocessable` framing closes the connection instead
    unauthenticated, ///< 401: nobody known; use `forbidden` when the caller is known but may not
    forbidden, ///< 403: known or judged by origin, and not allowed; trying again does not help
    not_found, ///< 404: no such path, model or object
    method_not_allowed,  ///< 405: the path exists, the method does not
    request_timeout,     ///< 408: the *client* was too slow; `timed_out` when our side was
    conflict,            ///< 409: the object is in another state
    too_large,           ///< 413: body over its limit; `header_too_large` for the head
    uri_too_long,        ///< 414: request target over its limit
    unsupported_media,   ///< 415: content type or coding not on the allow-list
    expectation_failed,  ///< 417: an Expect other than 100-continue
    upgrade_required,    ///< 426: the path speaks another protocol, or another version of it
    rate_limited,        ///< 429: this caller was too fast; `overloaded` when the server is full
    header_too_large,    ///< 431: header block or a count of fields over its limit
    client_closed,       ///< 499: the client left before an answer
    internal,            ///< 500: our fault; nothing the caller can change
    not_implemented,     ///< 501: a method or feature that this server never has
    upstream_failed,     ///< 502: the agent or upstream answered wrongly or not at all
    overloaded,          ///< 503: the server is full, draining, or a needed part is down
    timed_out,           ///< 504: the agent or upstream was too slow
    version_unsupported, ///< 505: an HTTP version other than 1.0 and 1.1
};

/// Returns the HTTP status of a code (RFC 9110 §15, RFC 6585).
[[nodiscard]] constexpr std::uint16_t status_of(rejection_code code) noexcept {
    switch (code) {
    case rejection_code::bad_request: return 400;
    case rejection_code::unauthenticated: return 401;
    case rejection_code::forbidden: return 403;
    case rejection_code::not_found: return 404;
    case rejection_code::method_not_allowed: return 405;
    case rejection_code::request_timeout: return 408;
    case rejection_code::conflict: return 409;
    case rejection_code::too_large: return 413;
    case rejection_code::uri_too_long: return 414;
    case rejection_code::unsupported_media: return 415;
    case rejection_code::expectation_failed: return 417;
    case rejection_code::upgrade_required: return 426;
    case rejection_code::rate_limited: return 429;
    case rejection_code::header_too_large: return 431;
    case rejection_code::client_closed: return 499;
    case rejection_code::internal: return 500;
    case rejection_code::not_implemented: return 501;
    case rejection_code::upstream_failed: return 502;
    case rejection_code::overloaded: return 503;
    case rejection_code::timed_out: return 504;
    case rejection_code::version_unsupported: return 505;
    }
    return 500;
}

/// A refusal on its way to the caller. A dialect renders it; nothing in it may hold a secret.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class [[nodiscard]] rejection {
public:
    /// Makes a refusal. `message` says what was wrong and what is allowed, for a person.
    rejection(rejection_code code, std::string message)
        : code_{code}, message_{std::move(message)} {}

    [[nodiscard]] rejection_code code() const noexcept { return code_; }
    [[nodiscard]] std::uint16_t status() const noexcept { return status_of(code_); }
    [[nodiscard]] std::string const& message() const noexcept { return message_; }

    /// A short name for machines (`invalid_api_key`, `model_not_found`), empty where the status says all.
    [[nodiscard]] std::string_view reason() const noexcept { return reason_; }
    /// Where in the request: a JSON pointer (RFC 6901) or a field name; empty where it is the whole.
    [[nodiscard]] std::string const& where() const noexcept { return where_; }
    /// When to come again; whole seconds, rounded up (RFC 9110 §10.2.3).
    [[nodiscard]] std::optional<std::chrono::seconds> retry_after() const noexcept {
        return retry_after_;
    }
    /// The security event that this refusal is (`external_access_attempt`, `invalid_token`, ...); empty for none.
    [[nodiscard]] std::string_view security_event() const noexcept { return security_event_; }
    /// Whether the connection must be closed after the answer: its framing is in doubt.
    [[nodiscard]] bool closes_connection() const noexcept { return closes_connection_; }

    /// Header fields that the answer carries besides the dialect's own (`x-ratelimit-limit-requests`, `Allow`, ...).
    [[nodiscard]] std::vector<std::pair<std::string_view, std::string>> const&
    fields() const noexcept {
        return fields_;
    }

    /// `reason` must outlive the rejection: pass a literal.
    rejection&& because(std::string_view reason) && noexcept {
        reason_ = reason;
        return std::move(*this);
    }
    rejection&& at(std::string where) && noexcept {
        where_ = std::move(where);
        return std::move(*this);
    }
    rejection&& come_again_in(std::chrono::seconds wait) && noexcept {
        retry_after_ = wait;
        return std::move(*this);
    }
    /// `event` must outlive the rejection: pass a literal.
    rejection&& as_security_event(std::string_view event) && noexcept {
        security_event_ = event;
        return std::move(*this);
    }
    /// `name` must outlive the rejection: pass a literal.
    rejection&& with_field(std::string_view name, std::string value) && {
        fields_.emplace_back(name, std::move(value));
        return std::move(*this);
    }
    rejection&& and_close() && noexcept {
        closes_connection_ = true;
        return std::move(*this);
    }

private:
    rejection_code code_;
    bool closes_connection_ = false;
    std::string_view reason_;
    std::string_view security_event_;
    std::optional<std::chrono::seconds> retry_after_;
    std::string message_;
    std::string where_;
    std::vector<std::pair<std::string_view, std::string>> fields_;
};

} // namespace mcp_provider
