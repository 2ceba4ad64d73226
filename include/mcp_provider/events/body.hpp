// A feed as server-sent events (WHATWG HTML §9.2): the body of an answer that does not end.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/events/reader.hpp"
#include "mcp_provider/http/body_stream.hpp"
#include "mcp_provider/http/event_stream.hpp"

#include <asio/awaitable.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::events {

/// What the feed tells one listener about itself, without a number.
class notices {
public:
    explicit notices(feed const& of) noexcept : feed_{&of} {}

    /// The first one: which feed this is, and what was missed since the listener was here last.
    [[nodiscard]] event opened(std::uint64_t missed) const {
        event one{topic::feed, "feed.opened", real_clock{}.system()};
        std::string last;
        feed_->append_id(last, feed_->next_number() - 1);
        one.members().add("last_event_id", last);
        if (missed != 0) one.members().add("missed_at_least", missed);
        return one;
    }
    /// The last one.
    [[nodiscard]] static event ended(feed_end why) {
        bool const slow = why == feed_end::too_slow;
        event one{topic::feed, slow ? "feed.dropped" : "feed.closed", real_clock{}.system()};
        one.members().add("reason", slow ? "this listener did not read fast enough; what it missed "
                                           "is gone"
                                         : "the server is shutting down");
        return one;
    }
    [[nodiscard]] static event ended(std::string_view reason) {
        event one{topic::feed, "feed.closed", real_clock{}.system()};
        one.members().add("reason", reason);
        return one;
    }

private:
    feed const* feed_;
};

/// Streams a feed to one listener: `id`, `event` and `data` for each event, and a last event that says why it ends.
/// *Lifetime*: the feed must outlive it.
class body final : public http::body_stream {
public:
    /// Why the listener may not listen any longer; empty while it may. Asked about once a second.
    using objection = std::function<std::string_view()>;

    body(feed& of, std::unique_ptr<listener> one, objection ends = {})
        : feed_{of}, reader_{std::move(one)}, objection_{std::move(ends)} {}

    [[nodiscard]] asio::awaitable<result<http::stream_step>> next(std::string& out) override {
        if (!opened_) {
            opened_ = true;
            out += "retry: 2000\n";
            append(out, notices{feed_}.opened(reader_.missed()));
            co_return http::stream_step::more;
        }
        for (;;) {
            batch_.clear();
            feed_end const end = co_await reader_.next(batch_);
            if (std::string_view const why = objection_ ? objection_() : std::string_view{};
                !why.empty()) {
                append(out, notices::ended(why));
                co_return http::stream_step::end;
            }
            for (event_pointer const& one : batch_) append(out, *one);
            if (end != feed_end::none) {
                append(out, notices::ended(end));
                co_return http::stream_step::end;
            }
            if (!batch_.empty()) co_return http::stream_step::more;
        }
    }

    void heartbeat(std::string& out) override { http::append_comment(out); }
    void fail(rejection const& why, std::string& out) override {
        append(out, notices::ended(why.message()));
    }

private:
    void append(std::string& out, event const& one) {
        line_.clear();
        one.append_to(line_);
        id_.clear();
        if (one.number != 0) feed_.append_id(id_, one.number);
        http::append_event(out, line_, one.type(), id_);
    }

    feed& feed_;
    reader reader_;
    objection objection_;
    std::vector<event_pointer> batch_;
    std::string line_;
    std::string id_;
    bool opened_ = false;
};

} // namespace mcp_provider::events
