// One thing that happened, for those who watch a server while it runs.
#pragma once

#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/json/write.hpp"

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::events {

/// What an event is about. Listeners choose by it; the type of an event begins with its name (`request.begun`).
enum class topic : std::uint8_t {
    request = 1,    ///< a request was admitted, had its first token, ended
    session = 2,    ///< a session began, ended, changed its state
    security = 4,   ///< somebody was refused for a reason of security, or an operator acted
    permission = 8, ///< an agent asks for something, and what was answered
    agent = 16,     ///< an agent started, is ready, crashed
    link = 32,      ///< the two halves of a server found or lost each other
    content = 64,   ///< prompts and answers, where the operator has switched that on
    feed = 128,     ///< of the feed itself: opened, a gap, dropped, closed; goes to every listener
};

[[nodiscard]] constexpr std::string_view name_of(topic one) noexcept {
    switch (one) {
    case topic::request: return "request";
    case topic::session: return "session";
    case topic::security: return "security";
    case topic::permission: return "permission";
    case topic::agent: return "agent";
    case topic::link: return "link";
    case topic::content: return "content";
    case topic::feed: return "feed";
    }
    return "";
}

/// The topic of that name that a listener may choose, or nothing.
[[nodiscard]] constexpr std::optional<topic> topic_of(std::string_view name) noexcept {
    for (topic one : {topic::request, topic::session, topic::security, topic::permission,
                      topic::agent, topic::link, topic::content})
        if (name_of(one) == name) return one;
    return std::nullopt;
}

/// A set of topics in one byte.
class topics {
public:
    constexpr topics() noexcept = default;
    constexpr topics(topic one) noexcept : bits_{static_cast<std::uint8_t>(one)} {}
    [[nodiscard]] static constexpr topics all() noexcept {
        topics every;
        every.bits_ = 255;
        return every;
    }
    [[nodiscard]] constexpr bool has(topic one) const noexcept {
        return (bits_ & static_cast<std::uint8_t>(one)) != 0;
    }
    [[nodiscard]] constexpr topics operator|(topics other) const noexcept {
        topics both;
        both.bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
        return both;
    }
    constexpr bool operator==(topics const&) const noexcept = default;

private:
    std::uint8_t bits_ = 0;
};

/// Writes the members of an event. Names are literals of ours and need no escape; an empty text is left out.
class members {
public:
    explicit members(std::string& out) noexcept : out_{out} {}

    members& add(std::string_view name, std::string_view text) {
        if (text.empty()) return *this;
        begin(name);
        json::append_quoted(out_, text);
        return *this;
    }
    members& add(std::string_view name, char const* text) {
        return add(name, std::string_view{text});
    }
    template <class Number>
    requires std::integral<Number> || std::floating_point<Number> members&
    add(std::string_view name, Number number) {
        begin(name);
        if constexpr (std::same_as<Number, bool>)
            json::append_boolean(out_, number);
        else
            json::append_number(out_, number);
        return *this;
    }
    /// Adds what is JSON already.
    members& add_json(std::string_view name, std::string_view value) {
        begin(name);
        out_ += value;
        return *this;
    }
    /// Adds a text of at most `most` bytes, cut at a border between characters, and says so where it was longer.
    members& add_cut(std::string_view name, std::string_view text, std::size_t most) {
        if (text.size() <= most) return add(name, text);
        while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
        return add(name, text.substr(0, most)).add("cut", true);
    }

private:
    void begin(std::string_view name) {
        out_ += ",\"";
        out_ += name;
        out_ += "\":";
    }

    std::string& out_;
};

/// An event as it waits for its listeners. Never changed once it is published.
class event {
public:
    event(topic subject, std::string_view type, system_time when)
        : about{subject}, type_size_{static_cast<std::uint8_t>(type.size())} {
        rest_.reserve(256);
        rest_.append(before_type).append(type).append(R"(","time":")");
        append_timestamp(rest_, when);
        rest_ += '"';
    }
    /// One that another process wrote: its members as `rest` gave them there. Precondition: they begin with the type.
    event(topic subject, std::string_view type, std::string rest)
        : about{subject}, type_size_{static_cast<std::uint8_t>(type.size())}, rest_{
                                                                                  std::move(rest)} {
        assert(this->type() == type);
    }

    [[nodiscard]] std::string_view type() const noexcept {
        return std::string_view{rest_}.substr(before_type.size(), type_size_);
    }
    /// Appends the event as one line of JSON, without a line end: `{"seq":7,"type":"request.begun",...}`. A number of 0
    /// is left out.
    void append_to(std::string& out) const {
        out += '{';
        if (number != 0) {
            out += R"("seq":)";
            json::append_number(out, number);
            out += ',';
        }
        out += rest_;
        out += '}';
    }
    /// All members but `seq`, separated by commas, without braces.
    [[nodiscard]] std::string const& rest() const noexcept { return rest_; }
    [[nodiscard]] events::members members() noexcept { return events::members{rest_}; }
    /// What it takes of memory, about.
    [[nodiscard]] std::size_t bytes() const noexcept { return sizeof *this + rest_.capacity(); }

    std::uint64_t number = 0; ///< counted from 1 by the feed; 0 for what only one listener sees
    topic about;

private:
    static constexpr std::string_view before_type = R"("type":")";

    std::uint8_t type_size_;
    std::string rest_;
};

using event_pointer = std::shared_ptr<event const>;

} // namespace mcp_provider::events
