// Reads HTTP/1.1 answers as they come: as much of the protocol as the servers under test speak.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace load {

/// Takes the bytes of one answer and passes on its body. *Complexity*: linear, without copies once the head is read.
class answer_reader {
public:
    /// Reads on; `on_body` gets the bytes of the body. Bytes behind the end of the answer count as a failure.
    template <class OnBody>
    void feed(std::string_view bytes, OnBody&& on_body) {
        if (!head_read_ && !read_head(bytes)) return;
        while (!bytes.empty() && !is_complete_ && !has_failed_) {
            if (is_chunked_ && left_ == 0) {
                read_frame(bytes);
                continue;
            }
            std::size_t const taken = std::min(left_, bytes.size());
            on_body(bytes.substr(0, taken));
            bytes.remove_prefix(taken);
            left_ -= taken;
            if (!is_chunked_ && left_ == 0) is_complete_ = true;
        }
        if (!bytes.empty()) has_failed_ = true;
    }

    /// 0 until the head is read.
    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] bool is_complete() const noexcept { return is_complete_; }
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }

private:
    bool read_head(std::string_view& bytes) {
        std::size_t const before = head_.size();
        head_ += bytes;
        std::size_t const end = head_.find("\r\n\r\n");
        if (end == std::string::npos) {
            bytes = {};
            return false;
        }
        bytes.remove_prefix(end + 4 - before);
        head_.resize(end);
        std::ranges::transform(head_, head_.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? char(c | 0x20) : c; });
        std::string_view const head = head_;
        if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status_);
        is_chunked_ = head.find("\r\ntransfer-encoding: chunked") != std::string_view::npos;
        std::string_view const length = "\r\ncontent-length: ";
        if (std::size_t const at = head.find(length); at != std::string_view::npos) {
            std::from_chars(head.data() + at + length.size(), head.data() + head.size(), left_);
            is_complete_ = left_ == 0;
        } else if (!is_chunked_) {
            has_failed_ = true;
        }
        head_read_ = true;
        return true;
    }

    /// Between two chunks: the line end of the last one, and the line with the size of the next.
    void read_frame(std::string_view& bytes) {
        char const c = bytes.front();
        bytes.remove_prefix(1);
        if (c != '\n') {
            if (c != '\r') line_ += c;
            return;
        }
        if (is_last_) { // the empty line behind the last chunk
            is_complete_ = true;
            return;
        }
        if (line_.empty()) return;
        auto const [end, error] =
            std::from_chars(line_.data(), line_.data() + line_.size(), left_, 16);
        has_failed_ = error != std::errc{};
        is_last_ = left_ == 0;
        line_.clear();
    }

    std::string head_;
    std::string line_;
    std::size_t left_ = 0; // bytes of the body, or of the chunk
    int status_ = 0;
    bool head_read_ = false;
    bool is_chunked_ = false;
    bool is_last_ = false;
    bool is_complete_ = false;
    bool has_failed_ = false;
};

/// Finds the tokens of the mock upstream, `@<nanoseconds>;`, in a text that comes in pieces.
class token_finder {
public:
    /// Calls `on_token` with the time that each token carries.
    template <class OnToken>
    void feed(std::string_view text, OnToken&& on_token) {
        while (!text.empty()) {
            if (!inside_) {
                std::size_t const at = text.find('@');
                if (at == std::string_view::npos) return;
                text.remove_prefix(at + 1);
                inside_ = true;
                sent_at_ = 0;
                continue;
            }
            char const c = text.front();
            text.remove_prefix(1);
            if (c >= '0' && c <= '9') {
                sent_at_ = sent_at_ * 10 + (c - '0');
            } else {
                inside_ = false;
                if (c == ';') on_token(sent_at_);
            }
        }
    }

private:
    std::int64_t sent_at_ = 0;
    bool inside_ = false;
};

} // namespace load
