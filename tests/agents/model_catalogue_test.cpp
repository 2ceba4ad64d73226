#include "agents/model_catalogue.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;

namespace {

std::vector<std::string> names_of(model_catalogue const& catalogue) {
    std::vector<std::string> names;
    for (agent::model const& one : *catalogue.models()) names.push_back(one.name);
    return names;
}

} // namespace

TEST_CASE("shown_name leaves what every client can say") {
    CHECK(shown_name("openai/gpt-5") == "openai/gpt-5");
    CHECK(shown_name("claude-sonnet[1m]") == "claude-sonnet-1m");
    CHECK(shown_name("Großes  Modell (neu)") == "Gro-es-Modell-neu");
    CHECK(shown_name("[]") == "");
    CHECK(shown_name(std::string(300, 'x')).size() == 128);
}

TEST_CASE("model_catalogue offers the agent's choice, the aliases and what the agent lists") {
    model_catalogue catalogue{"acp", {{"codestral", "big [x]"}, {"local", "agent:latest"}}, 1'000};
    CHECK(names_of(catalogue) == std::vector<std::string>{"codestral", "local", "agent:latest"});

    catalogue.set({{"small", "Small"}, {"big [x]", "Big"}, {"big-x", "Other"}},
                  agent::capability::vision);

    CHECK(names_of(catalogue) ==
          std::vector<std::string>{"codestral", "local", "agent:latest", "small", "big-x"});
    CHECK(*catalogue.id_of("codestral") == "big [x]");
    CHECK(*catalogue.id_of("local") == "");
    CHECK(*catalogue.id_of("agent:latest") == "");
    CHECK(*catalogue.id_of("big-x") == "big [x]");
    CHECK(catalogue.id_of("none").error().code() == rejection_code::not_found);
    agent::model const& first = catalogue.models()->front();
    CHECK(first.has(agent::capability::completion));
    CHECK(first.has(agent::capability::vision));
    CHECK_FALSE(first.has(agent::capability::tools));
    CHECK(first.lacks(agent::limitation::sampling));
    CHECK(first.lacks(agent::limitation::max_tokens));
    CHECK(first.lacks(agent::limitation::format));
    CHECK(first.context_tokens == 1'000);
}
