#include "asking.hpp"
#include "openai/messages.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using asking::chat_of;
using asking::read;
using server::openai::chat_request;

result<chat_request> read_messages_of(std::string_view messages) {
    return read<chat_request>(chat_of(messages));
}

} // namespace

TEST_CASE("messages of every role are read, developer as system and function as tool") {
    auto const chat = read_messages_of(
        R"([{"role":"system","content":"a"},{"role":"developer","content":"b"},{"role":"user","content":"c","name":"me"},)"
        R"({"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}},)"
        R"({"role":"function","name":"f","content":"d"},)"
        R"({"role":"assistant","content":null,"refusal":"no"},)"
        R"({"role":"assistant","content":"","reasoning_content":"hm"},)"
        R"({"role":"tool","tool_call_id":"x","name":"g","content":[{"type":"text","text":"e"}]}])");

    REQUIRE(chat);
    auto const& messages = chat->asked().messages;
    REQUIRE(messages.size() == 8);
    CHECK(messages[0].from == agent::role::system);
    CHECK(messages[1].from == agent::role::system);
    CHECK(messages[2].from == agent::role::user);
    CHECK(messages[3].from == agent::role::assistant);
    REQUIRE(messages[3].tool_calls.size() == 1);
    CHECK(messages[3].tool_calls[0].arguments == "{}");
    CHECK(messages[4].from == agent::role::tool);
    CHECK(messages[4].tool_name == "f");
    CHECK(messages[4].tool_call_id == messages[3].tool_calls[0].id);
    CHECK(messages[5].text == "no");
    CHECK(messages[6].reasoning == "hm");
    CHECK(messages[7].tool_call_id == "x");
    CHECK(messages[7].tool_name == "g");
    CHECK(messages[7].text == "e");
}

TEST_CASE("a tool's answer has the name of the function that was called under its id") {
    auto const chat = read_messages_of(
        R"([{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[)"
        R"({"id":"1","type":"function","function":{"name":"f","arguments":"{}"}},)"
        R"({"id":"2","type":"function","function":{"name":"g","arguments":"{}"}}]},)"
        R"({"role":"tool","tool_call_id":"2","content":"b"},)"
        R"({"role":"tool","tool_call_id":"1","content":"c"},)"
        R"({"role":"tool","tool_call_id":"3","content":"d"}])");

    REQUIRE(chat);
    auto const& messages = chat->asked().messages;
    CHECK(messages[2].tool_name == "g");
    CHECK(messages[3].tool_name == "f");
    CHECK(messages[4].tool_name.empty());
}

TEST_CASE("the parts of a message are joined by line breaks, and its images are kept") {
    auto const chat = read_messages_of(
        R"([{"role":"user","content":[{"type":"text","text":"one"},)"
        R"({"type":"image_url","image_url":{"url":"data:image/png;base64,AAEC","detail":"low"}},)"
        R"({"type":"text","text":"two"},{"type":"image_url","image_url":"DATA:image/svg+xml;charset=utf-8;BASE64,QQ=="}]}])");

    REQUIRE(chat);
    agent::message const& message = chat->asked().messages[0];
    CHECK(message.text == "one\ntwo");
    REQUIRE(message.images.size() == 2);
    CHECK(message.images[0].media_type == "image/png");
    CHECK(message.images[0].base64 == "AAEC");
    CHECK(message.images[1].media_type == "image/svg+xml");
    CHECK(message.images[1].base64 == "QQ==");
}

