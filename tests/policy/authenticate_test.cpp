#include "admitted.hpp"
#include "mcp_provider/policy/authenticate.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::admitted_caller;
using testing::fake_peer;
using testing::fake_request;
using testing::key_identity;
using testing::manual_clock;
using testing::new_block_table;
using testing::only_user;
using testing::throttled_caller;

namespace {

/// One key: its token, and whose it is.
struct one_key {
    std::shared_ptr<identity const> find(std::string_view sent) const {
        ++looked_up;
        return sent == token ? owner : nullptr;
    }

    std::string_view token = "good";
    std::shared_ptr<identity const> owner = key_identity("key_1");
    mutable int looked_up = 0;
};

/// `authenticate` with one key, `good` of `key_1`, and one local user, 1000.
struct door {
    result<principal> ask(http::request const& asked) {
        auto const caller = admitted_caller(asked);
        return policy().on_request(asked, caller, *throttled_caller(blocks, caller, clock));
    }
    authenticate<one_key, manual_clock> policy() const {
        return authenticate<one_key, manual_clock>{ring, users, clock};
    }

    manual_clock clock;
    std::shared_ptr<one_key> ring = std::make_shared<one_key>();
    std::shared_ptr<local_users const> users = only_user(1000);
    std::shared_ptr<block_table> blocks = new_block_table();
    fake_peer stranger{2000};
};

} // namespace

TEST_CASE("authenticate finds the owner of a token, wherever a client puts it") {
    door one;
    auto const finds = [&](std::string_view name, std::string_view value) {
        fake_request asked;
        asked.with(name, value).from(one.stranger);
        auto const who = one.ask(asked);
        return who && who->id() == "key_1";
    };

    CHECK(finds("Authorization", "Bearer good"));
    CHECK(finds("x-api-key", "good"));
    CHECK(finds("Authorization", "Basic Omdvb2Q=")); // `:good`
    CHECK(!finds("Authorization", "Bearer good2"));
    CHECK(!finds("Authorization", "good"));
}

TEST_CASE("authenticate takes the keys that SDKs make up for no token") {
    door one;
    fake_request asked;
    asked.with("Authorization", "Bearer noop");

    CHECK(one.ask(asked)->id() == "uid:1000");
    auto const refused = one.ask(asked.from(one.stranger));
    REQUIRE(!refused);
    CHECK(refused.error().security_event().empty());
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
    CHECK(!throttled_caller(one.blocks, caller, one.clock));
    CHECK(one.ask(fake_request{}));
    one.clock.advance(24h);
    CHECK(one.ask(asked));
}

TEST_CASE("authenticate says that a key has expired, and when") {
    door one;
    one.ring->owner = key_identity("key_2", one.clock.system() + 60s);
    fake_request asked;
    asked.with("Authorization", "Bearer good");
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

TEST_CASE("authenticate refuses two credentials that differ, and what it cannot read") {
    door one;
    fake_request differ;
    differ.with("Authorization", "Bearer good").with("x-api-key", "other");
    fake_request unreadable;
    unreadable.with("Authorization", "Digest username=me");

    CHECK(one.ask(differ).error().status() == 400);
    CHECK(one.ask(unreadable).error().status() == 401);
}
