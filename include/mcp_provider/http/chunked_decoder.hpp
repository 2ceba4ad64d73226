// Decodes a chunked body as it arrives, strictly (RFC 9112 §7.1).
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/detail/field_section.hpp"
#include "mcp_provider/http/limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::http {

/// Whose mistake a malformed body is: the client's (400, 413, 431), or the upstream's (always 502).
enum class sender : std::uint8_t { client, upstream };

/// How far a decoder came.
struct chunked_progress {
    std::size_t consumed =
        0; ///< bytes of the input that belong to this body; what follows is the next message
    bool done = false; ///< the last chunk and the trailers were read
};

/// Decodes one chunked body, from input that is cut anywhere. Trailers are checked and dropped:
/// none of them can then change a decision that was made before the body was read.
///
/// *Errors*: 400 for bad framing, 413 for a body over `max_body_bytes` (told by the chunk's size,
/// before its bytes come), 431 for trailers over their limit; all close the connection. From an
/// upstream all are 502.
///
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class chunked_decoder {
public:
    explicit chunked_decoder(limits const& limits, sender from = sender::client) noexcept
        : max_body_bytes_{limits.max_body_bytes}, max_line_bytes_{limits.max_chunk_line_bytes},
          max_trailer_bytes_{limits.max_trailer_bytes}, from_{from} {}

    /// Decodes `input` and appends the body's bytes to `out`. Precondition: neither done nor
    /// refused since `reset`.
    [[nodiscard]] result<chunked_progress> feed(std::string_view input, std::string& out) {
        return feed_slices(input, [&out](std::string_view slice) { out.append(slice); });
    }

    /// The same without a copy: calls `take(slice)` for each run of body bytes in `input`.
    template <class Take>
    [[nodiscard]] result<chunked_progress> feed_slices(std::string_view input, Take&& take) {
        std::size_t at = 0;
        while (at != input.size() && phase_ != phase::done) {
            if (phase_ == phase::content) {
                auto const run =
                    static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
                take(input.substr(at, run));
                at += run;
                left_ -= run;
                if (left_ == 0) phase_ = phase::content_cr;
            } else if (phase_ == phase::trailers) {
                if (auto refused = read_trailers(input, at)) return *std::move(refused);
            } else if (auto refused = read_framing(input, at)) {
                return *std::move(refused);
            }
        }
        return chunked_progress{.consumed = at, .done = phase_ == phase::done};
    }

    /// The decoded bytes that the chunk heads read so far announce.
    [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

    /// Makes the decoder ready for another body.
    void reset() noexcept {
        trailers_.reset();
        body_bytes_ = left_ = 0;
        line_bytes_ = trailer_bytes_ = extension_bytes_ = 0;
        phase_ = phase::size_start;
    }

private:
    enum class phase : std::uint8_t {
        size_start,
        size,
        extension_start,
        extension_name,
        extension_value_start,
        extension_token,
        extension_quoted,
        extension_escaped,
        extension_quote_end,
        line_lf,
        content,
        content_cr,
        content_lf,
        trailers,
        done,
    };

    /// Extensions mean nothing to us. Without a limit a sender could wrap each byte of a body in a
    /// line of them (CVE-2023-39326).
    static constexpr std::size_t max_extension_bytes = 16 * 1024;

    using refusal = std::optional<rejection>;

    [[nodiscard]] rejection refuse(rejection_code code, std::string why) const {
        if (from_ == sender::upstream) code = rejection_code::upstream_failed;
        return rejection{code, std::move(why)}.and_close();
    }
    [[nodiscard]] rejection malformed(std::string why) const {
        return refuse(rejection_code::bad_request, "malformed chunked body: " + std::move(why));
    }

    /// Reads a chunk's line, and the line end after its content, until its phase changes to another
    /// kind of reading.
    refusal read_framing(std::string_view input, std::size_t& at) {
        while (at != input.size()) {
            char const c = input[at];
            ++at;
            if (phase_ == phase::content_cr) {
                if (c != '\r')
                    return malformed("a chunk is longer than its size, or has no CR LF at its end");
                phase_ = phase::content_lf;
                continue;
            }
            if (phase_ == phase::content_lf) {
                if (c != '\n') return malformed("a chunk's content ends with a bare CR");
                phase_ = phase::size_start;
                continue;
            }
            if (phase_ == phase::line_lf) {
                if (c != '\n') return malformed("a chunk's line holds a bare CR");
                line_bytes_ = 0;
                phase_ = left_ == 0 ? phase::trailers : phase::content;
                return {};
            }
            if (c != '\r' && ++line_bytes_ > max_line_bytes_)
                return malformed("a chunk's line is longer than " +
                                 std::to_string(max_line_bytes_) + " bytes");
            if (auto refused = read_line_byte(c)) return refused;
        }
        return {};
    }

    refusal read_line_byte(char c) {
        switch (phase_) {
        case phase::size_start:
            left_ = 0;
            if (!detail::is_of(c, detail::hex_class)) return bad_size(c);
            phase_ = phase::size;
            [[fallthrough]];
        case phase::size:
            if (detail::is_of(c, detail::hex_class)) {
                if (left_ >> 60U != 0) return malformed("a chunk's size does not fit into 64 bits");
                left_ = left_ * 16 + detail::hex_value(c);
                return {};
            }
            return end_size(c);
        default: break;
        }
        if (++extension_bytes_ > max_extension_bytes)
            return malformed("its chunk extensions are longer than " +
                             std::to_string(max_extension_bytes) + " bytes altogether");
        return read_extension_byte(c);
    }

    refusal read_extension_byte(char c) {
        bool const token = detail::is_of(c, detail::token_class);
        bool const text = skips_as_value(c);
        switch (phase_) {
        case phase::extension_start:
            if (!token) break;
            phase_ = phase::extension_name;
            return {};
        case phase::extension_name:
            if (token) return {};
            if (c != '=') return end_size(c);
            phase_ = phase::extension_value_start;
            return {};
        case phase::extension_value_start:
            if (!token && c != '"') break;
            phase_ = c == '"' ? phase::extension_quoted : phase::extension_token;
            return {};
        case phase::extension_token:
            if (token) return {};
            return end_size(c);
        case phase::extension_quoted:
            if (!text) break;
            if (c == '"') phase_ = phase::extension_quote_end;
            if (c == '\\') phase_ = phase::extension_escaped;
            return {};
        case phase::extension_escaped:
            if (!text) break;
            phase_ = phase::extension_quoted;
            return {};
        default: return end_size(c);
        }
        return malformed("a chunk extension holds " + detail::name_of(c) +
                         "; it must be ;name, ;name=token or ;name=\"text\"");
    }

    static bool skips_as_value(char c) noexcept { return detail::skip_value(&c, &c + 1) != &c; }

    /// Goes on after a size, or after a whole extension.
    refusal end_size(char c) {
        if (c == ';') {
            phase_ = phase::extension_start;
            return {};
        }
        if (c != '\r') return bad_size(c);
        if (left_ > max_body_bytes_ - body_bytes_)
            return refuse(rejection_code::too_large, "the body is longer than the limit of " +
                                                         std::to_string(max_body_bytes_) +
                                                         " bytes");
        body_bytes_ += left_;
        phase_ = phase::line_lf;
        return {};
    }

    [[nodiscard]] rejection bad_size(char c) const {
        if (c == '\n') return malformed("a chunk's line ends with a bare LF");
        return malformed("a chunk's line holds " + detail::name_of(c) +
                         "; it must be a hexadecimal size, then extensions or CR LF");
    }

    refusal read_trailers(std::string_view input, std::size_t& at) {
        using step = detail::field_section::step;
        std::string_view const within = input.substr(0, at + (max_trailer_bytes_ - trailer_bytes_));
        std::size_t const from = at;
        step last = step::field;
        while (last == step::field) last = trailers_.next(within, at);
        trailer_bytes_ += at - from;
        if (last == step::refused) return malformed("in a trailer, " + trailers_.defect());
        if (last == step::end)
            phase_ = phase::done;
        else if (within.size() < input.size())
            return refuse(rejection_code::header_too_large,
                          "the trailers are longer than the limit of " +
                              std::to_string(max_trailer_bytes_) + " bytes");
        return {};
    }

    detail::field_section trailers_;
    std::uint64_t max_body_bytes_;
    std::uint64_t body_bytes_ = 0;
    std::uint64_t left_ = 0;
    std::size_t max_line_bytes_;
    std::size_t max_trailer_bytes_;
    std::size_t line_bytes_ = 0;
    std::size_t trailer_bytes_ = 0;
    std::size_t extension_bytes_ = 0;
    sender from_;
    phase phase_ = phase::size_start;
};

} // namespace mcp_provider::http
