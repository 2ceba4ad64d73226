#include "mcp_provider/core/principal.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

principal with_models(std::vector<std::string> models) {
    auto who = std::make_shared<identity>();
    who->id = "key_1";
    who->models = std::move(models);
    return principal{std::move(who)};
}

} // namespace

TEST_CASE("scopes are a set") {
    constexpr scopes some = scope::discover | scope::generate;
    CHECK(some.has(scope::discover));
    CHECK(some.has(scope::generate));
    CHECK(!some.has(scope::admin));
    CHECK(scopes{}.empty());
    CHECK((some | scope::admin) == (scopes{scope::admin} | scope::generate | scope::discover));
}

TEST_CASE("each scope has a name, is found by it, and is in all of them") {
    for (scope one : {scope::discover, scope::generate, scope::metrics, scope::events, scope::agent,
                      scope::admin}) {
        CHECK(!name_of(one).empty());
        CHECK(scope_of(name_of(one)) == one);
        CHECK(scopes::all().has(one));
    }
    CHECK(!scope_of("Generate"));
    CHECK(!scope_of(""));
}

TEST_CASE("a principal may use all models without a list, and with one those on it, with or "
          "without :latest") {
    CHECK(with_models({}).may_use("anything"));
    auto const one = with_models({"echo", "qwen2.5-coder:7b", "phi4:latest"});
    CHECK(one.may_use("echo"));
    CHECK(one.may_use("echo:latest"));
    CHECK(one.may_use("phi4"));
    CHECK(one.may_use("qwen2.5-coder:7b"));
    CHECK(!one.may_use("qwen2.5-coder"));
    CHECK(!one.may_use("echo2"));
    CHECK(!one.may_use(""));
}

TEST_CASE("a principal tells who it is") {
    auto who = std::make_shared<identity>();
    who->id = "uid:1000";
    who->label = "me";
    who->known_by = identity::kind::local_user;
    who->may = scope::generate;
    who->uid = 1000;
    principal const one{who};
    principal const copy =
        one; // NOLINT(performance-unnecessary-copy-initialization): copies share the identity

    CHECK(copy.id() == "uid:1000");
    CHECK(copy.label() == "me");
    CHECK(copy.known_by() == identity::kind::local_user);
    CHECK(copy.uid() == 1000U);
    CHECK(copy.may(scope::generate));
    CHECK(!copy.may(scope::discover));
    CHECK(&copy.id() == &one.id());
}
