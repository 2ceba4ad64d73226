#include "agents/conversation_text.hpp"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using agent::role;

namespace {

agent::conversation chat(std::vector<std::pair<role, std::string>> const& messages,
                         std::string caller = "key_1", std::string model = "m") {
    agent::conversation made;
    made.caller = std::move(caller);
    made.model = std::move(model);
    for (auto const& [from, text] : messages) made.messages.emplace_back(from, text);
    return made;
}

} // namespace

TEST_CASE("a conversation that goes on is found by the key that its last answer left") {
    conversation_text const before{chat({{role::system, "s"}, {role::user, "q"}})};
    auto const key = before.key_with("the answer");

    conversation_text const after{chat({{role::system, "s"},
                                        {role::user, "q"},
                                        {role::assistant, " the answer\n"},
                                        {role::user, "r"}})};
    REQUIRE(after.beginnings().size() == 1);
    CHECK(after.beginnings()[0].key == key);
    CHECK(after.beginnings()[0].messages == 3);
    CHECK(before.beginnings().empty());
}

TEST_CASE("whatever differs, so does the key") {
    std::vector<std::pair<role, std::string>> const messages{
        {role::user, "q"}, {role::assistant, "a"}, {role::user, "r"}};
    auto const key_of = [](agent::conversation const& ask) {
        return conversation_text{ask}.beginnings().front().key;
    };
    auto const key = key_of(chat(messages));

    CHECK(key_of(chat(messages)) == key);
    CHECK(key_of(chat(messages, "key_2")) != key);
    CHECK(key_of(chat(messages, "key_1", "n")) != key);
    CHECK(key_of(chat(messages, "key_1m", "")) != key); // fields do not run into each other
    CHECK(key_of(chat({{role::user, "q "}, {role::assistant, "a"}, {role::user, "r"}})) != key);
    CHECK(key_of(chat({{role::system, "q"}, {role::assistant, "a"}, {role::user, "r"}})) != key);
    CHECK(key_of(chat({{role::user, "q"}, {role::assistant, "b"}, {role::user, "r"}})) != key);
    auto effort = chat(messages);
    effort.reasoning_effort = "high";
    CHECK(key_of(effort) != key);
    auto picture = chat(messages);
    picture.messages[0].images.emplace_back("image/png", "AAAA");
    CHECK(key_of(picture) != key);
    auto called = chat(messages);
    called.messages[1].tool_calls.emplace_back("id", "f", "{}");
    CHECK(key_of(called) != key);
}

TEST_CASE("the longest beginning comes first") {
    conversation_text const text{chat({{role::user, "q"},
                                       {role::assistant, "a"},
                                       {role::user, "r"},
                                       {role::assistant, "b"},
                                       {role::user, "s"}})};
    REQUIRE(text.beginnings().size() == 2);
    CHECK(text.beginnings()[0].messages == 4);
    CHECK(text.beginnings()[1].messages == 2);
}

TEST_CASE("what a session knows is not told again, and one message goes as it is") {
    conversation_text const text{chat({{role::system, "Be brief."},
                                       {role::user, "q"},
                                       {role::assistant, "a"},
                                       {role::user, "<b>r</b>\n"}})};
    CHECK(text.prompt(3, {}).text == "<b>r</b>\n");
    CHECK(text.prompt(3, {true, false}).system.empty());

    agent_prompt const whole = text.prompt(0, {true, false});
    CHECK(whole.system == "Be brief.");
    CHECK(whole.text == "<conversation>\n<user>\nq\n</user>\n<assistant>\na\n</assistant>\n"
                        "</conversation>\n\n<b>r</b>\n");
    CHECK(text.prompt(0, {}).text == "<instructions>\nBe brief.\n</instructions>\n" + whole.text);
    CHECK(conversation_text{chat({{role::user, "only"}})}.prompt(0, {}).text == "only");
}

TEST_CASE("tools of the past, pictures, and conversations without a question are told, too") {
    auto ask = chat({{role::user, "q"}, {role::assistant, ""}, {role::tool, "21 degrees"}});
    ask.messages[0].images.emplace_back("image/png", "AAAA");
    ask.messages[1].tool_calls.emplace_back("id", "weather", R"({"city":"Ulm"})");
    agent_prompt const told = conversation_text{ask}.prompt(0, {});
    CHECK(
        told.text ==
        "<conversation>\n<user>\nq\n</user>\n<assistant>\n\n<tool_call name=\"weather\">"
        "{\"city\":\"Ulm\"}</tool_call>\n</assistant>\n<tool_result>\n21 degrees\n</tool_result>\n"
        "</conversation>\n\nGo on with the conversation: give the assistant's next message.");
    CHECK(told.images.size() == 1);

    agent::conversation completion;
    completion.is_completion = true;
    completion.prompt = "def f(";
    CHECK(conversation_text{completion}.prompt(0, {}).text == "def f(");
    CHECK(conversation_text{chat({{role::system, "s"}})}.prompt(0, {}).text ==
          "<instructions>\ns\n</instructions>\n\nGo on with the conversation: give the assistant's "
          "next message.");
}
