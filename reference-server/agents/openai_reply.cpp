#include "agents/openai_reply.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>
#include <boost/json/parse_options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server::agents {

namespace {

constexpr std::size_t max_levels = 32;

/// Where in the document the parser is. Everything of no interest is `elsewhere`.
enum class place : std::uint8_t {
    elsewhere,
    root,
    choices,
    choice,
    message,
    parts,
    part,
    calls,
    call,
    function,
    usage,
    error
};

/// What a member is, seen from its place.
enum class member : std::uint8_t {
    other,
    choices,
    usage,
    error,
    message, // "delta" of a chunk, "message" of an answer
    text,    // of a completion's choice, or of a part of a message
    finish_reason,
    content,
    reasoning,
    refusal,
    tool_calls,
    index,
    id,
    function,
    name,
    arguments,
    prompt_tokens,
    completion_tokens,
    error_message,
};

member member_of(place in, std::string_view key) noexcept {
    switch (in) {
    case place::root:
        if (key == "choices") return member::choices;
        if (key == "usage") return member::usage;
        if (key == "error") return member::error;
        break;
    case place::choice:
        if (key == "delta" || key == "message") return member::message;
        if (key == "finish_reason") return member::finish_reason;
        if (key == "text") return member::text;
        break;
    case place::message:
        if (key == "content") return member::content;
        if (key == "reasoning_content" || key == "reasoning") return member::reasoning;
        if (key == "tool_calls") return member::tool_calls;
        if (key == "refusal") return member::refusal;
        break;
    case place::part:
        if (key == "text") return member::text;
        break;
    case place::call:
        if (key == "index") return member::index;
        if (key == "id") return member::id;
        if (key == "function") return member::function;
        break;
    case place::function:
        if (key == "name") return member::name;
        if (key == "arguments") return member::arguments;
        break;
    case place::usage:
        if (key == "prompt_tokens") return member::prompt_tokens;
        if (key == "completion_tokens") return member::completion_tokens;
        break;
    case place::error:
        if (key == "message") return member::error_message;
        break;
    default: break;
    }
    return member::other;
}

agent::finish_reason finish_of(std::string_view text) noexcept {
    if (text == "length" || text == "max_tokens") return agent::finish_reason::length;
    if (text == "tool_calls" || text == "function_call") return agent::finish_reason::tool_calls;
    if (text == "content_filter") return agent::finish_reason::content_filter;
    return agent::finish_reason::stop;
}

/// A text as it is put together: a view into the document, or a stretch of the copies, which may still move.
struct gathered {
    std::string_view view;
    std::size_t at = 0;
    std::size_t size = 0;
    bool is_copy = false;
};

} // namespace

/// The events of the parser, sorted into a reply. The names of its functions are Boost.JSON's.
class openai_reply_reader {
public:
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();

    openai_reply_reader(openai_reply& into, std::string_view json, bool stays) noexcept
        : into_{into}, json_{json}, stays_{stays} {}

    bool on_document_begin(boost::json::error_code&) { return true; }
    bool on_document_end(boost::json::error_code&) {
        into_.content_ = settled(content_);
        into_.reasoning_ = settled(reasoning_);
        into_.error_message_ = settled(error_message_);
        for (std::size_t i = 0; i < calls_; ++i) {
            into_.calls_[i].id = settled(call_texts_[i].id);
            into_.calls_[i].name = settled(call_texts_[i].name);
            into_.calls_[i].arguments = settled(call_texts_[i].arguments);
        }
        return true;
    }

