#include "admitted.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/policy/authenticate.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::admitted_caller;
using testing::admitted_throttled;
using testing::fake_peer;
using testing::fake_request;
using testing::manual_clock;

namespace {

struct keys {
    std::shared_ptr<identity const> find(std::string_view token) const {
        ++looked_up;
        auto const at = known.find(std::string{token});
        return at == known.end() ? nullptr : at->second;
    }
    void add(std::string token, std::string id, std::optional<system_time> expires = std::nullopt) {
        auto who = std::make_shared<identity>();
        who->id = std::move(id);
        who->known_by = identity::kind::key;
        who->may = scope::generate;
        who->expires = expires;
        known.emplace(std::move(token), std::move(who));
    }

    std::map<std::string, std::shared_ptr<identity const>> known;
    mutable int looked_up = 0;
};

/// `authenticate` with one key, `good` of `key_1`, and one local user, 1000.
struct door {
    door() {
        ring->add("good", "key_1");
        auto some = std::make_shared<local_users>();
        some->add(1000, "me");
        users = std::move(some);
    }

    result<principal> ask(http::request const& asked) {
        auto const caller = admitted_caller(asked);
        auto const watched = admitted_throttled(blocks, caller, clock);
        return policy().on_request(asked, caller, watched);
    }
    result<principal> ask_openly(http::request const& asked) {
        auto const caller = admitted_caller(asked);
        auto const watched = admitted_throttled(blocks, caller, clock);
        return policy().or_anonymous().on_request(asked, caller, watched);
    }
    authenticate<keys, manual_clock> policy() const {
        return authenticate<keys, manual_clock>{ring, users, clock};
    }

    manual_clock clock;
    std::shared_ptr<keys> ring = std::make_shared<keys>();
    std::shared_ptr<local_users const> users;
    std::shared_ptr<block_table> blocks = std::make_shared<block_table>();
    fake_peer stranger{2000};
};

std::string basic(std::string_view user_and_password) {
    return "Basic " + crypto::base64_encode(user_and_password);
}

} // namespace

TEST_CASE("authenticate finds the token wherever a client puts it") {
    door one;
    auto const finds = [&](std::string_view name, std::string_view value) {
        fake_request asked;
        asked.with(name, value).from(one.stranger);
        auto const who = one.ask(asked);
        return who && who->id() == "key_1";
    };

    CHECK(finds("Authorization", "Bearer good"));
    CHECK(finds("authorization", "bearer good"));
    CHECK(finds("AUTHORIZATION", "BEARER   good "));
    CHECK(finds("x-api-key", "good"));
    CHECK(finds("X-API-Key", " good"));
    CHECK(finds("Authorization", basic("anyone:good")));
    CHECK(finds("Authorization", basic(":good")));
    CHECK(finds("Authorization", basic("good:")));
    CHECK(!finds("Authorization", basic("good:other")));
    CHECK(!finds("Authorization", "Bearer good2"));
    CHECK(!finds("Authorization", "good"));
}

TEST_CASE("authenticate knows the local user without a token, by uid") {
    door one;

    auto const who = one.ask(fake_request{});
    REQUIRE(who);
    CHECK(who->id() == "uid:1000");
    CHECK(who->known_by() == identity::kind::local_user);
    CHECK(who->may(scope::generate));
    CHECK(!who->may(scope::admin));

    fake_request other;
    other.from(one.stranger);
    CHECK(!one.ask(other));
    fake_peer const unknown{std::nullopt};
    CHECK(!one.ask(other.from(unknown)));
}

TEST_CASE("authenticate takes the keys that SDKs make up for no token") {
    door one;
    for (auto const* key : {"noop", "ollama", "unused", "sk-no-key-required", ""}) {
        CAPTURE(key);
        fake_request bearer;
        bearer.with("Authorization", std::string{"Bearer "} + key);
        fake_request api_key;
        api_key.with("x-api-key", key);
        fake_request password;
        password.with("Authorization", basic(std::string{"ollama:"} + key));
        for (fake_request* asked : {&bearer, &api_key, &password}) {
            CHECK(one.ask(*asked)->id() == "uid:1000");
            auto const refused = one.ask(asked->from(one.stranger));
            REQUIRE(!refused);
            CHECK(refused.error().security_event().empty());
        }
    }
    CHECK(one.ring->looked_up == 0);
}

TEST_CASE("authenticate refuses a missing token with 401 and counts nothing") {
    door one;
    fake_request asked;
    asked.from(one.stranger);
    for (int i = 0; i != 100; ++i) {
        auto const refused = one.ask(asked);
        REQUIRE(!refused);
        CHECK(refused.error().status() == 401);
        CHECK(refused.error().reason() == "invalid_api_key");
        CHECK(refused.error().security_event().empty());
        CHECK(refused.error().fields().front() ==
              std::pair<std::string_view, std::string>{"WWW-Authenticate", "Bearer"});
    }
}

