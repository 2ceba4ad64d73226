#include "ollama/asking.hpp"
#include "ollama/wire.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace ollama_tests;
using namespace mcp_provider::server::ollama;

std::string chat_with(std::string_view members) {
    return R"({"model":"all","messages":[{"role":"user","content":"hi"}],)" + std::string{members} +
           '}';
}
std::string chat_of(std::string_view messages) {
    return R"({"model":"all","messages":)" + std::string{messages} + '}';
}
std::string many(std::string_view one, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i != count; ++i) out += (i == 0 ? "" : ",") + std::string{one};
    return out;
}

} // namespace

TEST_CASE("chat takes what Continue sends") {
    auto const request = read<chat_request>(
        R"({"model":"all","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hello"}],)"
        R"("options":{"temperature":0.2,"top_p":0.9,"top_k":40,"num_predict":2048,"stop":["</s>","\n\n"],"num_ctx":8192,)"
        R"("mirostat":2,"num_thread":null},"keep_alive":1800,"stream":true})");

    REQUIRE(request);
    agent::conversation const& ask = request->ask();
    CHECK(request->model == "all");
    CHECK(request->streamed);
    CHECK_FALSE(request->is_empty());
    CHECK_FALSE(request->unloads);
    REQUIRE(ask.messages.size() == 2);
    CHECK(ask.messages[0].from == agent::role::system);
    CHECK(ask.messages[0].text == "Be brief.");
    CHECK(ask.messages[1].text == "Hello");
    CHECK(ask.sampling.temperature == 0.2);
    CHECK(ask.sampling.top_p == 0.9);
    CHECK(ask.sampling.top_k == 40);
    CHECK(ask.max_tokens == 2048);
    CHECK(ask.stop == std::vector<std::string>{"</s>", "\n\n"});
}

TEST_CASE("chat takes what Zed sends, with tools whose calls have no ids") {
    auto const request = read<chat_request>(
        R"({"model":"all","messages":[{"role":"user","content":"Weather?"},)"
        R"({"role":"assistant","content":"","tool_calls":[)"
        R"({"function":{"name":"weather","arguments":{"city":"Rome"}}},{"function":{"name":"time","arguments":{}}}]},)"
        R"({"role":"tool","tool_name":"time","content":"noon"},{"role":"tool","tool_name":"weather","content":"sun"}],)"
        R"("stream":true,"keep_alive":-1,"think":true,"options":{"num_ctx":4096,"num_predict":-1,"stop":[],"temperature":1.0},)"
        R"("tools":[{"type":"function","function":{"name":"weather","description":"the weather",)"
        R"("parameters":{"type":"object","properties":{"city":{"description":"a city"}}}}}]})");

    REQUIRE(request);
    agent::conversation const& ask = request->ask();
    CHECK(request->think == thinking::on);
    CHECK_FALSE(ask.max_tokens);
    REQUIRE(ask.messages.size() == 4);
    auto const& calls = ask.messages[1].tool_calls;
    REQUIRE(calls.size() == 2);
    CHECK(calls[0].arguments == R"({"city":"Rome"})");
    CHECK(calls[0].id != calls[1].id);
    CHECK(ask.messages[2].tool_call_id == calls[1].id);
    CHECK(ask.messages[3].tool_call_id == calls[0].id);
    REQUIRE(ask.tools.size() == 1);
    CHECK(ask.tools[0].name == "weather");
    CHECK(ask.tools[0].parameters ==
          R"({"type":"object","properties":{"city":{"description":"a city","type":"string"}}})");
}

TEST_CASE("chat takes what LangChain, ollama-js and the AI SDK's provider send") {
    auto const langchain = read<chat_request>(
        R"({"model":"all","stream":true,"options":{"temperature":0,"stop":["a"]},"messages":[)"
        R"({"role":"user","content":"look","images":["iVBORw0KGgo="]},)"
        R"({"role":"assistant","content":"","tool_calls":[{"id":"x1","type":"function","function":{"name":"f","arguments":{}}}]},)"
        R"({"role":"tool","content":"done","tool_call_id":"x1"}],"format":{"type":"object"},"tools":[]})");
    REQUIRE(langchain);
    CHECK(langchain->ask().messages[0].images[0].media_type == "image/png");
    CHECK(langchain->ask().messages[0].images[0].base64 == "iVBORw0KGgo=");
    CHECK(langchain->ask().messages[2].tool_call_id == "x1");
    CHECK(langchain->ask().messages[2].tool_name == "f");
    CHECK(langchain->ask().format.how == agent::answer_format::kind::schema);
    CHECK(langchain->ask().format.schema == R"({"type":"object"})");

    auto const ollama_js = read<chat_request>(
        R"({"model":"all","messages":[{"role":"USER","content":"hi"}],"stream":false,"format":"json","think":"high"})");
    REQUIRE(ollama_js);
    CHECK_FALSE(ollama_js->streamed);
    CHECK(ollama_js->ask().format.how == agent::answer_format::kind::json);
    CHECK(ollama_js->ask().reasoning_effort == "high");

    auto const ai_sdk = read<chat_request>(
        chat_with(R"("tool_choice":"auto","tools":null,"think":null,"format":null)"));
    REQUIRE(ai_sdk);
    CHECK(ai_sdk->ask().choice.how == agent::tool_choice::kind::automatic);
    CHECK(ai_sdk->think == thinking::unset);
}