TEST_CASE("messages say what is wrong, where, and what is allowed") {
    struct {
        std::string_view messages;
        std::string_view where;
        std::string_view says;
    } const refusals[] = {
        {R"([null])", "/messages/0", "must be an object; it is null"},
        {R"(["hi"])", "/messages/0", "must be an object; it is a string"},
        {R"([{"content":"x"}])", "/messages/0/role", "must be a string; it is missing"},
        {R"([{"role":"model","parts":[]}])", "/messages/0/role",
         R"(must be "system", "developer", "user", "assistant" or "tool"; it is "model")"},
        {R"([{"role":"User","content":"x"}])", "/messages/0/role", R"(it is "User")"},
        {R"([{"role":"user"}])", "/messages/0/content", "must be a string or an array of parts"},
        {R"([{"role":"user","content":null}])", "/messages/0/content",
         "must be a string or an array of parts"},
        {R"([{"role":"user","content":7}])", "/messages/0/content",
         "must be a string or an array of parts"},
        {R"([{"role":"user","content":{}}])", "/messages/0/content",
         "must be a string or an array of parts"},
        {R"([{"role":"assistant","content":null}])", "/messages/0/content",
         "only an assistant's message with tool_calls"},
        {R"([{"role":"assistant","content":null,"tool_calls":[]}])", "/messages/0/content",
         "tool_calls"},
        {R"([{"role":"user","content":["x"]}])", "/messages/0/content/0", "must be an object"},
        {R"([{"role":"user","content":[{"text":"x"}]}])", "/messages/0/content/0/type",
         "must be a string; it is missing"},
        {R"([{"role":"user","content":[{"type":"text"}]}])", "/messages/0/content/0/text",
         "must be a string"},
        {R"([{"role":"user","content":[{"type":"video"}]}])", "/messages/0/content/0/type",
         R"(must be "text" or "image_url"; it is "video")"},
        {R"([{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}])",
         "/messages/0/content/0/type", "audio and files are not supported here"},
        {R"([{"role":"user","content":[{"type":"file","file":{}}]}])", "/messages/0/content/0/type",
         "audio and files are not supported here"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}])",
         "/messages/0/content/0/image_url/url", "fetches no remote images"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"HTTP://169.254.169.254/"}]}])",
         "/messages/0/content/0/image_url", "server-side request forgery"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"file:///etc/passwd"}]}])",
         "/messages/0/content/0/image_url", "must be a data: URL"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"data:image/png,AAEC"}]}])",
         "/messages/0/content/0/image_url", "must be a data: URL"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"data:text/html;base64,AAEC"}]}])",
         "/messages/0/content/0/image_url", "must be a data: URL"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"data:image/;base64,AAEC"}]}])",
         "/messages/0/content/0/image_url", "must be a data: URL"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,AAE"}]}])",
         "/messages/0/content/0/image_url", "padded base64"},
        {R"([{"role":"user","content":[{"type":"image_url","image_url":"data:image/png;base64,"}]}])",
         "/messages/0/content/0/image_url", "padded base64"},
        {R"([{"role":"user","content":[{"type":"image_url"}]}])", "/messages/0/content/0/image_url",
         "must be a string"},
        {R"([{"role":"user","content":"x","tool_calls":[{"id":"1"}]}])", "/messages/0/tool_calls",
         "is for messages of an assistant only"},
        {R"([{"role":"assistant","content":"x","audio":{"id":"a"}}])", "/messages/0/audio",
         "is not supported here"},
        {R"([{"role":"tool","content":"x"}])", "/messages/0/tool_call_id",
         "must be a string; it is missing"},
        {R"([{"role":"tool","content":"x","tool_call_id":""}])", "/messages/0/tool_call_id",
         "must not be empty"},
        {R"([{"role":"function","content":"x"}])", "/messages/0/name",
         "must be a string; it is missing"},
    };
    for (auto const& one : refusals) {
        CAPTURE(one.messages);

        auto const chat = read_messages_of(one.messages);

        REQUIRE_FALSE(chat);
        CHECK(chat.error().code() == rejection_code::bad_request);
        CHECK(chat.error().where() == one.where);
        CAPTURE(chat.error().message());
        CHECK(chat.error().message().find(one.says) != std::string::npos);
    }
}

TEST_CASE("messages count the text of calls and reasoning too, in code points") {
    server::generation_rules rules;
    rules.max_message_characters = 7;
    std::string const messages =
        R"([{"role":"assistant","content":"ü","reasoning":"öö","tool_calls":[{"id":"1",)"
        R"("function":{"name":"f","arguments":"{ }"}}]},{"role":"user","content":"U"}])";
    std::string const one_more = R"([{"role":"user","content":"12345678"}])";

    CHECK(read<chat_request>(chat_of(messages), rules));
    auto const beyond = read<chat_request>(chat_of(one_more), rules);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().where() == "/messages");
    CHECK(beyond.error().message() ==
          "/messages must have at most 7 characters of text together; they have 8");
}
