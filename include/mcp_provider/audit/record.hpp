// One event of the audit log: what happened, to whom, and how it ended.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/json/write.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::audit {

/// What a record tells. An exchange leaves one record, at its end, of the type that `type_of` says; `response` comes
/// in addition, and only where the operator has switched content logging on.
enum class event_type : std::uint8_t {
    request,  ///< an exchange that was answered: status below 400 and a complete body
    response, ///< the content of an answer
    error,    ///< an exchange that was refused, failed or broke off, and is no matter of security
    security, ///< a security event: a refusal by origin, token, block or rate; an act of an operator; the log itself
};

[[nodiscard]] constexpr std::string_view name_of(event_type type) noexcept {
    switch (type) {
    case event_type::request: return "REQUEST";
    case event_type::response: return "RESPONSE";
    case event_type::error: return "ERROR";
    case event_type::security: return "SECURITY";
    }
    return "";
}

/// The type of the one record that an exchange leaves.
[[nodiscard]] constexpr event_type type_of(std::uint16_t status, bool complete,
                                           bool is_security_event) noexcept {
    if (is_security_event) return event_type::security;
    return complete && status < 400 ? event_type::request : event_type::error;
}

/// The security flags of a record: a few names, kept as views. What does not fit any more is counted by `overflowed`.
class security_flags {
public:
    static constexpr std::size_t capacity = 6;

    /// Adds a name once. *Lifetime*: `name` must live until the record is written.
    constexpr void add(std::string_view name) noexcept {
        if (name.empty()) return;
        for (std::string_view const one : *this)
            if (one == name) return;
        if (size_ == capacity)
            overflowed_ = true;
        else
            names_[size_++] = name;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] constexpr bool overflowed() const noexcept { return overflowed_; }
    [[nodiscard]] constexpr std::string_view const* begin() const noexcept { return names_.data(); }
    [[nodiscard]] constexpr std::string_view const* end() const noexcept {
        return names_.data() + size_;
    }

private:
    std::array<std::string_view, capacity> names_;
    std::uint8_t size_ = 0;
    bool overflowed_ = false;
};

/// The members of one event. The texts are views: a sink copies what it needs before it returns, so that building a
/// record allocates nothing. Empty texts beyond those of the seed's AuditLogEntry are left out of the line.
/// No member may hold a token, a key or a query; a prompt only as its hash, unless content logging is on.
struct record {
    // The seed's AuditLogEntry.
    system_time timestamp{};
    event_type type = event_type::request;
    std::string_view session_id;
    std::string_view client_ip;
    std::string_view user_agent;
    std::string_view request_id;
    std::string_view endpoint; ///< the path, never its query
    std::string_view method;
    std::uint16_t status_code = 0;
    std::chrono::nanoseconds processing_time{}; ///< written as whole milliseconds
    std::uint64_t request_size_bytes = 0;
    std::uint64_t response_size_bytes = 0;
    std::optional<crypto::digest> prompt_hash; ///< SHA-256 of the prompt
    std::string_view error_details;            ///< what was wrong, for a person
    audit::security_flags security_flags;

    // What the contract adds.
    std::string_view principal_id;
    std::optional<std::uint32_t> local_uid;
    std::string_view model;
    std::optional<std::uint64_t> prompt_tokens;
    std::optional<std::uint64_t> completion_tokens;
    std::string_view trace_id;
    std::string_view cause; ///< how the exchange ended: `complete`, `client_gone`, `deadline`, ...
    std::string_view refused_by; ///< the name of the policy that refused
    std::string_view reason;     ///< the short name of a refusal (`rejection::reason`)
    std::string_view message;    ///< of a security event: what was done; of a response: its content
    std::uint64_t dropped = 0;   ///< of the log itself: so many records were lost before this one
};

/// How long texts in a line may be, in bytes; what is longer is cut and the record gets the flag `truncated`.
inline constexpr std::size_t max_text_bytes = 2 * 1024;
inline constexpr std::size_t max_message_bytes = 64 * 1024;

