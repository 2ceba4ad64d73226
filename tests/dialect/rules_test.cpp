#include "dialect/rules.hpp"
#include "mcp_provider/agent/agent.hpp"
#include "mcp_provider/core/principal.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

namespace {

agent::model_list two_models() {
    std::vector<agent::model> list;
    list.emplace_back("talks:latest", agent::capability::completion, 4096, "x");
    list.emplace_back("embeds:small", agent::capability::embedding, 4096, "x");
    return std::make_shared<std::vector<agent::model> const>(std::move(list));
}

principal with_models(std::vector<std::string> models) {
    auto who = std::make_shared<identity>();
    who->models = std::move(models);
    return principal{std::move(who)};
}

} // namespace

TEST_CASE("choose_model takes a name with or without :latest, and tells what is wrong otherwise") {
    auto const models = two_models();
    auto const anybody = with_models({});
    auto const ask = [&](std::string_view name, principal const& who) {
        return choose_model(models, name, who, agent::capability::completion, "chat");
    };

    CHECK((*ask("talks", anybody))->name == "talks:latest");
    CHECK((*ask("talks:latest", with_models({"talks"})))->name == "talks:latest");
    CHECK(ask("nosuch", anybody).error().message() == "model 'nosuch' not found");
    CHECK(ask("nosuch", anybody).error().status() == 404);
    CHECK(ask("talks", with_models({"embeds:small"})).error().status() == 403);
    CHECK(ask("embeds:small", anybody).error().message() ==
          "\"embeds:small\" does not support chat");
}

TEST_CASE("choose_model says that no model is on offer yet, not that this one does not exist") {
    auto const none = std::make_shared<std::vector<agent::model> const>();
    auto const got =
        choose_model(none, "talks", with_models({}), agent::capability::completion, "chat");

    CHECK(got.error().status() == 503);
    CHECK(got.error().retry_after() == std::chrono::seconds{5});
}

TEST_CASE("count_characters counts code points, over its blocks' borders too") {
    CHECK(count_characters("") == 0);
    CHECK(count_characters("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == 4);
    for (std::size_t const size : {254U, 255U, 256U, 510U, 511U, 1000U}) {
        std::string text;
        for (std::size_t i = 0; i != size; ++i) text += "\xC3\xA9";
        CHECK(count_characters(text) == size);
        CHECK(count_characters(std::string(size, 'a')) == size);
    }
}
