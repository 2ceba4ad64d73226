// Reads the head of an HTTP/1.1 request, strictly: what two parsers could read differently is
// refused.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/detail/field_section.hpp"
#include "mcp_provider/http/detail/request_line.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/limits.hpp"
#include "mcp_provider/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::http {

/// An incremental parser of request heads (RFC 9112 §2 to §6), over a buffer that the caller owns.
/// It reads every byte once and stops at the first that is wrong, so that the outcome does not
/// depend on how the input was cut. It allocates nothing for the second request and later, unless
/// that one has more fields.
///
/// *Errors*: 400, 413, 414, 417, 431, 501, 505; all of them close the connection, since the rest
/// was not read.
///
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class request_parser {
public:
    explicit request_parser(limits const& limits) noexcept
        : max_target_bytes_{limits.max_target_bytes}, max_header_bytes_{detail::within_extent(
                                                          limits.max_header_bytes)},
          max_header_fields_{limits.max_header_fields}, max_body_bytes_{limits.max_body_bytes} {}

    /// Reads on. `buffer` holds all bytes since the request's first: what earlier calls saw,
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
            return refuse(rejection_code::header_too_large,
                          "the request's head is longer than the limit of " +
                              std::to_string(max_header_bytes_) + " bytes");
        return state;
    }

    /// The bytes of the head, with empty lines before it; the body follows them. Precondition:
    /// done.
    [[nodiscard]] std::size_t head_bytes() const noexcept { return at_; }

    /// Whether the request line was read and found right; then `fill` knows the path even of a
    /// refused request.
    [[nodiscard]] bool has_line() const noexcept { return phase_ == phase::fields; }

    /// Sets everything of `into` but its id and peer. `buffer` is the one of the last `feed`; the
    /// views point into it. After a rejection it sets what had been read by then, so that the
    /// refusal is told in the dialect of its path. In absolute form the target is the part from the
    /// path on.
    void fill(request& into, std::string_view buffer) const {
        into.clear();
        if (!has_line()) return;
        into.set_line(method_.in(buffer), target_in(buffer), minor_version_);
        for (detail::field_extent const& one : fields_)
            into.add_field(one.name.in(buffer), one.value.in(buffer));
        body_framing const framing{.chunked = chunked_,
                                   .content_length = content_length_.value_or(0)};
        into.set_framing(framing);
        into.set_keep_alive(!close_ && (minor_version_ == 1 || keep_alive_));
        // RFC 9110 §10.1.1: an expectation of HTTP/1.0 is ignored, and one without a body has
        // nothing to wait for.
        into.set_expects_continue(expects_continue_ && minor_version_ == 1 && framing.has_body());
        into.set_head_bytes(at_);
    }

    /// Makes the parser ready for the next request, whose first byte is the first of the next
    /// buffer.
    void reset() noexcept {
        section_.reset();
        fields_.clear();
        host_.reset();
        content_length_.reset();
        method_ = target_ = authority_ = {};
        at_ = 0;
        phase_ = phase::empty_line;
        form_ = form::origin;
        empty_lines_ = minor_version_ = 0;
        chunked_ = close_ = keep_alive_ = expects_continue_ = expects_other_ = false;
    }

