#include "bridge/events.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;
using events::topic;
using testing::fake_request;

namespace {

principal local_user() {
    auto who = std::make_shared<identity>();
    who->id = "uid:1000";
    who->known_by = identity::kind::local_user;
    return principal{std::move(who)};
}

struct house {
    std::shared_ptr<events::feed> feed =
        std::make_shared<events::feed>(events::feed_limits{.max_listeners = 1});
    bridge::events_handler handler{feed, nullptr, nullptr};
};

} // namespace

TEST_CASE("/events gives all topics where none is named, and those that are") {
    events::feed const feed;
    auto const topics = [&](std::string_view target) {
        fake_request const asked{"GET", target};
        return bridge::listening::of(asked, feed)->topics;
    };
    CHECK(topics("/events") == events::topics::all());
    CHECK(topics("/events?topics=security") == events::topics{topic::security});
    CHECK(topics("/events?x=1&topics=request%2Cpermission") ==
          (events::topics{topic::request} | topic::permission));
}

TEST_CASE("/events refuses a topic that there is not, and says which there are") {
    events::feed const feed;
    for (auto const* target : {"/events?topics=", "/events?topics=requests",
                               "/events?topics=request,all", "/events?topics=feed"}) {
        CAPTURE(target);
        fake_request const asked{"GET", target};
        auto const wish = bridge::listening::of(asked, feed);
        REQUIRE(!wish);
        CHECK(wish.error().status() == 400);
        CHECK(wish.error().where() == "topics");
        CHECK(wish.error().message().find("permission") != std::string::npos);
    }
}

TEST_CASE("/events goes on behind the event that a client has seen last") {
    events::feed const feed;
    std::string id;
    feed.append_id(id, 7);
    fake_request asked{"GET", "/events?after=" + id};
    CHECK(bridge::listening::of(asked, feed)->after == 7);
    // What the browser itself says when it comes back is newer than the address that the page has given.
    std::string newer;
    feed.append_id(newer, 9);
    asked.with("Last-Event-ID", newer);
    CHECK(bridge::listening::of(asked, feed)->after == 9);
    CHECK(!bridge::listening::of(fake_request{"GET", "/events"}, feed)->after);
}

TEST_CASE("/events streams to as many listeners as the feed takes") {
    house one;
    fake_request const asked{"GET", "/events"};
    auto const first = one.handler(asked, local_user());
    REQUIRE(first);
    CHECK(first->status() == 200);
    CHECK(first->content_type() == "text/event-stream");
    CHECK(first->fields().get("Cache-Control") == "no-cache");
    CHECK(first->fields().get("X-Accel-Buffering") == "no");
    CHECK(first->stream() != nullptr);

    auto const second = one.handler(asked, local_user());
    REQUIRE(!second);
    CHECK(second.error().status() == 503);
    CHECK(second.error().retry_after());
}
