#include "admitted.hpp"
#include "mcp_provider/policy/authenticate.hpp"

#include <memory>
#include <optional>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_peer;
using testing::fake_request;
using testing::only_user;

namespace {

using door = authenticate<detail::no_keys>;

result<principal> ask_at(door const& one, http::request const& asked) {
    auto const caller = testing::admitted_caller(asked);
    auto const blocks = testing::new_block_table();
    return one.on_request(asked, caller,
                          *testing::throttled_caller(blocks, caller, testing::manual_clock{}));
}

/// Asks where the local user 1000 is let in, and there are no keys.
result<principal> ask(http::request const& asked,
                      std::shared_ptr<local_users const> users = only_user(1000)) {
    return ask_at(door{nullptr, std::move(users)}, asked);
}

result<principal> ask_openly(http::request const& asked) {
    return ask_at(door{std::make_shared<detail::no_keys>(), only_user(1000)}.or_anonymous(), asked);
}

fake_peer const stranger{2000};

} // namespace

TEST_CASE("authenticate knows the local user without a token, by uid") {
    auto const who = ask(fake_request{});
    REQUIRE(who);
    CHECK(who->id() == "uid:1000");
    CHECK(who->known_by() == identity::kind::local_user);
    CHECK(who->may(scope::generate));
    CHECK(!who->may(scope::admin));

    fake_request other;
    other.from(stranger);
    CHECK(!ask(other));
    fake_peer const unknown{std::nullopt};
    CHECK(!ask(other.from(unknown)));
}

TEST_CASE(
    "authenticate lets programs without a token discover, where that is open, but no browser") {
    fake_request program;
    program.from(stranger);
    auto const who = ask_openly(program);
    REQUIRE(who);
    CHECK(who->known_by() == identity::kind::anonymous);
    CHECK(who->may(scope::discover));
    CHECK(!who->may(scope::generate));

    fake_request page;
    page.with("Origin", "http://127.0.0.1:11434").from(stranger);
    CHECK(ask_openly(page).error().status() == 401);
    fake_request wrong;
    wrong.with("Authorization", "Bearer guess").from(stranger);
    CHECK(ask_openly(wrong).error().status() == 401);
    CHECK(ask_openly(fake_request{})->id() == "uid:1000");
}

TEST_CASE("authenticate lets an allowed page in by the user of its browser") {
    fake_request page;
    page.with("Origin", "http://127.0.0.1:11434");

    CHECK(ask(page)->id() == "uid:1000");
}

TEST_CASE("authenticate without local users knows nobody by uid") {
    CHECK(!ask(fake_request{}, nullptr));
}
