#include "mcp_provider/session/session_store.hpp"
#include "mcp_provider/testing/manual_clock.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

thread_local std::size_t allocations = 0;

} // namespace

// Not inlined, or g++ 12 takes the pair for mismatched.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const bytes = std::malloc(size)) return bytes;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* bytes) noexcept { std::free(bytes); }
[[gnu::noinline]] void operator delete(void* bytes, std::size_t) noexcept { std::free(bytes); }

using namespace mcp_provider;
using namespace std::chrono_literals;

namespace {

principal caller(std::string id) {
    auto who = std::make_shared<identity>();
    who->id = std::move(id);
    return principal{who};
}

struct fixture {
    testing::manual_clock clock;
    session_store<testing::manual_clock> store;
    explicit fixture(session_limits limits = {}) : store{limits, clock} {}
};

std::string id_of(fixture const& it, std::string_view principal_id) {
    for (session_record const& one : it.store.list())
        if (one.principal_id == principal_id) return one.id;
    return {};
}

/// Knows everybody.
std::shared_ptr<identity const> known(std::string_view id) {
    auto who = std::make_shared<identity>();
    who->id = id;
    return who;
}

template <class T>
rejection refused(result<T> outcome) {
    REQUIRE(!outcome);
    return std::move(outcome).error();
}

} // namespace

TEST_CASE("session_store makes one session for a principal and counts its requests") {
    fixture it;
    principal const alice = caller("uid:1000");
    auto const first = it.store.admit(alice);
    auto const second = it.store.admit(alice);
    auto const other = it.store.admit(caller("key_1"));
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(other);
    CHECK(*first == *second);
    CHECK(!(*first == *other));
    CHECK(first->id() != other->id());
    CHECK(first->id().starts_with("ses_"));
    CHECK(first->owner().id() == "uid:1000");
    CHECK(!first->is_explicit());
    CHECK(first->request_count() == 2);
    CHECK(first->max_requests() == 100);
    CHECK(it.store.size() == 2);
}

TEST_CASE("session_store knows a principal by its id, not by its object") {
    fixture it;
    CHECK(*it.store.admit(caller("key_1")) == *it.store.admit(caller("key_1")));
}

TEST_CASE("session_store ends a session TTL after the last activity, and not before") {
    fixture it{{.ttl = 300s}};
    principal const who = caller("key_1");
    std::string const id = it.store.admit(who)->id();
    it.clock.advance(299s);
    CHECK(it.store.admit(who)->id() == id);
    it.clock.advance(300s - 1ns);
    CHECK(it.store.admit(who)->id() == id);
    it.clock.advance(300s);
    auto const next = it.store.admit(who);
    REQUIRE(next);
    CHECK(next->id() != id);
    CHECK(next->request_count() == 1);
    CHECK(it.store.size() == 1);
}

TEST_CASE("session_store tells when a session was made, used, and will end") {
    fixture it{{.ttl = 300s}};
    auto const one = it.store.admit(caller("key_1"));
    it.clock.advance(10s);
    REQUIRE(it.store.admit(caller("key_1")));
    CHECK(one->last_activity() - one->created_at() == 10s);
    CHECK(one->expires_at() - one->last_activity() == 300s);
    CHECK(one->last_activity() == it.clock.system());
}

TEST_CASE(
    "session_store admits max_requests and refuses the next with 429 until the TTL has run out") {
    fixture it{{.ttl = 300s, .max_requests = 3}};
    principal const who = caller("key_1");
    for (int i = 0; i != 3; ++i) REQUIRE(it.store.admit(who));
    it.clock.advance(100s + 1ms);

    auto const why = refused(it.store.admit(who));
    CHECK(why.status() == 429);
    CHECK(why.reason() == "session_exhausted");
    CHECK(why.retry_after() == 200s);
    CHECK(
        why.message() ==
        "this session has used its 3 requests; a new one begins when nothing was asked for 300 s");

    it.clock.advance(200s - 2ms);
    CHECK(refused(it.store.admit(who)).retry_after() == 1s);
    it.clock.advance(1ms);
    CHECK(it.store.admit(who));
}

