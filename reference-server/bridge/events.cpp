#include "bridge/events.hpp"

#include "bridge/events_socket.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/events/body.hpp"
#include "mcp_provider/http/query.hpp"
#include "mcp_provider/net/websocket_handshake.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace mcp_provider::server::bridge {

result<listening> listening::of(http::request const& asked, events::feed const& in) {
    listening out;
    if (auto const chosen = http::query_value(asked.query(), "topics")) {
        out.topics = {};
        bool all_known = true;
        http::for_each_element(*chosen, [&](std::string_view name) {
            if (auto const one = events::topic_of(name))
                out.topics = out.topics | *one;
            else
                all_known = false;
        });
        if (!all_known || out.topics == events::topics{})
            return rejection{rejection_code::bad_request,
                             "topics must be some of request, session, security, permission, "
                             "agent, link, content, separated by commas"}
                .at("topics");
    }
    if (auto const id = asked.field("last-event-id"))
        out.after = in.number_in(*id);
    else if (auto const after = http::query_value(asked.query(), "after"))
        out.after = in.number_in(*after);
    return out;
}

std::function<std::string_view()> objection_to(principal who,
                                               std::shared_ptr<key_ring const> keys) {
    if (who.known_by() != identity::kind::key) return {};
    return [who = std::move(who), keys = std::move(keys)]() -> std::string_view {
        if (who.expires() && *who.expires() <= real_clock{}.system()) return "the key has expired";
        return keys->find_id(who.id()) ? std::string_view{} : "the key was revoked";
    };
}

namespace {

rejection too_many_listeners() {
    return rejection{rejection_code::overloaded,
                     "there are as many listeners as there may be, or the server is shutting down"}
        .because("server_busy")
        .come_again_in(std::chrono::seconds{5});
}

} // namespace

result<http::response> events_handler::operator()(http::request const& asked,
                                                  principal const& who) const {
    auto const wish = listening::of(asked, *feed);
    if (!wish) return wish.error();
    std::optional<net::websocket_offer> offer;
    if (asked.field("upgrade")) {
        auto const offered = net::websocket_offer::of(asked);
        if (!offered) return offered.error();
        offer = *offered;
    }
    auto listener = feed->listen(wish->topics, wish->after);
    if (!listener) return too_many_listeners();
    if (offer)
        return offer->accept(std::make_unique<events_socket>(feed, std::move(listener), board, who,
                                                             objection_to(who, keys)));
    http::response answer{
        200, "text/event-stream",
        std::make_unique<events::body>(*feed, std::move(listener), objection_to(who, keys))};
    answer.fields().set("Cache-Control", "no-cache");
    answer.fields().set("X-Accel-Buffering", "no");
    return answer;
}

result<http::response> answer_handler::operator()(permission_answer const& given,
                                                  principal const& who) const {
    switch (board->answer(given.id, given.verdict, who)) {
    case answer_verdict::accepted: break;
    case answer_verdict::unknown:
        return rejection{rejection_code::not_found, "there is no such question"}.at("/id");
    case answer_verdict::late:
        return rejection{rejection_code::conflict,
                         "this question is over: it was answered, its time has passed, or its "
                         "request has gone"}
            .at("/id");
    }
    return http::response{200, "application/json", R"({"status":"accepted"})"};
}

} // namespace mcp_provider::server::bridge
