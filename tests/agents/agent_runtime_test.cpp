#include "agents/agent_runtime.hpp"
#include "agents/running_agents.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using namespace std::chrono_literals;
using agent::finish_reason;
using agent::role;

namespace {

agent::conversation chat(std::vector<std::pair<role, std::string>> const& messages,
                         std::string caller = "key_1") {
    agent::conversation made;
    made.model = "agent:latest";
    made.caller = std::move(caller);
    made.streamed = true;
    for (auto const& [from, text] : messages) made.messages.emplace_back(from, text);
    return made;
}

} // namespace

TEST_CASE("an agent's text comes as it says it, piece by piece, and its reasoning apart") {
    running_agents agents;

    collected const said = agents.ask("say one two three");
    CHECK(said.opened);
    CHECK(said.pieces == std::vector<std::string>{"one", " two", " three"});
    CHECK(said.reason == finish_reason::stop);

    collected const thought = agents.ask("think");
    CHECK(thought.reasoning == "hm");
    CHECK(thought.text == "done");
}

TEST_CASE("a conversation that goes on is continued in the session that knows it") {
    running_agents agents;
    auto talk = chat({{role::system, "Be brief."}, {role::user, "Hello.\nsession"}});

    collected const first = agents.ask(talk);
    CHECK(first.text.ends_with(" 1"));
    talk.messages.emplace_back(role::assistant, first.text + "\n"); // as clients trim, and add
    talk.messages.emplace_back(role::user, "session");
    collected const second = agents.ask(talk);
    talk.messages.emplace_back(role::assistant, second.text);
    talk.messages.emplace_back(role::user, "history");
    collected const third = agents.ask(talk);

    std::string const name = first.text.substr(0, first.text.find(' '));
    CHECK(second.text == name + " 2");
    CHECK(third.text == "history"); // nothing of the past is told again
    CHECK(comes_true([&] { return agents.runtime().state().sessions == 1; }));
}

TEST_CASE("a conversation whose past no session holds is told whole") {
    running_agents agents;
    auto const talk = chat({{role::system, "Be brief."},
                            {role::user, "Who are you?"},
                            {role::assistant, "A fake."},
                            {role::user, "history"}});

    CHECK(agents.ask(talk).text ==
          "<instructions>\nBe brief.\n</instructions>\n"
          "<conversation>\n<user>\nWho are you?\n</user>\n"
          "<assistant>\nA fake.\n</assistant>\n</conversation>\n\nhistory");
}

TEST_CASE("no session is shared: not with another caller, another past, or a second answer") {
    running_agents agents;
    auto talk = chat({{role::user, "session"}});
    collected const first = agents.ask(talk);
    std::string const name = first.text.substr(0, first.text.find(' '));
    auto const going_on = [&](std::string answer, std::string caller) {
        return chat({{role::user, "session"},
                     {role::assistant, std::move(answer)},
                     {role::user, "session"}},
                    std::move(caller));
    };

    CHECK_FALSE(agents.ask(going_on(first.text, "key_2")).text.starts_with(name + ' '));
    CHECK_FALSE(agents.ask(going_on("something else", "key_1")).text.starts_with(name + ' '));
    CHECK(agents.ask(going_on(first.text, "key_1")).text == name + " 2");
    CHECK_FALSE(
        agents.ask(going_on(first.text, "key_1")).text.starts_with(name + ' ')); // asked again
}