TEST_CASE("authenticate refuses a wrong token as a security event, even of an allowed user, and "
          "never repeats it") {
    door one;
    fake_request asked;
    asked.with("Authorization", "Bearer sk-secret-guess");

    auto const refused = one.ask(asked);

    REQUIRE(!refused);
    CHECK(refused.error().status() == 401);
    CHECK(refused.error().security_event() == "invalid_token");
    CHECK(refused.error().message().find("guess") == std::string::npos);
}

TEST_CASE("authenticate is throttled: twenty distinct wrong tokens shut the caller out, and only "
          "that caller") {
    door one;
    auto const guess = [&](int number) {
        fake_request asked;
        asked.with("Authorization", "Bearer guess" + std::to_string(number)).from(one.stranger);
        return one.ask(asked).error().security_event();
    };
    for (int again = 0; again != 5; ++again)
        for (int i = 1; i <= 19; ++i) CHECK(guess(i) == "invalid_token");
    CHECK(guess(20) == "credential_stuffing");

    fake_request asked;
    asked.with("Authorization", "Bearer good").from(one.stranger);
    auto const caller = admitted_caller(asked);
    CHECK(!address_block<manual_clock>{one.blocks, one.clock}.on_request(caller));
    CHECK(one.ask(fake_request{}));
    one.clock.advance(24h);
    CHECK(one.ask(asked));
}

TEST_CASE("authenticate says that a key has expired, and when") {
    door one;
    one.ring->add("old", "key_2", one.clock.system() + 60s);
    fake_request asked;
    asked.with("Authorization", "Bearer old");
    one.clock.advance(60s - 1us);
    CHECK(one.ask(asked));

    one.clock.advance(1us);

    auto const refused = one.ask(asked);
    REQUIRE(!refused);
    CHECK(refused.error().status() == 401);
    CHECK(refused.error().message() == "the token has expired at 2026-01-01T00:01:00Z");
    CHECK(refused.error().security_event().empty());
}

TEST_CASE("authenticate refuses a blocked key, wherever it is used from") {
    door one;
    one.blocks->block("key_1", 60s, one.clock.steady());
    fake_request asked;
    asked.with("x-api-key", "good");

    auto const refused = one.ask(asked);

    REQUIRE(!refused);
    CHECK(refused.error().status() == 403);
    CHECK(refused.error().message() == "this key is blocked until 2026-01-01T00:01:00Z");
}

TEST_CASE("authenticate refuses two credentials that differ, and takes two that agree") {
    door one;
    fake_request differ;
    differ.with("Authorization", "Bearer good").with("x-api-key", "other");
    fake_request twice;
    twice.with("Authorization", "Bearer good").with("Authorization", basic("me:other"));
    fake_request agree;
    agree.with("Authorization", basic("me:good"))
        .with("x-api-key", "good")
        .with("Authorization", "Bearer good");
    fake_request dummy;
    dummy.with("Authorization", "Bearer noop").with("x-api-key", "good");

    CHECK(one.ask(differ).error().status() == 400);
    CHECK(one.ask(differ).error().reason() == "ambiguous_credentials");
    CHECK(one.ask(twice).error().status() == 400);
    CHECK(one.ask(agree)->id() == "key_1");
    CHECK(one.ask(dummy)->id() == "key_1");
}

TEST_CASE("authenticate does not guess at schemes and encodings that it cannot read") {
    door one;
    for (auto const* value :
         {"Digest username=me", "Basic !!!", "Basic Z29vZA==", "Negotiate abc", "good"}) {
        CAPTURE(value);
        fake_request asked;
        asked.with("Authorization", value);
        auto const refused = one.ask(asked);
        REQUIRE(!refused);
        CHECK(refused.error().status() == 401);
        CHECK(refused.error().where() == "authorization");
    }
    fake_request nothing;
    nothing.with("Authorization", "");
    CHECK(one.ask(nothing)->id() == "uid:1000");
}

TEST_CASE(
    "authenticate lets programs without a token discover, where that is open, but no browser") {
    door one;
    fake_request program;
    program.from(one.stranger);
    auto const who = one.ask_openly(program);
    REQUIRE(who);
    CHECK(who->known_by() == identity::kind::anonymous);
    CHECK(who->may(scope::discover));
    CHECK(!who->may(scope::generate));

    fake_request page;
    page.with("Origin", "http://127.0.0.1:11434").from(one.stranger);
    CHECK(one.ask_openly(page).error().status() == 401);
    fake_request wrong;
    wrong.with("Authorization", "Bearer guess").from(one.stranger);
    CHECK(one.ask_openly(wrong).error().status() == 401);
    CHECK(one.ask_openly(fake_request{})->id() == "uid:1000");
}

TEST_CASE("authenticate lets an allowed page in by the user of its browser") {
    door one;
    fake_request page;
    page.with("Origin", "http://127.0.0.1:11434");

    CHECK(one.ask(page)->id() == "uid:1000");
}

TEST_CASE("authenticate without local users knows nobody by uid") {
    door one;
    one.users = nullptr;

    CHECK(!one.ask(fake_request{}));
}