namespace detail {

/// Writes members in order; cuts what is too long at a border between characters.
class member_writer {
public:
    explicit member_writer(std::string& out) noexcept : out_{out} {}

    void text(std::string_view prefix, std::string_view value, std::size_t most = max_text_bytes) {
        if (value.size() > most) [[unlikely]] {
            truncated_ = true;
            while (most != 0 && (static_cast<unsigned char>(value[most]) & 0xC0U) == 0x80U) --most;
            value = value.substr(0, most);
        }
        out_ += prefix;
        json::append_quoted(out_, value);
    }
    void text_or_none(std::string_view prefix, std::string_view value,
                      std::size_t most = max_text_bytes) {
        if (!value.empty()) text(prefix, value, most);
    }
    template <class Number>
    void number(std::string_view prefix, Number value) {
        out_ += prefix;
        json::append_number(out_, value);
    }
    template <class Number>
    void number_or_none(std::string_view prefix, std::optional<Number> const& value) {
        if (value) number(prefix, *value);
    }
    [[nodiscard]] bool truncated() const noexcept { return truncated_; }

private:
    std::string& out_;
    bool truncated_ = false;
};

} // namespace detail

/// Appends the members of a record as canonical JSON: fixed order, no white space, without the braces, so that a chain
/// can put its own around. *Complexity*: linear; about a quarter of a microsecond for a common record.
inline void append_members(std::string& out, record const& one) {
    detail::member_writer members{out};
    out += "\"timestamp\":\"";
    append_timestamp(out, one.timestamp);
    out += "\",\"event_type\":\"";
    out += name_of(one.type);
    members.text("\",\"session_id\":", one.session_id);
    members.text(",\"client_ip\":", one.client_ip);
    members.text(",\"user_agent\":", one.user_agent);
    members.text(",\"request_id\":", one.request_id);
    members.text(",\"endpoint\":", one.endpoint);
    members.text(",\"method\":", one.method);
    members.number(",\"status_code\":", one.status_code);
    members.number(
        ",\"processing_time_ms\":",
        std::chrono::duration_cast<std::chrono::milliseconds>(one.processing_time).count());
    members.number(",\"request_size_bytes\":", one.request_size_bytes);
    members.number(",\"response_size_bytes\":", one.response_size_bytes);
    if (one.prompt_hash) {
        out += ",\"prompt_hash\":\"";
        crypto::append_hex(out, crypto::as_text(*one.prompt_hash));
        out += '"';
    } else {
        out += ",\"prompt_hash\":null";
    }
    if (one.error_details.empty())
        out += ",\"error_details\":null";
    else
        members.text(",\"error_details\":", one.error_details);

    members.text_or_none(",\"principal_id\":", one.principal_id);
    members.number_or_none(",\"local_uid\":", one.local_uid);
    members.text_or_none(",\"model\":", one.model);
    members.number_or_none(",\"prompt_tokens\":", one.prompt_tokens);
    members.number_or_none(",\"completion_tokens\":", one.completion_tokens);
    members.text_or_none(",\"trace_id\":", one.trace_id);
    members.text_or_none(",\"cause\":", one.cause);
    members.text_or_none(",\"refused_by\":", one.refused_by);
    members.text_or_none(",\"reason\":", one.reason);
    members.text_or_none(",\"message\":", one.message, max_message_bytes);
    if (one.dropped != 0) members.number(",\"dropped\":", one.dropped);

    // After all texts, for a text that was cut adds a flag.
    std::string_view separator = ",\"security_flags\":[";
    auto const flag = [&](std::string_view name) {
        members.text(separator, name);
        separator = ",";
    };
    for (std::string_view const name : one.security_flags) flag(name);
    if (one.security_flags.overflowed()) flag("more");
    if (members.truncated()) flag("truncated");
    out += separator == "," ? "]" : ",\"security_flags\":[]";
}

} // namespace mcp_provider::audit