TEST_CASE("chat streams by default") {
    CHECK(read<chat_request>(chat_with(R"("x":1)"))->streamed);
    CHECK(read<chat_request>(chat_with(R"("stream":null)"))->streamed);
    CHECK_FALSE(read<chat_request>(chat_with(R"("stream":false)"))->streamed);
}

TEST_CASE("chat does not stream where streams are switched off, and refuses who insists") {
    auto rules = allowed();
    rules.streaming = false;
    CHECK_FALSE(read<chat_request>(chat_with(R"("x":1)"), rules)->streamed);
    CHECK(refusal<chat_request>(chat_with(R"("stream":true)"), rules) ==
          "400 /stream | /stream must be false: streaming is switched off on this server");
}

TEST_CASE("chat without messages asks for loading or unloading") {
    CHECK(read<chat_request>(R"({"model":"all"})")->is_empty());
    CHECK(read<chat_request>(R"({"model":"all","messages":[]})")->is_empty());
    CHECK_FALSE(read<chat_request>(R"({"model":"all","messages":[]})")->unloads);
    CHECK(read<chat_request>(R"({"model":"all","messages":[],"keep_alive":0})")->unloads);
    CHECK(read<chat_request>(R"({"model":"all","messages":[],"keep_alive":"0s"})")->unloads);
    CHECK_FALSE(
        read<chat_request>(R"({"model":"all","messages":[],"keep_alive":"0.5s"})")->unloads);
}

TEST_CASE("chat honours tool_choice none and auto and refuses to force a call") {
    CHECK(read<chat_request>(chat_with(R"("tool_choice":"none")"))->ask().choice.how ==
          agent::tool_choice::kind::none);
    for (std::string_view const choice :
         {R"("required")", R"({"type":"function","function":{"name":"f"}})", "true"})
        CHECK(
            refusal<chat_request>(chat_with(R"("tool_choice":)" + std::string{choice})) ==
            R"(400 /tool_choice | /tool_choice must be "auto" or "none": a call cannot be forced here)");
}

