// Cuts a stream of bytes into lines, and refuses one that has no end.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace mcp_provider::net {

/// Lines that end with LF; a CR before it is no part of the line. What follows the last LF is a line still to come.
/// Holds one line and one read at most. *Complexity*: each byte is looked at once and moved at most once a line.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class line_buffer {
public:
    enum class step : std::uint8_t {
        line,    ///< there is one
        more,    ///< bytes are needed
        too_long ///< the line has more than `max_line_bytes`; the stream is of no use any more
    };

    explicit line_buffer(std::size_t max_line_bytes) : max_{max_line_bytes} {}

    /// Where at least `read_bytes` can be put; `filled` says how many were.
    [[nodiscard]] char* room() {
        if (capacity_ - end_ < read_bytes) make_room();
        return bytes_.get() + end_;
    }
    void filled(std::size_t size) noexcept { end_ += size; }

    /// Takes the next line. *Lifetime*: the view is good until the next call of `room`.
    [[nodiscard]] step next(std::string_view& line) noexcept {
        if (seen_ == end_) return end_ - begin_ > max_ ? step::too_long : step::more;
        auto const* const found =
            static_cast<char const*>(std::memchr(bytes_.get() + seen_, '\n', end_ - seen_));
        if (found == nullptr) {
            seen_ = end_;
            return end_ - begin_ > max_ ? step::too_long : step::more;
        }
        auto const at = static_cast<std::size_t>(found - bytes_.get());
        std::size_t size = at - begin_;
        if (size > max_) return step::too_long;
        if (size != 0 && bytes_[at - 1] == '\r') --size;
        line = {bytes_.get() + begin_, size};
        begin_ = seen_ = at + 1;
        return step::line;
    }

    /// Whether `next` would give a line.
    [[nodiscard]] bool has_line() const noexcept {
        return seen_ != end_ && std::memchr(bytes_.get() + seen_, '\n', end_ - seen_) != nullptr;
    }

    static constexpr std::size_t read_bytes = 16 * 1024;

private:
    void make_room() {
        std::size_t const size = end_ - begin_;
        std::size_t wanted = std::max(capacity_, 2 * read_bytes);
        // A long line is moved seldom, and a short one leaves a small buffer.
        while (wanted - size < read_bytes) wanted *= 2;
        if (begin_ == end_ && wanted > keep_bytes) wanted = keep_bytes;
        if (wanted == capacity_) {
            std::memmove(bytes_.get(), bytes_.get() + begin_, size);
        } else {
            std::unique_ptr<char[]> larger{new char[wanted]};
            if (size != 0) std::memcpy(larger.get(), bytes_.get() + begin_, size);
            bytes_ = std::move(larger);
            capacity_ = wanted;
        }
        seen_ -= begin_;
        begin_ = 0;
        end_ = size;
    }

    static constexpr std::size_t keep_bytes = 256 * 1024;

    std::unique_ptr<char[]> bytes_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0; // of the line to come
    std::size_t seen_ = 0;  // no LF between `begin_` and this
    std::size_t end_ = 0;
    std::size_t max_;
};

} // namespace mcp_provider::net
