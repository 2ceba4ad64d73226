#include "bridge/events_socket.hpp"

#include "mcp_provider/events/body.hpp"
#include "mcp_provider/events/reader.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/net/websocket.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider::server::bridge {

namespace {

/// Beyond so many bytes that the client has not taken, the feed is not read on.
constexpr std::size_t most_queued = 64 * 1024;

net::websocket_limits limits() {
    net::websocket_limits out;
    out.max_message_bytes = 4 * 1024; // an answer is short
    return out;
}

} // namespace

/// What the two directions share; each of their coroutines holds it.
class events_socket::conversation {
public:
    conversation(events_socket& from, std::shared_ptr<http::duplex> on)
        : socket{std::move(on), net::websocket::side::server, limits()}, feed{from.feed_},
          reader{std::move(from.listener_)}, objection{std::move(from.objection_)} {}

    void send(events::event const& one) {
        line.clear();
        one.append_to(line);
        socket.send_text(line);
    }

    /// Sends events until the feed, the permission or the connection ends.
    static asio::awaitable<void> tell(std::shared_ptr<conversation> self) {
        self->send(events::notices{*self->feed}.opened(self->reader.missed()));
        std::vector<events::event_pointer> batch;
        for (;;) {
            batch.clear();
            events::feed_end const end = co_await self->reader.next(batch);
            if (std::string_view const why = self->objection ? self->objection() : "";
                !why.empty()) {
                self->send(events::notices::ended(why));
                self->socket.close(net::close_code::policy_violation, why);
                co_return;
            }
            for (events::event_pointer const& one : batch) self->send(*one);
            if (end != events::feed_end::none) {
                self->send(events::notices::ended(end));
                bool const slow = end == events::feed_end::too_slow;
                self->socket.close(slow ? net::close_code::try_again_later
                                        : net::close_code::going_away,
                                   slow ? "too slow" : "the server is shutting down");
                co_return;
            }
            bool const goes_on = co_await self->socket.drained(most_queued);
            if (!goes_on) co_return;
        }
    }

    /// Sends what there is, and says goodbye.
    void end() {
        std::vector<events::event_pointer> last;
        (void)reader.take(last);
        for (events::event_pointer const& one : last) send(*one);
        send(events::notices::ended(events::feed_end::closed));
        socket.close(net::close_code::going_away, "the server is shutting down");
    }

    net::websocket socket;
    std::shared_ptr<events::feed> feed; // before the reader, which needs it to the end
    events::reader reader;
    events_socket::objection objection;
    std::string line;
};

namespace {

/// What a client's message comes to, as a line for it.
std::string answer_to(std::string_view text, bool is_text, permission_board& board,
                      principal const& who) {
    std::string out;
    auto const refuse = [&](std::string_view id, std::string_view why) {
        out = R"({"type":"answer.refused")";
        events::members{out}.add("id", id).add("reason", why);
        out += '}';
    };
    json::parse_limits bounds;
    bounds.max_depth = 4;
    auto const document = json::parse(is_text ? text : std::string_view{}, bounds);
    if (!document) {
        refuse({}, document.error().message());
        return out;
    }
    auto const* const object = document->if_object();
    auto const* const type = object != nullptr ? object->if_contains("type") : nullptr;
    if (type == nullptr || !type->is_string() || type->get_string() != "permission.answer") {
        refuse({}, "the only message that is understood here has the type permission.answer");
        return out;
    }
    auto const given = permission_answer::from_json(*document);
    if (!given) {
        refuse({}, given.error().message());
        return out;
    }
    switch (board.answer(given->id, given->verdict, who)) {
    case answer_verdict::accepted:
        out = R"({"type":"answer.accepted")";
        events::members{out}.add("id", given->id);
        out += '}';
        break;
    case answer_verdict::unknown: refuse(given->id, "there is no such question"); break;
    case answer_verdict::late: refuse(given->id, "this question is over"); break;
    }
    return out;
}

} // namespace

events_socket::events_socket(std::shared_ptr<events::feed> feed,
                             std::unique_ptr<events::listener> one,
                             std::shared_ptr<permission_board> board, principal who, objection ends)
    : feed_{std::move(feed)}, listener_{std::move(one)}, board_{std::move(board)},
      who_{std::move(who)}, objection_{std::move(ends)} {}

events_socket::~events_socket() = default;

asio::awaitable<end_cause> events_socket::run(std::shared_ptr<http::duplex> on) {
    /// Ends the other direction with this one, however it ends.
    class telling {
    public:
        explicit telling(std::shared_ptr<conversation> const& talk, asio::any_io_executor const& at)
            : stop_{std::make_shared<asio::cancellation_signal>()} {
            auto const keep = stop_;
            asio::co_spawn(
                at, conversation::tell(talk),
                asio::bind_cancellation_slot(stop_->slot(), [keep](std::exception_ptr) {}));
        }
        telling(telling const&) = delete;
        telling& operator=(telling const&) = delete;
        ~telling() { stop_->emit(asio::cancellation_type::terminal); }

    private:
        std::shared_ptr<asio::cancellation_signal> stop_;
    };

    auto const executor = on->executor();
    auto const talk = std::make_shared<conversation>(*this, std::move(on));
    talk_ = talk;
    telling const other_way{talk, executor};
    for (;;) {
        auto const message = co_await talk->socket.read();
        if (!message) break;
        talk->socket.send_text(answer_to(message->data, message->is_text, *board_, who_));
        bool const goes_on = co_await talk->socket.drained(most_queued);
        if (!goes_on) break;
    }
    talk_.reset();
    auto const& end = talk->socket.end();
    if (end.by_peer) co_return end_cause::completed;
    switch (end.code) {
    case net::close_code::policy_violation: co_return end_cause::revoked;
    case net::close_code::going_away: co_return end_cause::drained;
    case net::close_code::try_again_later: co_return end_cause::failed;
    default: co_return end_cause::client_gone;
    }
}

void events_socket::drain() noexcept {
    if (talk_ && !talk_->socket.is_closing()) talk_->end();
}

} // namespace mcp_provider::server::bridge
