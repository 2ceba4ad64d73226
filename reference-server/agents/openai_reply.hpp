// Reads what an OpenAI-compatible upstream says: a chunk of a stream, or a whole answer. Both have one form.
#pragma once

#include "mcp_provider/agent/delta.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

/// A piece of a tool call as the upstream sent it: any member may be missing, or repeated from an earlier piece.
struct openai_call_piece {
    std::optional<std::uint32_t> index;
    std::string_view id;
    std::string_view name;
    std::string_view arguments;
};

/// One chunk or answer. Made once and used for many, so that reading allocates nothing after the first.
/// *Lifetime*: the views are good until the next `read` or `clear`, and as long as the text that was read.
/// *Thread safety*: distinct objects safe, shared objects unsafe.
class openai_reply {
public:
    openai_reply() = default;
    openai_reply(openai_reply const&) = delete;
    openai_reply& operator=(openai_reply const&) = delete;

    /// Reads one JSON document, strictly (RFC 8259), in one pass and without a tree. With `stays` the views may lie in
    /// `json`, else all text is copied. False where it is no JSON; everything is then empty.
    /// *Complexity*: linear; at most 32 levels.
    [[nodiscard]] bool read(std::string_view json, bool stays);
    void clear() noexcept;

    [[nodiscard]] std::string_view content() const noexcept { return content_; }
    [[nodiscard]] std::string_view reasoning() const noexcept { return reasoning_; }
    [[nodiscard]] std::vector<openai_call_piece> const& calls() const noexcept { return calls_; }
    [[nodiscard]] std::optional<agent::finish_reason> finish() const noexcept { return finish_; }
    [[nodiscard]] std::optional<agent::usage> const& used() const noexcept { return used_; }
    /// Whether it has a choice; the last chunk of a stream, with the usage, has none.
    [[nodiscard]] bool has_choice() const noexcept { return has_choice_; }
    [[nodiscard]] bool is_error() const noexcept { return is_error_; }
    /// Of an error; may be empty.
    [[nodiscard]] std::string_view error_message() const noexcept { return error_message_; }

    /// Gives back storage that an unusually large chunk took.
    void trim();

private:
    friend class openai_reply_reader;

    std::string_view content_;
    std::string_view reasoning_;
    std::string_view error_message_;
    std::vector<openai_call_piece> calls_;
    std::optional<agent::usage> used_;
    std::optional<agent::finish_reason> finish_;
    bool has_choice_ = false;
    bool is_error_ = false;
    std::string copied_; // text with escapes, and all text that did not stay
};

} // namespace mcp_provider::server::agents