TEST_CASE("chat refuses each member of a wrong type and says where and what is allowed") {
    struct {
        std::string_view member, where;
    } const wrong[] = {
        {R"("messages":"x")", "/messages"},
        {R"("messages":{})", "/messages"},
        {R"("messages":[5])", "/messages/0"},
        {R"("messages":[null])", "/messages/0/role"},
        {R"("messages":[{"content":"x"}])", "/messages/0/role"},
        {R"("messages":[{"role":"developer","content":"x"}])", "/messages/0/role"},
        {R"("messages":[{"role":7}])", "/messages/0/role"},
        {R"("messages":[{"role":"user","content":["x"]}])", "/messages/0/content"},
        {R"("messages":[{"role":"user","content":5}])", "/messages/0/content"},
        {R"("messages":[{"role":"assistant","thinking":false}])", "/messages/0/thinking"},
        {R"("messages":[{"role":"user","images":"x"}])", "/messages/0/images"},
        {R"("messages":[{"role":"user","images":[1]}])", "/messages/0/images/0"},
        {R"("messages":[{"role":"user","images":["iVBORw0KGgo=","data:image/png;base64,iVBORw0KGgo="]}])",
         "/messages/0/images/1"},
        {R"("messages":[{"role":"user","images":["iVBORw0KGgo"]}])", "/messages/0/images/0"},
        {R"("messages":[{"role":"user","images":["https://example.com/x.png"]}])",
         "/messages/0/images/0"},
        {R"("messages":[{"role":"user","images":[""]}])", "/messages/0/images/0"},
        {R"("messages":[{"role":"user","tool_name":1}])", "/messages/0/tool_name"},
        {R"("messages":[{"role":"tool","tool_call_id":1}])", "/messages/0/tool_call_id"},
        {R"("messages":[{"role":"assistant","tool_calls":{}}])", "/messages/0/tool_calls"},
        {R"("messages":[{"role":"assistant","tool_calls":[{}]}])",
         "/messages/0/tool_calls/0/function"},
        {R"("messages":[{"role":"assistant","tool_calls":[{"function":{"name":""}}]}])",
         "/messages/0/tool_calls/0/function/name"},
        {R"("messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}])",
         "/messages/0/tool_calls/0/function/arguments"},
        {R"("messages":[{"role":"assistant","tool_calls":[{"id":1,"function":{"name":"f"}}]}])",
         "/messages/0/tool_calls/0/id"},
        {R"("messages":[{"role":"user","tool_calls":[{"function":{"name":"f"}}]}])",
         "/messages/0/tool_calls"},
        {R"("stream":"yes")", "/stream"},
        {R"("format":"yaml")", "/format"},
        {R"("format":[])", "/format"},
        {R"("think":"maximal")", "/think"},
        {R"("think":1)", "/think"},
        {R"("keep_alive":"5")", "/keep_alive"},
        {R"("keep_alive":"soon")", "/keep_alive"},
        {R"("keep_alive":"")", "/keep_alive"},
        {R"("keep_alive":true)", "/keep_alive"},
        {R"("tools":{})", "/tools"},
        {R"("tools":[{"type":"web_search"}])", "/tools/0/type"},
        {R"("tools":[{"type":"function"}])", "/tools/0/function"},
        {R"("tools":[{"function":{"name":""}}])", "/tools/0/function/name"},
        {R"("tools":[{"function":{"name":"f","description":[]}}])",
         "/tools/0/function/description"},
        {R"("tools":[{"function":{"name":"f","parameters":"x"}}])", "/tools/0/function/parameters"},
        {R"("logprobs":true)", "/logprobs"},
        {R"("logprobs":1)", "/logprobs"},
        {R"("top_logprobs":21)", "/top_logprobs"},
        {R"("top_logprobs":-1)", "/top_logprobs"},
        {R"("truncate":"no")", "/truncate"},
        {R"("shift":0)", "/shift"},
        {R"("options":[])", "/options"},
        {R"("options":"x")", "/options"},
    };
    for (auto const& one : wrong) {
        CAPTURE(one.member);
        std::string const body = R"({"model":"all",)" + std::string{one.member} + '}';
        CHECK(refusal<chat_request>(body).starts_with("400 " + std::string{one.where} + " | " +
                                                      std::string{one.where}));
    }
}

TEST_CASE("chat refuses each option of a wrong type or out of range by its name") {
    for (std::string_view const option : {R"("temperature":"0.5")",
                                          R"("temperature":2.1)",
                                          R"("temperature":-0.1)",
                                          R"("top_k":"40")",
                                          R"("top_k":-1)",
                                          R"("top_k":1.5)",
                                          R"("top_p":1.01)",
                                          R"("top_p":-0.1)",
                                          R"("top_p":[])",
                                          R"("min_p":1.5)",
                                          R"("min_p":{})",
                                          R"("typical_p":"x")",
                                          R"("repeat_last_n":"x")",
                                          R"("repeat_penalty":0)",
                                          R"("repeat_penalty":"x")",
                                          R"("presence_penalty":2.1)",
                                          R"("frequency_penalty":-2.1)",
                                          R"("seed":"x")",
                                          R"("seed":1e30)",
                                          R"("stop":"x")",
                                          R"("stop":{})",
                                          R"("num_keep":true)",
                                          R"("num_ctx":"4096")",
                                          R"("num_ctx":2.5)",
                                          R"("num_batch":[])",
                                          R"("num_gpu":"all")",
                                          R"("main_gpu":"x")",
                                          R"("num_thread":"x")",
                                          R"("use_mmap":1)",
                                          R"("draft_num_predict":"x")",
                                          R"("num_predict":"x")",
                                          R"("num_predict":0)",
                                          R"("num_predict":-3)"}) {
        CAPTURE(option);
        std::string const where =
            "/options/" + std::string{option.substr(1, option.find('"', 1) - 1)};
        CHECK(refusal<chat_request>(chat_with(R"("options":{)" + std::string{option} + '}'))
                  .starts_with("400 " + where + " | " + where + " must be "));
    }
    CHECK(refusal<chat_request>(chat_with(R"("options":{"stop":["a",5]})"))
              .starts_with("400 /options/stop/1 | "));
}

TEST_CASE("chat ignores options that it does not know, and those that are null") {
    CHECK(read<chat_request>(chat_with(
        R"("options":{"tfs_z":"x","mirostat":[],"low_vram":1,"temperature":null,"stop":null,"num_predict":null})")));
}

