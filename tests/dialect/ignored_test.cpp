#include "dialect/ignored.hpp"

#include <string>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;

agent::model that_cannot(std::uint8_t what) {
    agent::model one{"plain", agent::capability::completion, 0, "agent"};
    one.cannot = what;
    return one;
}

/// A question with everything set that can be overlooked.
agent::conversation particular_question() {
    agent::conversation asked;
    asked.max_tokens = 5;
    asked.sampling.temperature = 0.5;
    asked.sampling.top_p = 0.5;
    asked.sampling.top_k = 5;
    asked.sampling.min_p = 0.5;
    asked.sampling.frequency_penalty = 0.5;
    asked.sampling.presence_penalty = 0.5;
    asked.sampling.repeat_penalty = 0.5;
    asked.sampling.seed = 5;
    return asked;
}

} // namespace

TEST_CASE("a model that can be told everything ignores nothing") {
    CHECK(ignored_parameters(particular_question(), that_cannot(0), "max_tokens").empty());
}

TEST_CASE("what was not asked for is not ignored") {
    agent::model const deaf =
        that_cannot(agent::limitation::sampling | agent::limitation::max_tokens);
    CHECK(ignored_parameters(agent::conversation{}, deaf, "max_tokens").empty());
}

TEST_CASE("each ignored parameter is named as the dialect spells it") {
    CHECK(ignored_parameters(particular_question(), that_cannot(agent::limitation::max_tokens),
                             "num_predict") == "num_predict");
    CHECK(ignored_parameters(particular_question(), that_cannot(agent::limitation::sampling),
                             "max_tokens") ==
          "temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, repeat_penalty, "
          "seed");
}

TEST_CASE("a response says what was ignored, and nothing where nothing was") {
    http::response silent{200, "text/plain", "x"};
    http::response telling{200, "text/plain", "x"};

    note_ignored(silent, "");
    note_ignored(telling, "seed");

    CHECK(silent.fields().get("X-Ignored-Parameters").empty());
    CHECK(telling.fields().get("x-ignored-parameters") == "seed");
}