private:
    enum class phase : std::uint8_t {
        empty_line,
        empty_line_lf,
        method,
        target,
        version,
        line_cr,
        line_lf,
        fields
    };
    enum class form : std::uint8_t { origin, absolute, absolute_without_path };

    static constexpr std::size_t max_method_bytes = 32;
    static constexpr std::uint8_t max_empty_lines = 4; // RFC 9112 §2.2: at least one
    static constexpr std::string_view version_pattern = "HTTP/d.d";

    using refusal = std::optional<rejection>;

    static rejection refuse(rejection_code code, std::string why) {
        return rejection{code, std::move(why)}.and_close();
    }
    static rejection malformed(std::string why) {
        return refuse(rejection_code::bad_request, std::move(why));
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
        case phase::empty_line:
        case phase::empty_line_lf:
            if (auto refused = skip_empty_lines(p, end)) return refused;
            if (p == end) return {};
            method_.begin = static_cast<std::uint32_t>(p - begin);
            phase_ = phase::method;
            [[fallthrough]];
        case phase::method:
            p = detail::skip(p, end, detail::token_class);
            method_.size = static_cast<std::uint32_t>(p - begin) - method_.begin;
            if (method_.size > max_method_bytes)
                return refuse(rejection_code::not_implemented,
                              "the method is longer than " + std::to_string(max_method_bytes) +
                                  " bytes");
            if (p == end) return {};
            if (*p != ' ' || method_.size == 0)
                return malformed(detail::method_defect(*p, method_.size == 0));
            ++p;
            target_.begin = static_cast<std::uint32_t>(p - begin);
            phase_ = phase::target;
            [[fallthrough]];
        case phase::target:
            p = detail::skip(p, end, detail::target_class);
            target_.size = static_cast<std::uint32_t>(p - begin) - target_.begin;
            if (target_.size > max_target_bytes_)
                return refuse(rejection_code::uri_too_long, "the request target is longer than " +
                                                                std::to_string(max_target_bytes_) +
                                                                " bytes");
            if (p == end) return {};
            if (*p != ' ' || target_.size == 0) return malformed(detail::target_defect(*p));
            ++p;
            phase_ = phase::version;
            [[fallthrough]];
        case phase::version:
            for (std::size_t i = version_bytes(p - begin); i < version_pattern.size(); ++i, ++p) {
                if (p == end) return {};
                char const wanted = version_pattern[i];
                if (wanted == 'd' ? !detail::is_digit(*p) : *p != wanted)
                    return malformed(detail::version_defect(*p));
            }
            phase_ = phase::line_cr;
            [[fallthrough]];
        case phase::line_cr:
            if (p == end) return {};
            if (*p != '\r') return malformed(detail::version_defect(*p));
            ++p;
            phase_ = phase::line_lf;
            [[fallthrough]];
        case phase::line_lf:
            if (p == end) return {};
            if (*p != '\n')
                return malformed("the request line holds a bare CR; a line ends with CR LF");
            ++p;
            if (auto refused = judge_line({begin, static_cast<std::size_t>(p - begin)}))
                return refused;
            phase_ = phase::fields;
            break;
        case phase::fields: break;
        }
        return {};
    }

    [[nodiscard]] std::size_t version_bytes(std::ptrdiff_t position) const noexcept {
        return static_cast<std::size_t>(position) - (target_.begin + target_.size + 1);
    }

    refusal skip_empty_lines(char const*& p, char const* end) {
        while (p != end) {
            if (phase_ == phase::empty_line_lf) {
                if (*p != '\n') return malformed("a bare CR stands before the request line");
                if (++empty_lines_ > max_empty_lines)
                    return malformed("more than " + std::to_string(max_empty_lines) +
                                     " empty lines stand before the request line");
                phase_ = phase::empty_line;
            } else if (*p == '\r') {
                phase_ = phase::empty_line_lf;
            } else {
                return {};
            }
            ++p;
        }
        return {};
    }

    /// What can only be judged when the whole line is there.
    refusal judge_line(std::string_view buffer) {
        std::string_view const version =
            buffer.substr(target_.begin + target_.size + 1, version_pattern.size());
        if (version != "HTTP/1.1" && version != "HTTP/1.0")
            return refuse(rejection_code::version_unsupported,
                          std::string{version} + " is not served here; use HTTP/1.1 or HTTP/1.0");
        minor_version_ = version.back() == '1' ? 1 : 0;
        if (method_.in(buffer) == "CONNECT")
            return refuse(rejection_code::not_implemented,
                          "CONNECT is not served here; this is no proxy");
        return judge_target(buffer);
    }

    refusal judge_target(std::string_view buffer) {
        std::string_view target = target_.in(buffer);
        bool const options = method_.in(buffer) == "OPTIONS";
        if (target == "*") {
            if (options) return {};
            return malformed("the request target '*' is for OPTIONS only");
        }
        if (target[0] != '/') {
            std::size_t const scheme = detail::scheme_bytes(target);
            if (scheme == 0)
                return malformed(
                    "the request target must start with '/', or be an http or https URL");
            target.remove_prefix(scheme);
            std::size_t const authority = target.substr(0, target.find_first_of("/?")).size();
            authority_ = {static_cast<std::uint32_t>(target_.begin + scheme),
                          static_cast<std::uint32_t>(authority)};
            target.remove_prefix(authority);
            form_ = target.empty() ? form::absolute_without_path : form::absolute;
            if (!target.empty() && target[0] != '/')
                return malformed("the URL in the request line has no path");
        }
        if (std::string defect = detail::percent_encoding_defect(target); !defect.empty())
            return malformed(std::move(defect));
        return {};
    }

    refusal read_fields(std::string_view buffer, parse_state& state) {
        using step = detail::field_section::step;
        for (;;) {
            switch (section_.next(buffer, at_)) {
            case step::need_more: return {};
            case step::refused: return malformed(section_.defect());
            case step::field:
                if (fields_.size() == max_header_fields_)
                    return refuse(rejection_code::header_too_large,
                                  "the request has more than " +
                                      std::to_string(max_header_fields_) + " header fields");
                fields_.push_back(section_.last());
                if (auto refused = judge_field(buffer, fields_.back())) return refused;
                break;
            case step::end: state = parse_state::done; return judge_head(buffer);
            }
        }
    }

    /// Looks at the fields that decide about framing and routing.
    refusal judge_field(std::string_view buffer, detail::field_extent const& field) {
        std::string_view const name = field.name.in(buffer);
        std::string_view const value = field.value.in(buffer);
        switch (name.size()) {
        case 4:
            if (equals_ignoring_case(name, "host")) return judge_host(field.value, value);
            break;
        case 6:
            if (equals_ignoring_case(name, "expect"))
                (equals_ignoring_case(value, "100-continue") ? expects_continue_ : expects_other_) =
                    true;
            break;
        case 10:
            if (equals_ignoring_case(name, "connection")) return judge_connection(value);
            break;
        case 14:
            if (equals_ignoring_case(name, "content-length")) {
                if (content_length_) return malformed("the request has two Content-Length fields");
                content_length_ = detail::parse_length(value);
                if (!content_length_)
                    return malformed(
                        "Content-Length must be a decimal number without sign or leading zero");
            }
            break;
        case 17:
            if (equals_ignoring_case(name, "transfer-encoding")) {
                if (chunked_) return malformed("the request has two Transfer-Encoding fields");
                if (!equals_ignoring_case(value, "chunked"))
                    return malformed(
                        "the only Transfer-Encoding served here is 'chunked', alone and once");
                chunked_ = true;
            }
            break;
        default: break;
        }
        return {};
    }

    refusal judge_connection(std::string_view value) {
        bool right = true;
        for_each_element(value, [&](std::string_view option) {
            if (equals_ignoring_case(option, "close")) close_ = true;
            if (equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
            right = right && detail::all_of(option, detail::token_class);
        });
        if (right) return {};
        return malformed("Connection must be a list of names, such as 'close' or 'keep-alive'");
    }

    refusal judge_host(detail::extent where, std::string_view value) {
        if (host_) return malformed("the request has two Host fields");
        if (!detail::is_host(value))
            return malformed(
                "Host must be a name or an address, and optionally a port from 1 to 65535");
        host_ = where;
        return {};
    }

    /// What can only be judged when all fields are there.
    refusal judge_head(std::string_view buffer) const {
        if (chunked_ && content_length_)
            return malformed("the request has both Transfer-Encoding and Content-Length");
        if (chunked_ && minor_version_ == 0) return malformed("HTTP/1.0 has no Transfer-Encoding");
        if (!host_ && minor_version_ == 1)
            return malformed("an HTTP/1.1 request must have a Host field");
        if (form_ != form::origin) {
            if (!host_ || !equals_ignoring_case(authority_.in(buffer), host_->in(buffer)))
                return malformed("the URL in the request line names another authority than Host");
        }
        if (content_length_.value_or(0) > max_body_bytes_)
            return refuse(rejection_code::too_large, "the body is longer than the limit of " +
                                                         std::to_string(max_body_bytes_) +
                                                         " bytes");
        if (expects_other_)
            return refuse(rejection_code::expectation_failed,
                          "the only expectation served here is 100-continue");
        return {};
    }

    [[nodiscard]] std::string_view target_in(std::string_view buffer) const noexcept {
        if (form_ == form::origin) return target_.in(buffer);
        // RFC 9112 §3.2.4: OPTIONS of a URL without a path asks about the server as a whole.
        if (form_ == form::absolute_without_path)
            return method_.in(buffer) == "OPTIONS" ? "*" : "/";
        std::uint32_t const path = authority_.begin + authority_.size;
        return buffer.substr(path, target_.begin + target_.size - path);
    }

    std::size_t max_target_bytes_;
    std::size_t max_header_bytes_;
    std::size_t max_header_fields_;
    std::uint64_t max_body_bytes_;
    detail::field_section section_;
    std::vector<detail::field_extent> fields_;
    std::optional<std::uint64_t> content_length_;
    std::optional<detail::extent> host_;
    detail::extent method_;
    detail::extent target_;
    detail::extent authority_;
    std::size_t at_ = 0;
    phase phase_ = phase::empty_line;
    form form_ = form::origin;
    std::uint8_t empty_lines_ = 0;
    std::uint8_t minor_version_ = 0;
    bool chunked_ = false;
    bool close_ = false;
    bool keep_alive_ = false;
    bool expects_continue_ = false;
    bool expects_other_ = false;
};

} // namespace mcp_provider::http