TEST_CASE("session_store bounds live sessions and says so with 503") {
    fixture it{{.ttl = 300s, .max_concurrent = 2}};
    REQUIRE(it.store.admit(caller("a")));
    it.clock.advance(100s);
    REQUIRE(it.store.admit(caller("b")));

    auto const why = refused(it.store.admit(caller("c")));
    CHECK(why.status() == 503);
    CHECK(why.reason() == "too_many_sessions");
    CHECK(why.retry_after() == 200s);
    CHECK(why.message() == "all 2 sessions are in use; one ends when it was idle for 300 s");
    CHECK(refused(it.store.open(caller("a"))).status() == 503);
    CHECK(it.store.admit(caller("a")));

    it.clock.advance(299s);
    CHECK(refused(it.store.admit(caller("c"))).status() == 503);
    it.clock.advance(1s);
    CHECK(it.store.admit(caller("c")));
    CHECK(it.store.size() == 1);
}

TEST_CASE("session_store does not end a session that a request holds") {
    fixture it{{.ttl = 300s, .max_concurrent = 1}};
    principal const who = caller("key_1");
    auto stream = std::make_optional(*it.store.admit(who));
    it.clock.advance(1'000s);
    CHECK(it.store.cleanup() == 0);
    CHECK(refused(it.store.admit(caller("other"))).status() == 503);
    CHECK(it.store.admit(who)->id() == stream->id());

    it.clock.advance(1'000s);
    stream->touch(it.clock.steady());
    stream.reset();
    it.clock.advance(299s);
    CHECK(it.store.cleanup() == 0);
    it.clock.advance(1s);
    CHECK(it.store.cleanup() == 1);
    CHECK(it.store.size() == 0);
}

TEST_CASE("session_store refuses a suspended session with 403 and the end of it") {
    fixture it{{.ttl = 300s}};
    principal const who = caller("key_1");
    std::string const id = it.store.admit(who)->id();
    CHECK(it.store.suspend(id, 15min));
    CHECK(!it.store.suspend("ses_unknown", 15min));

    auto const why = refused(it.store.admit(who));
    CHECK(why.status() == 403);
    CHECK(why.reason() == "session_suspended");
    CHECK(why.security_event() == "session_suspended");
    CHECK(why.message() == "this session is suspended until 2026-01-01T00:15:00Z");
    CHECK(it.store.list().at(0).state == session_state::suspended);

    // A suspension outlives the TTL: waiting does not help before its end.
    it.clock.advance(15min - 1ns);
    CHECK(refused(it.store.admit(who)).status() == 403);
    it.clock.advance(1ns);
    CHECK(it.store.admit(who)->id() != id);
}

TEST_CASE("session_store refuses a revoked session with 401 until its TTL has run out, and frees "
          "its place at once") {
    fixture it{{.ttl = 300s, .max_concurrent = 1}};
    principal const who = caller("key_1");
    auto const stream = it.store.admit(who);
    CHECK(!stream->is_revoked());
    CHECK(it.store.revoke(stream->id()));
    CHECK(it.store.revoke(stream->id()));
    CHECK(stream->is_revoked());

    auto const why = refused(it.store.admit(who));
    CHECK(why.status() == 401);
    CHECK(why.reason() == "session_revoked");
    CHECK(it.store.size() == 0);
    CHECK(it.store.admit(caller("other")));

    it.clock.advance(300s);
    auto const again = it.store.admit(who);
    REQUIRE(again);
    CHECK(!(*again == *stream));
    CHECK(it.store.size() == 1);
}

TEST_CASE("session_store resets a session's count and ends its suspension") {
    fixture it{{.max_requests = 1}};
    principal const who = caller("key_1");
    std::string const id = it.store.admit(who)->id();
    REQUIRE(it.store.suspend(id, 1h));
    CHECK(it.store.reset(id));
    CHECK(it.store.admit(who)->id() == id);
    CHECK(!it.store.admit(who));
    CHECK(it.store.reset_all() == 1);
    CHECK(it.store.admit(who));
    CHECK(!it.store.reset("ses_unknown"));
}

TEST_CASE(
    "session_store opens explicit sessions, each with a token of its own that is shown once") {
    fixture it;
    principal const who = caller("key_1");
    auto const first = it.store.open(who);
    auto const second = it.store.open(who);
    REQUIRE(first);
    REQUIRE(second);
    std::string const token{first->token->reveal()};
    CHECK(token.starts_with(session_token_prefix));
    CHECK(token.size() == session_token_prefix.size() + 43);
    CHECK(token != second->token->reveal());
    CHECK(first->session.is_explicit());

    auto const admitted = it.store.admit_token(token);
    REQUIRE(admitted);
    CHECK(*admitted == first->session);
    CHECK(admitted->request_count() == 1);
    CHECK(it.store.owner_of_token(token)->id() == "key_1");
    CHECK(admitted->request_count() == 1);
    CHECK(!(*it.store.admit(who) == *admitted));
    CHECK(it.store.size() == 3);
}

TEST_CASE("session_store refuses tokens that are unknown, over or revoked with 401") {
    fixture it{{.ttl = 300s}};
    CHECK(refused(it.store.admit_token("mlps_unknown")).reason() == "invalid_session_token");
    CHECK(refused(it.store.admit_token("")).status() == 401);
    CHECK(!it.store.owner_of_token("mlps_unknown"));

    std::string const token{it.store.open(caller("key_1"))->token->reveal()};
    it.clock.advance(300s);
    CHECK(refused(it.store.admit_token(token)).reason() == "invalid_session_token");
    CHECK(!it.store.owner_of_token(token));

    auto const other = it.store.open(caller("key_1"));
    CHECK(it.store.revoke(other->session.id()));
    CHECK(refused(it.store.admit_token(other->token->reveal())).reason() == "session_revoked");
}

TEST_CASE("session_store lists sessions oldest first, without those that are over") {
    fixture it{{.ttl = 300s}};
    REQUIRE(it.store.admit(caller("old")));
    it.clock.advance(100s);
    REQUIRE(it.store.admit(caller("middle")));
    it.clock.advance(100s);
    REQUIRE(it.store.open(caller("new")));
    auto const three = it.store.list();
    REQUIRE(three.size() == 3);
    CHECK(three[0].principal_id == "old");
    CHECK(three[2].is_explicit);
    CHECK(three[1].request_count == 1);

    it.clock.advance(100s);
    CHECK(it.store.list().size() == 2);
    CHECK(it.store.revoke_all() == 3);
    CHECK(it.store.size() == 0);
}

TEST_CASE("session_store remembers a bounded number of revoked sessions") {
    fixture it{{.max_concurrent = 2}};
    std::size_t opened = 0;
    while (auto one = it.store.open(caller("key_1"))) {
        REQUIRE(it.store.revoke(one->session.id()));
        REQUIRE(++opened < 10'000);
    }
    CHECK(opened == 1024 + 2);
    it.clock.advance(300s);
    CHECK(it.store.open(caller("key_1")));
}

TEST_CASE("session_store admits a request to a session that is there without an allocation") {
    fixture it{{.max_requests = 1'000'000}};
    principal const who = caller("key_0123456789abcdef0123456789abcdef");
    std::string const token{it.store.open(who)->token->reveal()};
    REQUIRE(it.store.admit(who));
    REQUIRE(it.store.admit_token(token));

    std::size_t const before = allocations;
    for (int i = 0; i != 100; ++i) {
        (void)it.store.admit(who);
        (void)it.store.admit_token(token);
    }
    CHECK(allocations == before);
}

TEST_CASE("session_store counts exactly and never exceeds its bounds with many threads") {
    constexpr std::size_t threads = 8;
    constexpr std::uint32_t each = 5'000;
    session_store<> store{{.ttl = 300s, .max_requests = 20'000, .max_concurrent = 3}};
    std::atomic<std::uint32_t> admitted{0};
    std::atomic<std::uint32_t> full{0};
    std::atomic<bool> exceeded{false};
    std::vector<std::thread> all;
    for (std::size_t t = 0; t != threads; ++t)
        all.emplace_back([&, t] {
            for (std::uint32_t i = 0; i != each; ++i) {
                auto const one = store.admit(caller("shared"));
                if (one) ++admitted;
                auto const other = store.admit(caller("own" + std::to_string(t)));
                if (!other && other.error().status() == 503) ++full;
                if (store.size() > 3) exceeded = true;
                if (i % 1'000 == 0) store.cleanup();
            }
        });
    for (std::thread& one : all) one.join();
    CHECK(admitted == 20'000);
    CHECK(store.size() == 3);
    CHECK(full == (threads - 2) * each);
    CHECK(!exceeded);
}

TEST_CASE("session_store replaces a token that has lived for half a TTL, and the old one is good "
          "for 30 s more") {
    fixture it{{.ttl = 100s, .max_requests = 1'000, .rotates_tokens = true}};
    std::string const old{it.store.open(caller("key_1"))->token->reveal()};

    it.clock.advance(49s);
    CHECK(!it.store.admit_token(old)->replacement());
    it.clock.advance(1s);
    auto const replaced = it.store.admit_token(old);
    REQUIRE(replaced);
    REQUIRE(replaced->replacement());
    std::string const fresh{replaced->replacement()->reveal()};

    CHECK(fresh != old);
    CHECK(!it.store.admit_token(old)->replacement()); // it is replaced once
    CHECK(it.store.admit_token(fresh)->id() == replaced->id());
    it.clock.advance(29s);
    CHECK(it.store.admit_token(old));
    it.clock.advance(1s);
    CHECK(refused(it.store.admit_token(old)).reason() == "invalid_session_token");
    CHECK(it.store.admit_token(fresh));
    CHECK(it.store.list().size() == 1);
    CHECK(it.store.size() == 1);
}

TEST_CASE("session_store keeps its tokens where they are not to be replaced") {
    fixture it{{.ttl = 100s, .max_requests = 1'000}};
    std::string const token{it.store.open(caller("key_1"))->token->reveal()};
    for (int i = 0; i != 5; ++i) {
        it.clock.advance(60s);
        CHECK(!it.store.admit_token(token)->replacement());
    }
}

TEST_CASE("session_store ends a session with two tokens once") {
    fixture it{{.ttl = 100s, .max_concurrent = 1, .rotates_tokens = true}};
    std::string const old{it.store.open(caller("key_1"))->token->reveal()};
    it.clock.advance(50s);
    REQUIRE(it.store.admit_token(old)->replacement());
    CHECK(it.store.revoke_all() == 1);
    CHECK(it.store.size() == 0);
    it.clock.advance(100s);
    it.store.cleanup();
    CHECK(it.store.size() == 0);
    CHECK(it.store.open(caller("key_2")));
    CHECK(!it.store.open(caller("key_2")));
}

TEST_CASE("session_store revokes the sessions of some principals") {
    fixture it;
    REQUIRE(it.store.admit(caller("key_1")));
    REQUIRE(it.store.admit(caller("key_2")));
    CHECK(it.store.revoke_if([](principal const& who) { return who.id() == "key_1"; }) == 1);
    CHECK(it.store.revoke_if([](principal const& who) { return who.id() == "key_1"; }) == 0);
    CHECK(refused(it.store.admit(caller("key_1"))).reason() == "session_revoked");
    CHECK(it.store.admit(caller("key_2")));
}

TEST_CASE("session_store puts back what was there before a restart: counts, tokens, suspensions, "
          "revocations") {
    fixture before{{.max_requests = 3}};
    for (int i = 0; i != 2; ++i) REQUIRE(before.store.admit(caller("uid:1")));
    std::string const token{before.store.open(caller("key_1"))->token->reveal()};
    REQUIRE(before.store.admit(caller("key_2")));
    REQUIRE(before.store.suspend(id_of(before, "key_2"), 900s));
    REQUIRE(before.store.admit(caller("key_3")));
    REQUIRE(before.store.revoke(id_of(before, "key_3")));
    auto const kept = before.store.list();

    fixture after{{.max_requests = 3}};
    after.clock.advance(60s);
    after.store.restore(kept, known);

    CHECK(after.store.size() == 3);
    CHECK(after.store.admit(caller("uid:1"))->request_count() == 3);
    CHECK(refused(after.store.admit(caller("uid:1"))).reason() == "session_exhausted");
    CHECK(after.store.admit_token(token)->owner().id() == "key_1");
    auto const suspended = refused(after.store.admit(caller("key_2")));
    CHECK(suspended.reason() == "session_suspended");
    CHECK(suspended.retry_after() == 840s);
    CHECK(refused(after.store.admit(caller("key_3"))).reason() == "session_revoked");
}

TEST_CASE("session_store leaves out what was over during a restart, and no clock set back "
          "lengthens a session") {
    fixture before{{.ttl = 100s}};
    REQUIRE(before.store.admit(caller("key_1")));
    auto kept = before.store.list();

    fixture late{{.ttl = 100s}};
    late.clock.advance(100s);
    late.store.restore(kept, known);
    CHECK(late.store.list().empty());
    CHECK(late.store.size() == 0);

    kept.front().last_activity += 1h;
    kept.front().created_at += 1h;
    fixture set_back{{.ttl = 100s}};
    set_back.store.restore(kept, known);
    REQUIRE(set_back.store.list().size() == 1);
    CHECK(set_back.store.list().front().expires_at == set_back.clock.system() + 100s);
}

TEST_CASE("session_store puts back no session of a principal that is gone") {
    fixture before;
    REQUIRE(before.store.admit(caller("key_1")));
    fixture after;
    after.store.restore(before.store.list(), [](std::string_view) { return nullptr; });
    CHECK(after.store.list().empty());
}
