#include "agents/conversation_text.hpp"

#include <string>

#include <doctest/doctest.h>

namespace mcp_provider::server::agents {
namespace {

using agent::role;

agent::conversation talk() {
    agent::conversation ask;
    ask.model = "m";
    ask.caller = "ada";
    return ask;
}

std::string told_alone(std::string text) {
    agent::conversation ask = talk();
    ask.messages.emplace_back(role::user, std::move(text));
    return conversation_text{ask}.prompt(0, {}).text;
}

TEST_CASE("an agent is told one message of a user as it is") {
    CHECK(told_alone("What is 1/2?") == "What is 1/2?");
    CHECK(told_alone("# Title\n/etc is a folder") == "# Title\n/etc is a folder");
    CHECK(told_alone("") == "");
    CHECK(told_alone("世界") == "世界");
}

TEST_CASE("an agent cannot be given a command of its own for a message") {
    for (std::string const command : {"/allow-all on", "  \n\t/allow-all on", "!rm -rf /",
                                      "\xC2\xA0/yolo", "\xEF\xBB\xBF/yolo", "\xE3\x80\x80/yolo"}) {
        CHECK(told_alone(command) == "The user says:\n" + command);
    }
}

TEST_CASE(
    "an agent that takes history is told who said what before, with images and calls of tools") {
    agent::conversation ask = talk();
    ask.messages.emplace_back(role::system, "Be kind.");
    ask.messages.emplace_back(role::user, "Look");
    ask.messages.back().images.emplace_back("image/png", "QUJD");
    ask.messages.emplace_back(role::assistant, "");
    ask.messages.back().tool_calls.emplace_back("c1", "find", R"({"x":1})");
    ask.messages.emplace_back(role::tool, "found");
    ask.messages.emplace_back(role::assistant, "There it is.");
    ask.messages.emplace_back(role::user, "Thanks");

    agent_prompt const told = conversation_text{ask}.prompt(0, {true, true});

    CHECK(told.system == "Be kind.");
    CHECK(told.text == "Thanks");
    CHECK(told.images.empty());
    REQUIRE(told.history.size() == 4);
    CHECK(told.history[0].text == "Look");
    CHECK(told.history[0].images.size() == 1);
    CHECK(told.history[1].from == role::assistant);
    CHECK(told.history[1].text.find(R"(<tool_call name="find">{"x":1}</tool_call>)") !=
          std::string::npos);
    CHECK(told.history[2].from == role::user);
    CHECK(told.history[2].text.find("found") != std::string::npos);
    CHECK(told.history[3].text == "There it is.");
}

TEST_CASE("a session that goes on is told only what is new") {
    agent::conversation ask = talk();
    ask.messages.emplace_back(role::user, "one");
    ask.messages.emplace_back(role::assistant, "two");
    ask.messages.emplace_back(role::system, "From now on in French.");
    ask.messages.emplace_back(role::user, "three");
    conversation_text const text{ask};
    REQUIRE(text.beginnings().size() == 1);

    agent_prompt const flat = text.prompt(2, {true, false});
    agent_prompt const apart = text.prompt(2, {true, true});

    CHECK(flat.text == "<instructions>\nFrom now on in French.\n</instructions>\n\nthree");
    CHECK(flat.history.empty());
    CHECK(apart.text == "three");
    REQUIRE(apart.history.size() == 1);
    CHECK(apart.history[0].text.find("From now on in French.") != std::string::npos);
    CHECK(apart.system.empty());
}

} // namespace
} // namespace mcp_provider::server::agents
