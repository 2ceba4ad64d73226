#include "admitted.hpp"
#include "mcp_provider/policy/session_guard.hpp"
#include "mcp_provider/testing/fake_exchange.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::fake_request;
using testing::manual_clock;
using testing::someone;

extern template class mcp_provider::session_store<manual_clock>; // in admitted.cpp

namespace {

struct house {
    house() {
        session_limits limits;
        limits.ttl = 300s;
        limits.max_requests = 3;
        limits.max_concurrent = 2;
        sessions = std::make_shared<session_store<manual_clock>>(limits, clock);
    }
    result<session> ask(principal const& who, http::request const& asked = fake_request{}) const {
        return session_guard<manual_clock>{sessions, clock}.on_request(asked, who);
    }

    manual_clock clock;
    std::shared_ptr<session_store<manual_clock>> sessions;
};

} // namespace

TEST_CASE("session_guard gives a principal one session, and another principal another") {
    house one;
    auto const first = one.ask(someone("key_1"));
    auto const again = one.ask(someone("key_1"));
    auto const other = one.ask(someone("uid:1000"));

    CHECK(first->id() == again->id());
    CHECK(first->id() != other->id());
    CHECK(again->request_count() == 2);
}

TEST_CASE("session_guard admits as many requests as a session has and refuses the next one until "
          "its TTL has run out") {
    house one;
    for (int i = 0; i != 3; ++i) CHECK(one.ask(someone("key_1")));

    auto const refused = one.ask(someone("key_1"));
    REQUIRE(!refused);
    CHECK(refused.error().status() == 429);
    CHECK(refused.error().retry_after() == 300s);

    one.clock.advance(300s);
    CHECK(one.ask(someone("key_1")));
}

TEST_CASE("session_guard bounds live sessions") {
    house one;
    CHECK(one.ask(someone("key_1")));
    CHECK(one.ask(someone("key_2")));

    CHECK(one.ask(someone("key_3")).error().status() == 503);
    CHECK(one.ask(someone("key_2")));
}

TEST_CASE("session_guard refuses a suspended session until its end, and a revoked one") {
    house one;
    std::string const id = one.ask(someone("key_1"))->id();
    one.sessions->suspend(id, 60s);
    auto const suspended = one.ask(someone("key_1"));
    REQUIRE(!suspended);
    CHECK(suspended.error().status() == 403);
    CHECK(suspended.error().message().find("2026-01-01T00:01:00Z") != std::string::npos);

    one.clock.advance(60s);
    CHECK(one.ask(someone("key_1")));
    one.sessions->revoke(id);
    CHECK(one.ask(someone("key_1")).error().status() == 401);
}

TEST_CASE("session_guard takes the session whose token the request carries, if it is the "
          "principal's own") {
    house one;
    auto opened = one.sessions->open(someone("key_1"));
    fake_request asked;
    asked.with("Authorization", "Bearer " + std::string{opened->token->reveal()});

    CHECK(one.ask(someone("key_1"), asked)->id() == opened->session.id());
    auto const foreign = one.ask(someone("key_2"), asked);
    REQUIRE(!foreign);
    CHECK(foreign.error().status() == 401);
    CHECK(foreign.error().security_event() == "invalid_token");
    fake_request unknown;
    unknown.with("x-api-key", std::string{session_token_prefix} + "nobody");
    CHECK(one.ask(someone("key_1"), unknown).error().status() == 401);
}

TEST_CASE("session_guard begins the TTL anew when an exchange is over") {
    house one;
    session_guard<manual_clock> const policy{one.sessions, one.clock};
    fake_request const asked;
    testing::fake_exchange const done{asked};
    auto in = one.ask(someone("key_1"));
    one.clock.advance(200s); // a long stream

    policy.on_complete(done, &*in);
    policy.on_complete(done, nullptr);

    std::string const id = in->id();
    in = one.ask(someone("key_1"));
    one.clock.advance(299s);
    CHECK(one.ask(someone("key_1"))->id() == id);
}

TEST_CASE("session_guard hands over the token that replaces the caller's") {
    manual_clock clock;
    session_limits limits;
    limits.rotates_tokens = true;
    auto const sessions = std::make_shared<session_store<manual_clock>>(limits, clock);
    session_guard<manual_clock> const guard{sessions, clock};
    auto const opened = sessions->open(someone("key_1"));
    fake_request asked;
    asked.with("Authorization", "Bearer " + std::string{opened->token->reveal()});
    clock.advance(limits.ttl / 2);

    auto const in = guard.on_request(asked, someone("key_1"));
    http::response answer{200};
    guard.on_response(asked, answer, &*in);

    std::string const fresh{answer.fields().get("X-Session-Token")};
    CHECK(fresh.starts_with(session_token_prefix));
    CHECK(sessions->admit_token(fresh)->id() == opened->session.id());
    http::response other{200};
    guard.on_response(asked, other, &opened->session);
    CHECK(other.fields().get("X-Session-Token").empty());
}
