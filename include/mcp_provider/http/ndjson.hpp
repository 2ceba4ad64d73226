// Newline-delimited JSON: the stream of Ollama's dialect, read and written line by line.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mcp_provider::http {

/// Splits a stream into lines, from input that is cut anywhere. A line that lies in one piece of
/// input is given without a copy. Empty lines are skipped; a CR before the LF is dropped.
///
/// *Errors*: 502 when a line is longer than the limit.
///
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class ndjson_splitter {
public:
    /// See `event_stream_parser::default_max_event_bytes` for the choice.
    static constexpr std::size_t default_max_line_bytes = 8 * 1024 * 1024;

    explicit ndjson_splitter(std::size_t max_line_bytes = default_max_line_bytes) noexcept
        : max_line_bytes_{max_line_bytes} {}

    /// Takes the next line off the front of `input`; nothing once all of `input` is used up.
    /// *Lifetime*: the line is good until the next call, or until its input goes.
    [[nodiscard]] result<std::optional<std::string_view>> next(std::string_view& input) {
        if (given_) cut_line_.clear();
        given_ = false;
        while (!input.empty()) {
            std::size_t const line_bytes = std::min(input.find('\n'), input.size());
            if (line_bytes > max_line_bytes_ - std::min(cut_line_.size(), max_line_bytes_))
                return rejection{rejection_code::upstream_failed,
                                 "the upstream sent a line longer than the limit of " +
                                     std::to_string(max_line_bytes_) + " bytes"};
            std::string_view line = input.substr(0, line_bytes);
            bool const whole = line_bytes != input.size();
            input.remove_prefix(whole ? line_bytes + 1 : line_bytes);
            if (!cut_line_.empty() || !whole) line = cut_line_.append(line);
            if (!whole) break;
            if (line.ends_with('\r')) line.remove_suffix(1);
            if (line.empty()) {
                cut_line_.clear();
                continue;
            }
            given_ = true;
            return std::optional{line};
        }
        return std::optional<std::string_view>{};
    }

    /// After the end of the stream: the last line, where it has no LF.
    ///
    /// *Lifetime*: until the next call.
    [[nodiscard]] std::string_view rest() const noexcept {
        std::string_view line = given_ ? std::string_view{} : cut_line_;
        if (line.ends_with('\r')) line.remove_suffix(1);
        return line;
    }

private:
    std::size_t max_line_bytes_;
    std::string cut_line_; // the start of a line whose end has not come, or the line given last
    bool given_ = false;
};

/// Appends one JSON text as a line. A line end within it can only be white space between tokens
/// (RFC 8259 §2, §7), and becomes a space. An empty text appends nothing: some readers fail on an
/// empty line.
inline void append_ndjson(std::string& out, std::string_view json) {
    if (json.empty()) return;
    std::size_t const from = out.size();
    out.append(json);
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
        [](char c) { return c == '\r' || c == '\n'; }, ' ');
    out.push_back('\n');
}

} // namespace mcp_provider::http