    bool on_object_begin(boost::json::error_code&) {
        place next = place::elsewhere;
        switch (here()) {
        case place::elsewhere:
            if (depth_ == 0) next = place::root;
            break;
        case place::root:
            if (member_ == member::usage) next = place::usage;
            if (member_ == member::error) next = place::error;
            break;
        case place::choices:
            if (!into_.has_choice_)
                next = place::choice; // the first is the only one that was asked for
            into_.has_choice_ = true;
            break;
        case place::choice:
            if (member_ == member::message) next = place::message;
            break;
        case place::parts: next = place::part; break;
        case place::calls: next = begin_call(); break;
        case place::call:
            if (member_ == member::function) next = place::function;
            break;
        default: break;
        }
        if (next == place::usage) into_.used_.emplace();
        if (next == place::error) into_.is_error_ = true;
        push(next);
        return true;
    }
    bool on_object_end(std::size_t, boost::json::error_code&) { return pop(); }

    bool on_array_begin(boost::json::error_code&) {
        place next = place::elsewhere;
        if (here() == place::root && member_ == member::choices) next = place::choices;
        if (here() == place::message && member_ == member::tool_calls) next = place::calls;
        if (here() == place::message && member_ == member::content) next = place::parts;
        push(next);
        return true;
    }
    bool on_array_end(std::size_t, boost::json::error_code&) { return pop(); }

