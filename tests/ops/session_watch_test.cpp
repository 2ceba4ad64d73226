#include "events/heard.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/testing/manual_clock.hpp"
#include "ops/session_watch.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

namespace {

principal caller(std::string id) {
    auto who = std::make_shared<identity>();
    who->id = std::move(id);
    return principal{std::move(who)};
}

struct house {
    testing::manual_clock clock;
    session_store<testing::manual_clock> sessions{session_limits{.ttl = 300s}, clock};
    std::shared_ptr<events::feed> feed = std::make_shared<events::feed>();
    server::session_watch watch{feed};
};

} // namespace

TEST_CASE("session_watch tells of sessions that begin, are suspended, and end") {
    house one;
    (void)one.sessions.admit(caller("early"));
    one.watch.look(one.sessions);
    events::ear ear{*one.feed};
    one.watch.look(one.sessions);
    CHECK(ear.take().empty()); // what was there before the listener is no news

    auto const id = one.sessions.admit(caller("key_1"))->id();
    one.watch.look(one.sessions);
    auto told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "session.begun");
    CHECK(told[0].at("session").as_string() == id);
    CHECK(told[0].at("principal") == "key_1");
    CHECK(told[0].at("state") == "active");

    one.sessions.suspend(id, 60s);
    one.watch.look(one.sessions);
    one.watch.look(one.sessions);
    told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "session.changed");
    CHECK(told[0].at("state") == "suspended");

    one.clock.advance(301s);
    one.watch.look(one.sessions);
    told = ear.take();
    REQUIRE(told.size() == 2);
    CHECK(told[0].at("type") == "session.ended");
    CHECK(told[1].at("type") == "session.ended");
}
