// Server-sent events (WHATWG HTML §9.2): a parser for what an upstream streams, and a writer for
// what we stream.
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/detail/field_section.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::http {

/// One event.
///
/// *Lifetime*: the views are good until the parser's next call, or until its input goes.
struct server_sent_event {
    std::string_view name; ///< empty where the event has none; a browser would say `message`
    std::string_view data; ///< its `data` lines, joined by LF
    std::string_view id;   ///< the last id that the stream gave, not only in this event
};

/// Reads events from input that is cut anywhere. An event that lies in one piece of input, with one
/// `data` line, is given without a copy. The end of the stream drops an event that no empty line
/// has ended, as the standard says.
///
/// *Errors*: 502 when a line, or the data of one event, is longer than the limit.
///
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class event_stream_parser {
public:
    /// The default holds the largest single event that providers send (a whole response, or an
    /// image of several megabytes in base64) and bounds what an upstream that never ends its line
    /// can make us keep.
    static constexpr std::size_t default_max_event_bytes = 8 * 1024 * 1024;

    explicit event_stream_parser(std::size_t max_event_bytes = default_max_event_bytes) noexcept
        : max_event_bytes_{max_event_bytes} {}

    /// Takes the next event off the front of `input`; nothing once all of `input` is used up. Call
    /// it again with the rest, then with what comes next.
    [[nodiscard]] result<std::optional<server_sent_event>> next(std::string_view& input) {
        if (given_) forget_event();
        while (!input.empty()) {
            if (after_cr_) {
                after_cr_ = false;
                if (input.front() == '\n') input.remove_prefix(1);
                continue;
            }
            std::size_t const line_bytes = find_line_end(input);
            if (line_bytes > max_event_bytes_ - std::min(cut_line_.size(), max_event_bytes_))
                return too_long();
            if (line_bytes == input.size()) break;
            std::string_view line = input.substr(0, line_bytes);
            after_cr_ = input[line_bytes] == '\r';
            input.remove_prefix(line_bytes + 1);
            bool const joined = !cut_line_.empty();
            if (joined) line = cut_line_.append(line);
            bool const fits = read_line(line, !joined);
            cut_line_.clear();
            if (!fits) return too_long();
            if (line.empty()) ended_id_ = id_;
            if (line.empty() && (given_ = has_data_))
                return std::optional{server_sent_event{name_, data(), id_}};
            if (line.empty()) forget_event();
        }
        cut_line_.append(input);
        input = {};
        keep_data();
        return std::optional<server_sent_event>{};
    }

    /// The id of the last event that has ended, also of one without data, which is not given: from behind it a broken
    /// stream can be resumed. *Lifetime*: until the next call.
    [[nodiscard]] std::string_view last_event_id() const noexcept { return ended_id_; }
    /// How long the stream wants its reader to wait before it connects again; nothing while it has not said.
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry() const noexcept { return retry_; }

    /// Whether the input so far ends within an event or a line: a stream that ends so was cut.
    [[nodiscard]] bool within_event() const noexcept {
        return !cut_line_.empty() || (has_data_ && !given_);
    }

private:
    static std::size_t find_line_end(std::string_view input) noexcept {
        char const* const end = input.data() + input.size();
        char const* p = detail::find_control(input.data(), end);
        while (p != end && *p != '\n' && *p != '\r') p = detail::find_control(p + 1, end);
        return static_cast<std::size_t>(p - input.data());
    }

    [[nodiscard]] rejection too_long() const {
        return rejection{rejection_code::upstream_failed,
                         "the upstream sent an event longer than the limit of " +
                             std::to_string(max_event_bytes_) + " bytes"};
    }

    /// `stays` says that the line lies in the caller's input. Returns whether the event is within
    /// its limit.
    [[nodiscard]] bool read_line(std::string_view line, bool stays) {
        if (at_start_) {
            at_start_ = false;
            if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
        }
        std::size_t const colon = line.find(':');
        std::string_view const field = line.substr(0, colon);
        std::string_view value =
            colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (field == "data") return add_data(value, stays);
        if (field == "event") name_ = value;
        if (field == "id" && value.find('\0') == std::string_view::npos) id_ = value;
        if (field == "retry") read_retry(value);
        return true;
    }

    void read_retry(std::string_view value) noexcept {
        std::uint32_t wait = 0;
        char const* const end = value.data() + value.size();
        auto const [stopped, failure] = std::from_chars(value.data(), end, wait);
        if (failure == std::errc{} && stopped == end) retry_ = std::chrono::milliseconds{wait};
    }

    bool add_data(std::string_view value, bool stays) {
        if (!has_data_ && stays) {
            has_data_ = true;
            data_view_ = value;
            return true;
        }
        keep_data();
        if (has_data_) {
            if (data_.size() >= max_event_bytes_ ||
                value.size() > max_event_bytes_ - data_.size() - 1)
                return false;
            data_.push_back('\n');
        }
        data_.append(value);
        has_data_ = true;
        return true;
    }

    /// Copies the data that still lies in the caller's input.
    void keep_data() {
        if (data_view_.empty()) return;
        data_.assign(data_view_);
        data_view_ = {};
    }

    [[nodiscard]] std::string_view data() const noexcept {
        return data_view_.empty() ? data_ : data_view_;
    }

    void forget_event() noexcept {
        name_.clear();
        data_.clear();
        data_view_ = {};
        has_data_ = given_ = false;
    }

    std::size_t max_event_bytes_;
    std::string cut_line_; // the start of a line whose end has not come
    std::string name_;
    std::string id_;
    std::string ended_id_;
    std::optional<std::chrono::milliseconds> retry_;
    std::string data_;           // data that is kept, when it does not lie in the input as a whole
    std::string_view data_view_; // data that lies in the input; empty when `data_` holds it
    bool has_data_ = false;
    bool given_ = false; // the event was returned, and is forgotten at the next call
    bool after_cr_ = false;
    bool at_start_ = true;
};

/// What stands around the data of an event without a name, for a writer that puts its data in place
/// between the two. The data must hold no line end.
inline constexpr std::string_view event_head = "data: ";
inline constexpr std::string_view event_tail = "\n\n";

/// Appends an event. Each line of `data` becomes a `data` line. `name` and `id` are left out where
/// they are empty; a line end in one of them becomes a space.
inline void append_event(std::string& out, std::string_view data, std::string_view name = {},
                         std::string_view id = {}) {
    auto const append_line = [&out](std::string_view field, std::string_view value) {
        out.append(field).append(": ");
        for (char c : value) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
        out.push_back('\n');
    };
    if (!name.empty()) append_line("event", name);
    if (!id.empty()) append_line("id", id);
    for (;;) {
        std::size_t const end = data.find_first_of("\r\n");
        out.append(event_head).append(data.substr(0, end));
        if (end == std::string_view::npos) break;
        out.push_back('\n');
        data.remove_prefix(data.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    }
    out.append(event_tail);
}

/// Appends a comment, which readers skip: a heartbeat. Leave `text` empty for one: Continue ends its
/// reading at `: ping`.
inline void append_comment(std::string& out, std::string_view text = {}) {
    out.push_back(':');
    for (char c : text) out.push_back(c == '\r' || c == '\n' ? ' ' : c);
    out.append(event_tail);
}

} // namespace mcp_provider::http