    bool on_key_part(boost::json::string_view part, std::size_t, boost::json::error_code&) {
        if (here() != place::elsewhere) key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(boost::json::string_view part, std::size_t, boost::json::error_code&) {
        if (here() == place::elsewhere) return true;
        if (key_.empty()) {
            member_ = member_of(here(), {part.data(), part.size()});
        } else {
            key_.append(part.data(), part.size());
            member_ = member_of(here(), key_);
            key_.clear();
        }
        // Upstreams that say the reasoning under both of its names say the same twice.
        if (member_ == member::reasoning && (reasoning_.is_copy || !reasoning_.view.empty()))
            member_ = member::other;
        return true;
    }

    bool on_string_part(boost::json::string_view part, std::size_t, boost::json::error_code&) {
        if (gathered* const text = target()) copy(*text, {part.data(), part.size()});
        return true;
    }
    bool on_string(boost::json::string_view part, std::size_t, boost::json::error_code&) {
        gathered* const text = target();
        if (text == nullptr) return true;
        std::string_view const last{part.data(), part.size()};
        if (text->is_copy || !text->view.empty() || !stays_ || !is_within(last))
            copy(*text, last);
        else
            text->view = last;
        if (text == &finish_) {
            into_.finish_ = finish_of(settled(finish_));
            finish_ = {};
        }
        if (text == &error_message_) into_.is_error_ = true;
        return true;
    }

    bool on_number_part(boost::json::string_view, boost::json::error_code&) { return true; }
    bool on_int64(std::int64_t number, boost::json::string_view, boost::json::error_code&) {
        return on_uint64(number < 0 ? 0 : static_cast<std::uint64_t>(number), {}, unused_);
    }
    bool on_uint64(std::uint64_t number, boost::json::string_view, boost::json::error_code&) {
        switch (member_) {
        case member::index:
            if (here() == place::call)
                into_.calls_[calls_ - 1].index = static_cast<std::uint32_t>(number & 0xffffU);
            break;
        case member::prompt_tokens:
            if (here() == place::usage) into_.used_->prompt_tokens = number;
            break;
        case member::completion_tokens:
            if (here() == place::usage) into_.used_->completion_tokens = number;
            break;
        default: break;
        }
        return true;
    }
    bool on_double(double, boost::json::string_view, boost::json::error_code&) { return true; }
    bool on_bool(bool, boost::json::error_code&) { return true; }
    bool on_null(boost::json::error_code&) { return true; }
    bool on_comment_part(boost::json::string_view, boost::json::error_code&) { return true; }
    bool on_comment(boost::json::string_view, boost::json::error_code&) { return true; }

private:
    struct call_texts {
        gathered id;
        gathered name;
        gathered arguments;
    };
    static constexpr std::size_t max_calls = 128; // of one chunk; OpenAI's own limit of tools

    [[nodiscard]] place here() const noexcept {
        return depth_ == 0 ? place::elsewhere : places_[depth_ - 1];
    }
    void push(place next) noexcept {
        places_[depth_++] = next; // the parser itself keeps to `max_levels`
        member_ = member::other;
    }
    bool pop() noexcept {
        --depth_;
        member_ = member::other;
        return true;
    }

    place begin_call() {
        if (calls_ == max_calls) return place::elsewhere;
        ++calls_;
        into_.calls_.emplace_back();
        call_texts_at_ = &call_texts_.emplace_back();
        return place::call;
    }

    /// Where a string that begins now belongs, if anywhere.
    [[nodiscard]] gathered* target() noexcept {
        switch (here()) {
        case place::root:
            return member_ == member::error ? &error_message_ : nullptr; // Ollama's form
        case place::choice:
            if (member_ == member::finish_reason) return &finish_;
            return member_ == member::text ? &content_ : nullptr;
        case place::message:
            if (member_ == member::content || member_ == member::refusal) return &content_;
            return member_ == member::reasoning ? &reasoning_ : nullptr;
        case place::part: return member_ == member::text ? &content_ : nullptr;
        case place::call: return member_ == member::id ? &call_texts_at_->id : nullptr;
        case place::function:
            if (member_ == member::name) return &call_texts_at_->name;
            return member_ == member::arguments ? &call_texts_at_->arguments : nullptr;
        case place::error: return member_ == member::error_message ? &error_message_ : nullptr;
        default: return nullptr;
        }
    }

    void copy(gathered& text, std::string_view part) {
        if (!text.is_copy) {
            text.is_copy = true;
            text.at = into_.copied_.size();
            into_.copied_.append(text.view);
            text.size = text.view.size();
        }
        if (text.at + text.size != into_.copied_.size()) { // another text was copied meanwhile
            std::string const moved = into_.copied_.substr(text.at, text.size);
            text.at = into_.copied_.size();
            into_.copied_ += moved;
        }
        into_.copied_ += part;
        text.size += part.size();
    }

    [[nodiscard]] bool is_within(std::string_view text) const noexcept {
        std::less_equal<> const not_after;
        return not_after(json_.data(), text.data()) &&
               not_after(text.data() + text.size(), json_.data() + json_.size());
    }
    [[nodiscard]] std::string_view settled(gathered const& text) const noexcept {
        return text.is_copy ? std::string_view{into_.copied_}.substr(text.at, text.size)
                            : text.view;
    }

    openai_reply& into_;
    std::string_view json_;
    std::array<place, max_levels + 1> places_{};
    std::size_t depth_ = 0;
    std::size_t calls_ = 0;
    std::vector<call_texts> call_texts_;
    call_texts* call_texts_at_ = nullptr;
    gathered content_;
    gathered reasoning_;
    gathered finish_;
    gathered error_message_;
    std::string key_;
    boost::json::error_code unused_;
    member member_ = member::other;
    bool stays_;
};

void openai_reply::clear() noexcept {
    content_ = reasoning_ = error_message_ = {};
    calls_.clear();
    used_.reset();
    finish_.reset();
    has_choice_ = is_error_ = false;
    copied_.clear();
}

bool openai_reply::read(std::string_view json, bool stays) {
    clear();
    boost::json::parse_options options;
    options.max_depth = max_levels;
    boost::json::basic_parser<openai_reply_reader> parser{options, *this, json, stays};
    boost::json::error_code failure;
    std::size_t const size = parser.write_some(false, json.data(), json.size(), failure);
    bool const whole =
        !failure && json.find_first_not_of(" \t\r\n", size) == std::string_view::npos;
    if (!whole) clear();
    return whole;
}

void openai_reply::trim() {
    constexpr std::size_t keep = 1024;
    if (copied_.capacity() <= keep) return;
    clear();
    copied_.shrink_to_fit();
}

} // namespace mcp_provider::server::agents
