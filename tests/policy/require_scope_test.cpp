#include "mcp_provider/policy/require_scope.hpp"

#include <memory>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

principal someone(scopes may) {
    auto who = std::make_shared<identity>();
    who->id = "key_1";
    who->may = may;
    return principal{std::move(who)};
}

} // namespace

TEST_CASE("require_scope lets those pass that have the scope and names it to the others") {
    require_scope const policy{scope::generate};

    CHECK(policy.on_request(someone(scope::discover | scope::generate)));
    auto const refused = policy.on_request(someone(scope::discover));
    REQUIRE(!refused);
    CHECK(refused.error().status() == 403);
    CHECK(refused.error().message() ==
          "this needs the scope 'generate', which key_1 does not have");
    CHECK(refused.error().reason() == "insufficient_scope");
}
