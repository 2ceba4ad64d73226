// Reads the head of an upstream's HTTP/1.1 response: the client's side.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/detail/field_section.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/limits.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::http {

/// How the body of a response is framed (RFC 9112 §6.3).
enum class response_framing : std::uint8_t { none, length, chunked, until_close };

/// The head of a response that was read.
///
/// *Lifetime*: the views are those of the buffer it was filled from.
struct response_head {
    std::uint16_t status = 0;
    std::uint8_t minor_version = 1;
    bool keep_alive =
        false; ///< whether the connection serves another request once the body has been read
    response_framing framing = response_framing::none;
    std::uint64_t content_length = 0; ///< with `response_framing::length`
    std::size_t head_bytes = 0;
    std::string_view reason;
    std::vector<field_view> fields;

    /// The value of the first field of that name; nothing where there is none.
    [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept {
        for (field_view const& one : fields)
            if (equals_ignoring_case(one.name, name)) return one.value;
        return std::nullopt;
    }
};

/// An incremental parser of response heads, over a buffer that the caller owns. What leaves the
/// length of the body in doubt is refused, since a wrong guess would hand one caller's answer to
/// another. A head with a status below 200 is an interim one: reset, and read the next from behind
/// it.
///
/// *Errors*: 502 for everything; the connection must be closed.
///
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class response_parser {
public:
    /// Uses `max_header_bytes` and `max_header_fields`.
    explicit response_parser(limits const& limits) noexcept
        : max_header_bytes_{detail::within_extent(limits.max_header_bytes)},
          max_header_fields_{limits.max_header_fields} {}

    /// Reads on. `buffer` holds all bytes since the response's first: what earlier calls saw,
    /// possibly at another address, and what has come since. Precondition: neither done nor refused
    /// since `reset`.
    [[nodiscard]] result<parse_state> feed(std::string_view buffer) {
        std::string_view const head = buffer.substr(0, max_header_bytes_);
        parse_state state = parse_state::need_more;
        if (phase_ != phase::fields)
            if (auto refused = read_line(head)) return *std::move(refused);
        if (phase_ == phase::fields)
            if (auto refused = read_fields(head, state)) return *std::move(refused);
        if (state == parse_state::need_more && buffer.size() > max_header_bytes_)
            return refuse("its head is longer than " + std::to_string(max_header_bytes_) +
                          " bytes");
        return state;
    }

    /// Sets everything of `into`. `buffer` is the one of the last `feed`. `to_head` says that the
    /// request was a HEAD: its response has no body, whatever the fields announce. Precondition:
    /// done.
    void fill(response_head& into, std::string_view buffer, bool to_head) const {
        into.status = status_;
        into.minor_version = minor_version_;
        into.reason = reason_.in(buffer);
        into.head_bytes = at_;
        into.fields.clear();
        for (detail::field_extent const& one : fields_)
            into.fields.push_back(field_view{one.name.in(buffer), one.value.in(buffer)});
        into.content_length = content_length_.value_or(0);
        bool const never_has_body = status_ < 200 || status_ == 204;
        if (never_has_body || status_ == 304 || to_head)
            into.framing = response_framing::none;
        else if (chunked_)
            into.framing = response_framing::chunked;
        else if (content_length_)
            into.framing = response_framing::length;
        else
            into.framing = response_framing::until_close;
        // A 204 that announces a body may well send it (RFC 9112 §6.3 says to read none): not on a
        // connection of ours.
        bool const in_doubt = never_has_body && (chunked_ || content_length_.value_or(0) != 0);
        into.keep_alive = !close_ && (minor_version_ == 1 || keep_alive_) && !in_doubt &&
                          into.framing != response_framing::until_close;
    }

    /// Makes the parser ready for the next response, whose first byte is the first of the next
    /// buffer.
    void reset() noexcept {
        section_.reset();
        fields_.clear();
        content_length_.reset();
        reason_ = {};
        at_ = 0;
        status_ = 0;
        minor_version_ = 0;
        phase_ = phase::start;
        chunked_ = close_ = keep_alive_ = false;
    }

private:
    enum class phase : std::uint8_t { start, reason_space, reason, line_lf, fields };

    static constexpr std::string_view start_pattern = "HTTP/1.d ddd";

    using refusal = std::optional<rejection>;

    static rejection refuse(std::string_view why) {
        return rejection{rejection_code::upstream_failed,
                         "the upstream's response is malformed: " + std::string{why}}
            .and_close();
    }

    refusal read_line(std::string_view buffer) {
        char const* const begin = buffer.data();
        char const* const end = begin + buffer.size();
        char const* p = begin + at_;
        auto refused = read_line(begin, p, end);
        at_ = static_cast<std::size_t>(p - begin);
        return refused;
    }

    refusal read_line(char const* begin, char const*& p, char const* end) {
        switch (phase_) {
        case phase::start:
            for (auto i = static_cast<std::size_t>(p - begin); i < start_pattern.size(); ++i, ++p) {
                if (p == end) return {};
                char const wanted = start_pattern[i];
                if (wanted == 'd' ? !detail::is_digit(*p) : *p != wanted) return bad_line(*p);
            }
            if (auto refused = judge_line({begin, start_pattern.size()})) return refused;
            phase_ = phase::reason_space;
            [[fallthrough]];
        case phase::reason_space:
            if (p == end) return {};
            // RFC 9112 §4 wants the space even before an empty reason, but many senders leave it
            // out.
            if (*p != ' ' && *p != '\r') return bad_line(*p);
            if (*p == ' ') ++p;
            reason_.begin = static_cast<std::uint32_t>(p - begin);
            phase_ = phase::reason;
            [[fallthrough]];
        case phase::reason:
            p = detail::skip_value(p, end);
            if (p == end) return {};
            if (*p != '\r') return bad_line(*p);
            reason_.size = static_cast<std::uint32_t>(p - begin) - reason_.begin;
            ++p;
            phase_ = phase::line_lf;
            [[fallthrough]];
        case phase::line_lf:
            if (p == end) return {};
            if (*p != '\n') return refuse("its status line holds a bare CR");
            ++p;
            phase_ = phase::fields;
            break;
        case phase::fields: break;
        }
        return {};
    }

    refusal judge_line(std::string_view start) {
        char const minor = start[7];
        if (minor > '1') return refuse("its version is neither HTTP/1.1 nor HTTP/1.0");
        minor_version_ = minor == '1' ? 1 : 0;
        status_ = 0;
        for (char c : start.substr(9))
            status_ = static_cast<std::uint16_t>(status_ * 10 + (c - '0'));
        if (status_ < 100 || status_ > 599) return refuse("its status is not between 100 and 599");
        return {};
    }

    refusal read_fields(std::string_view buffer, parse_state& state) {
        using step = detail::field_section::step;
        for (;;) {
            switch (section_.next(buffer, at_)) {
            case step::need_more: return {};
            case step::refused: return refuse(section_.defect());
            case step::field:
                if (fields_.size() == max_header_fields_)
                    return refuse("it has more than " + std::to_string(max_header_fields_) +
                                  " header fields");
                fields_.push_back(section_.last());
                if (auto refused = judge_field(fields_.back().name.in(buffer),
                                               fields_.back().value.in(buffer)))
                    return refused;
                break;
            case step::end:
                if (chunked_ && content_length_)
                    return refuse("it has both Transfer-Encoding and Content-Length");
                if (chunked_ && minor_version_ == 0)
                    return refuse("HTTP/1.0 has no Transfer-Encoding");
                state = parse_state::done;
                return {};
            }
        }
    }

    refusal judge_field(std::string_view name, std::string_view value) {
        if (name.size() == 10 && equals_ignoring_case(name, "connection")) {
            for_each_element(value, [this](std::string_view option) {
                if (equals_ignoring_case(option, "close")) close_ = true;
                if (equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
            });
        } else if (name.size() == 14 && equals_ignoring_case(name, "content-length")) {
            auto const length = detail::parse_length(value);
            if (!length) return refuse("its Content-Length is not a decimal number");
            if (content_length_.value_or(*length) != *length)
                return refuse("it has two different Content-Lengths");
            content_length_ = length;
        } else if (name.size() == 17 && equals_ignoring_case(name, "transfer-encoding")) {
            if (chunked_ || !equals_ignoring_case(value, "chunked"))
                return refuse("its Transfer-Encoding is not 'chunked', alone and once");
            chunked_ = true;
        }
        return {};
    }

    static rejection bad_line(char c) {
        return refuse("its status line must be HTTP/1.1 SP status SP reason CR LF, but holds " +
                      detail::name_of(c));
    }

    std::size_t max_header_bytes_;
    std::size_t max_header_fields_;
    detail::field_section section_;
    std::vector<detail::field_extent> fields_;
    std::optional<std::uint64_t> content_length_;
    detail::extent reason_;
    std::size_t at_ = 0;
    std::uint16_t status_ = 0;
    std::uint8_t minor_version_ = 0;
    phase phase_ = phase::start;
    bool chunked_ = false;
    bool close_ = false;
    bool keep_alive_ = false;
};

} // namespace mcp_provider::http