TEST_CASE("chat takes options at the ends of their ranges") {
    auto const low = read<chat_request>(chat_with(
        R"("options":{"temperature":0,"top_p":0,"min_p":0,"top_k":0,"presence_penalty":-2,"frequency_penalty":-2,)"
        R"("num_predict":1,"seed":0,"repeat_penalty":0.1})"));
    REQUIRE(low);
    CHECK(low->ask().sampling.presence_penalty == -2.0);
    CHECK(low->ask().sampling.seed == 0);
    CHECK(low->ask().max_tokens == 1);
    auto const high = read<chat_request>(chat_with(
        R"("top_logprobs":20,"options":{"temperature":2,"top_p":1,"min_p":1,"presence_penalty":2,"frequency_penalty":2,)"
        R"("num_predict":8192,"seed":-1,"stop":["",";"]})"));
    REQUIRE(high);
    CHECK(high->ask().sampling.temperature == 2.0);
    CHECK_FALSE(high->ask().sampling.seed);
    CHECK(high->ask().max_tokens == 8192);
    CHECK(high->ask().stop == std::vector<std::string>{";"});
    CHECK(refusal<chat_request>(chat_with(R"("options":{"num_predict":8193})")) ==
          "400 /options/num_predict | /options/num_predict must be -1 or -2 (no limit), or a whole "
          "number from 1 to 8192; "
          "it is 8193");
    CHECK_FALSE(read<chat_request>(chat_with(R"("options":{"num_predict":-2})"))->ask().max_tokens);
}

TEST_CASE("chat takes as many messages as are allowed and not one more") {
    auto rules = allowed();
    rules.max_messages = 3;
    std::string const message = R"({"role":"user","content":"x"})";
    CHECK(read<chat_request>(chat_of('[' + many(message, 3) + ']'), rules)->ask().messages.size() ==
          3);
    CHECK(refusal<chat_request>(chat_of('[' + many(message, 4) + ']'), rules)
              .starts_with("400 /messages | "));
}

TEST_CASE(
    "chat takes as many characters as are allowed, counted as code points, and not one more") {
    auto rules = allowed();
    rules.max_message_characters = 4;
    CHECK(read<chat_request>(
        chat_of(R"([{"role":"user","content":"äöü"},{"role":"user","content":"€"}])"), rules));
    CHECK(refusal<chat_request>(
              chat_of(R"([{"role":"user","content":"äöü"},{"role":"user","content":"ab"}])"),
              rules) == "400 /messages | the messages have a text of 5 characters; allowed are 4");
    CHECK(refusal<chat_request>(
              chat_of(R"([{"role":"assistant","content":"abc","thinking":"de"}])"), rules)
              .starts_with("400 /messages | "));
}

TEST_CASE("think set to false leaves alone a model that cannot think, and stops one that can") {
    auto const on_offer = models();
    auto const plain = read<chat_request>(chat_with(R"("think":false)"));
    CHECK(plain->ask_of(on_offer[1], caller()).reasoning_effort == "");
    CHECK(plain->ask_of(on_offer[1], caller()).model == "plain:7b");
    auto const able = read<chat_request>(chat_with(R"("think":false)"));
    CHECK(able->ask_of(on_offer[0], caller()).reasoning_effort == "none");
    CHECK(able->ask_of(on_offer[0], caller()).model == "all:latest");
    CHECK(able->model == "all");
}

TEST_CASE("a tool's answer that names no call belongs to the first one that is open") {
    auto const request = read<chat_request>(chat_of(
        R"([{"role":"assistant","tool_calls":[{"function":{"name":"f"}},{"function":{"name":"f"}}]},)"
        R"({"role":"tool","content":"1"},{"role":"tool","content":"2"},{"role":"tool","content":"3"}])"));
    REQUIRE(request);
    auto const& turns = request->ask().messages;
    CHECK(turns[1].tool_call_id == turns[0].tool_calls[0].id);
    CHECK(turns[2].tool_call_id == turns[0].tool_calls[1].id);
    CHECK(turns[2].tool_name == "f");
    CHECK(turns[3].tool_call_id == "");
}

TEST_CASE("chat shows every text that the model gets to read, with its place") {
    auto const request = read<chat_request>(
        R"({"model":"all","messages":[{"role":"system","content":"s"},{"role":"assistant","content":"","thinking":"t",)"
        R"("tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},{"role":"tool","content":"r"}],)"
        R"("tools":[{"function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}],)"
        R"("format":{"x":1}})");
    using seen = std::vector<std::pair<std::string, std::string>>;
    CHECK(texts_of(*request) ==
          seen{{"/messages/0/content", "s"},
               {"/messages/1/thinking", "t"},
               {"/messages/1/tool_calls/0/function/arguments", R"({"a":1})"},
               {"/messages/2/content", "r"},
               {"/tools/0/function/description", "d"},
               {"/tools/0/function/parameters", R"({"type":"object","properties":{}})"},
               {"/format", R"({"x":1})"}});
}
