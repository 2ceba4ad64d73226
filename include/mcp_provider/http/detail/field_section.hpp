// The syntax that requests, responses and trailers share: character classes and field lines (RFC
// 9112 §5).
#pragma once

#include "mcp_provider/http/fields.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::http {

/// Whether a head is complete.
enum class parse_state : std::uint8_t { need_more, done };

namespace detail {

inline constexpr std::uint8_t token_class = 1; // RFC 9110 §5.6.2
inline constexpr std::uint8_t target_class =
    2; // what RFC 3986 or the WHATWG's URL lets through, but '\' and '#'
inline constexpr std::uint8_t host_class =
    4; // a registered name or an IPv4 address, without percent-encoding
inline constexpr std::uint8_t hex_class = 8;

inline constexpr std::array<std::uint8_t, 256> character_classes = [] {
    std::array<std::uint8_t, 256> classes{};
    for (std::size_t i = 0; i < classes.size(); ++i) {
        auto const c = static_cast<char>(i);
        bool const digit = c >= '0' && c <= '9';
        bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        unsigned of = 0;
        if (is_token_character(c)) of |= token_class;
        if (i > 0x20 && i < 0x7f && std::string_view{"\"<>\\#"}.find(c) == std::string_view::npos)
            of |= target_class;
        if (letter || digit || std::string_view{"-._~"}.find(c) != std::string_view::npos)
            of |= host_class;
        if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) of |= hex_class;
        classes[i] = static_cast<std::uint8_t>(of);
    }
    return classes;
}();

[[nodiscard]] constexpr bool is_of(char c, std::uint8_t of) noexcept {
    return (character_classes[static_cast<unsigned char>(c)] & of) != 0;
}

[[nodiscard]] constexpr char const* skip(char const* at, char const* end,
                                         std::uint8_t of) noexcept {
    while (at != end && is_of(*at, of)) ++at;
    return at;
}

[[nodiscard]] constexpr bool all_of(std::string_view text, std::uint8_t of) noexcept {
    return skip(text.data(), text.data() + text.size(), of) == text.data() + text.size();
}

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The value of a hexadecimal digit. Precondition: it is one.
[[nodiscard]] constexpr unsigned hex_value(char c) noexcept {
    return is_digit(c) ? static_cast<unsigned>(c - '0')
                       : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

/// Finds the first control byte (HTAB among them), eight bytes at a time.
[[nodiscard]] inline char const* find_control(char const* at, char const* end) noexcept {
    constexpr std::uint64_t ones = ~std::uint64_t{0} / 255;
    for (; end - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        // Sets the high bit of each byte below 0x20 and of 0x7f; a carry may set one more, which
        // the loop below clears up.
        if ((((word - ones * 0x20) | (word + ones)) & ~word & (ones * 0x80)) != 0) break;
    }
    while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != 0x7f) ++at;
    return at;
}

/// Finds the first byte that no field value may hold: a control byte other than HTAB (RFC 9110
/// §5.5).
[[nodiscard]] inline char const* skip_value(char const* at, char const* end) noexcept {
    for (;; ++at) {
        at = find_control(at, end);
        if (at == end || *at != '\t') return at;
    }
}

/// Names a byte for an error message: as it is where it can be seen, otherwise in hexadecimal.
[[nodiscard]] inline std::string name_of(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto const byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) return {'\'', c, '\''};
    return {'0', 'x', digits[byte >> 4U], digits[byte & 15U]};
}

/// Reads a Content-Length: digits only, no leading zero, within 64 bits (RFC 9110 §8.6; a list or a
/// zero in front is what smuggling looks like).
[[nodiscard]] constexpr std::optional<std::uint64_t> parse_length(std::string_view text) noexcept {
    if (text.empty() || text.size() > 20 || (text.size() > 1 && text[0] == '0'))
        return std::nullopt;
    std::uint64_t value = 0;
    for (char c : text) {
        if (!is_digit(c)) return std::nullopt;
        auto const digit = static_cast<std::uint64_t>(c - '0');
        if (value > (~std::uint64_t{0} - digit) / 10) return std::nullopt;
        value = value * 10 + digit;
    }
    return value;
}

/// Where a piece of text lies in a buffer that may move.
struct extent {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
    [[nodiscard]] std::string_view in(std::string_view buffer) const noexcept {
        return buffer.substr(begin, size);
    }
};

/// The part of a limit that an extent can tell.
[[nodiscard]] constexpr std::size_t within_extent(std::size_t limit) noexcept {
    return limit < UINT32_MAX ? limit : UINT32_MAX;
}

struct field_extent {
    extent name;
    extent value;
};

/// Reads field lines up to and including the empty line that ends them. It stops at the first byte
/// that is wrong, so that the outcome does not depend on how the input was cut.
class field_section {
public:
    enum class step : std::uint8_t { need_more, field, end, refused };

    /// Goes on at `at`, which it moves. After `field`, `last()` is the line; after `refused`,
    /// `defect()` says why.
    [[nodiscard]] step next(std::string_view buffer, std::size_t& at) {
        char const* const begin = buffer.data();
        char const* const end = begin + buffer.size();
        char const* p = begin + at;
        auto const stop = [&](step why) {
            at = static_cast<std::size_t>(p - begin);
            return why;
        };
        switch (phase_) {
        case phase::line_start:
            if (p == end) return stop(step::need_more);
            if (*p == '\r') {
                ++p;
                phase_ = phase::end_lf;
                return stop(end_line(p, end));
            }
            if (!is_of(*p, token_class)) return stop(refuse_line_start(*p));
            last_.name.begin = static_cast<std::uint32_t>(p - begin);
            phase_ = phase::name;
            [[fallthrough]];
        case phase::name:
            p = skip(p, end, token_class);
            if (p == end) return stop(step::need_more);
            if (*p != ':') return stop(refuse_name(*p));
            last_.name.size = static_cast<std::uint32_t>(p - begin) - last_.name.begin;
            ++p;
            last_.value.begin = static_cast<std::uint32_t>(p - begin);
            phase_ = phase::value;
            [[fallthrough]];
        case phase::value:
            p = skip_value(p, end);
            if (p == end) return stop(step::need_more);
            if (*p != '\r') return stop(refuse_value(*p));
            trim_value(buffer, static_cast<std::size_t>(p - begin));
            ++p;
            phase_ = phase::line_lf;
            [[fallthrough]];
        case phase::line_lf:
            if (p == end) return stop(step::need_more);
            if (*p != '\n')
                return stop(refuse("a field value holds a bare CR; a line ends with CR LF"));
            ++p;
            phase_ = phase::line_start;
            return stop(step::field);
        case phase::end_lf: return stop(end_line(p, end));
        }
        return stop(step::need_more);
    }

    [[nodiscard]] field_extent const& last() const noexcept { return last_; }
    [[nodiscard]] std::string const& defect() const noexcept { return defect_; }

    void reset() noexcept {
        phase_ = phase::line_start;
        last_ = {};
        defect_.clear();
    }

private:
    enum class phase : std::uint8_t { line_start, name, value, line_lf, end_lf };

    step end_line(char const*& p, char const* end) {
        if (p == end) return step::need_more;
        if (*p != '\n') return refuse("a line holds a bare CR; a line ends with CR LF");
        ++p;
        return step::end;
    }

    // In trailers the buffer may not reach back to where the value began; nobody asks for the value
    // there.
    void trim_value(std::string_view buffer, std::size_t value_end) noexcept {
        extent& value = last_.value;
        if (value.begin > value_end) return;
        std::string_view const whole = buffer.substr(value.begin, value_end - value.begin);
        std::string_view const text = trimmed(whole);
        value.begin += static_cast<std::uint32_t>(text.data() - whole.data());
        value.size = static_cast<std::uint32_t>(text.size());
    }

    step refuse(std::string why) {
        defect_ = std::move(why);
        return step::refused;
    }
    step refuse_line_start(char c) {
        if (c == ' ' || c == '\t')
            return refuse(
                "a field line starts with white space; folded lines (obs-fold) are not allowed");
        if (c == ':') return refuse("a field has no name");
        if (c == '\n') return refuse("a line ends with a bare LF; a line ends with CR LF");
        return refuse("a field name holds " + name_of(c) +
                      "; a name is letters, digits and !#$%&'*+-.^_`|~");
    }
    step refuse_name(char c) {
        if (c == ' ' || c == '\t')
            return refuse("white space stands between a field name and its colon");
        if (c == '\r' || c == '\n') return refuse("a field line has no colon");
        return refuse_line_start(c);
    }
    step refuse_value(char c) {
        if (c == '\n') return refuse_line_start(c);
        return refuse("a field value holds the control byte " + name_of(c) +
                      "; of these only HTAB is allowed");
    }

    phase phase_ = phase::line_start;
    field_extent last_;
    std::string defect_;
};

} // namespace detail
} // namespace mcp_provider::http
