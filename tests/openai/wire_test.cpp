#include "asking.hpp"
#include "openai/wire.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using asking::chat_with;
using asking::read;
using openai::chat_request;

struct refusal {
    std::string_view members;
    std::string_view where;
    std::string_view says;
};

} // namespace

TEST_CASE("chat_request reads Void's chat byte for byte: a name, messages and stream, and nothing "
          "else is set") {
    // openai 4.96.0 writes its bodies with an indent of two.
    std::string_view const body = R"({
  "model": "echo:latest",
  "messages": [
    {
      "role": "system",
      "content": "You are an expert coding assistant."
    },
    {
      "role": "user",
      "content": "What does this do?\n```ts\nlet x = 1\n```"
    }
  ],
  "stream": true
})";

    auto const read_back = read<chat_request>(body);

    REQUIRE(read_back);
    agent::conversation const& asked = read_back->asked();
    CHECK(read_back->model() == "echo:latest");
    CHECK(asked.model == "echo:latest");
    REQUIRE(asked.messages.size() == 2);
    CHECK(asked.messages[0].from == agent::role::system);
    CHECK(asked.messages[1].text == "What does this do?\n```ts\nlet x = 1\n```");
    CHECK(asked.streamed);
    CHECK_FALSE(read_back->include_usage());
    CHECK_FALSE(asked.max_tokens);
    CHECK_FALSE(asked.sampling.temperature);
    CHECK_FALSE(asked.parallel_tool_calls);
    CHECK(asked.stop.empty());
    CHECK(asked.tools.empty());
    CHECK(asked.format.how == agent::answer_format::kind::text);
}

TEST_CASE("chat_request reads Void's chat with native tools, and gives their properties a type") {
    std::string_view const body = R"body({
  "model": "gpt-4.1-local",
  "messages": [
    {
      "role": "developer",
      "content": "Act."
    },
    {
      "role": "user",
      "content": "Read a.ts"
    },
    {
      "role": "assistant",
      "content": "(empty message)",
      "tool_calls": [
        {
          "type": "function",
          "id": "call_1",
          "function": {
            "name": "read_file",
            "arguments": "{\"uri\":\"a.ts\"}"
          }
        }
      ]
    },
    {
      "role": "tool",
      "content": "let x = 1",
      "tool_call_id": "call_1"
    }
  ],
  "stream": true,
  "tools": [
    {
      "type": "function",
      "function": {
        "name": "read_file",
        "description": "Returns full contents of a given file.",
        "parameters": {
          "type": "object",
          "properties": {
            "uri": {
              "description": "The FULL path to the file."
            }
          }
        }
      }
    }
  ]
})body";

    auto const read_back = read<chat_request>(body);

    REQUIRE(read_back);
    agent::conversation const& asked = read_back->asked();
    CHECK(asked.messages[0].from == agent::role::system);
    REQUIRE(asked.messages[2].tool_calls.size() == 1);
    CHECK(asked.messages[2].tool_calls[0].id == "call_1");
    CHECK(asked.messages[2].tool_calls[0].arguments == R"({"uri":"a.ts"})");
    CHECK(asked.messages[3].from == agent::role::tool);
    CHECK(asked.messages[3].tool_call_id == "call_1");
    REQUIRE(asked.tools.size() == 1);
    CHECK(
        asked.tools[0].parameters ==
        R"({"type":"object","properties":{"uri":{"description":"The FULL path to the file.","type":"string"}}})");
}

TEST_CASE("chat_request reads every parameter that can be honoured") {
    auto const read_back = read<chat_request>(chat_with(
        R"("temperature":0.5,"top_p":0.9,"presence_penalty":-2,"frequency_penalty":2,"seed":-9223372036854775808,)"
        R"("max_tokens":5,"max_completion_tokens":7,"stop":["a","b"],"n":1,"stream":true,)"
        R"("stream_options":{"include_usage":true,"include_obfuscation":false},"reasoning_effort":"xhigh",)"
        R"("parallel_tool_calls":false,"response_format":{"type":"json_schema","json_schema":)"
        R"({"name":"city","strict":true,"schema":{"type":"object"}}})"));

    REQUIRE(read_back);
    agent::conversation const& asked = read_back->asked();
    CHECK(asked.sampling.temperature == 0.5);
    CHECK(asked.sampling.top_p == 0.9);
    CHECK(asked.sampling.presence_penalty == -2.0);
    CHECK(asked.sampling.frequency_penalty == 2.0);
    CHECK(asked.sampling.seed == INT64_MIN);
    CHECK(asked.max_tokens == 7); // the newer name wins
    CHECK(asked.stop == std::vector<std::string>{"a", "b"});
    CHECK(asked.streamed);
    CHECK(read_back->include_usage());
    CHECK(asked.reasoning_effort == "xhigh");
    CHECK(asked.parallel_tool_calls == false);
    CHECK(asked.format.how == agent::answer_format::kind::schema);
    CHECK(asked.format.schema == R"({"type":"object"})");
    CHECK(asked.format.name == "city");
    CHECK(asked.format.strict);
}

TEST_CASE("chat_request takes null for absent, everywhere") {
    auto const read_back = read<chat_request>(chat_with(
        R"("temperature":null,"top_p":null,"presence_penalty":null,"frequency_penalty":null,"seed":null,)"
        R"("max_tokens":null,"max_completion_tokens":null,"stop":null,"n":null,"stream":null,"stream_options":null,)"
        R"("reasoning_effort":null,"parallel_tool_calls":null,"response_format":null,"tools":null,"tool_choice":null,)"
        R"("functions":null,"function_call":null,"logprobs":null,"top_logprobs":null,"logit_bias":null,"audio":null,)"
        R"("modalities":null,"prediction":null,"web_search_options":null,"moderation":null)"));

    REQUIRE(read_back);
    CHECK_FALSE(read_back->asked().streamed);
    CHECK_FALSE(read_back->asked().max_tokens);
    CHECK_FALSE(read_back->asked().sampling.seed);
}

TEST_CASE("chat_request ignores what is unknown, and what changes nothing in the answer") {
    auto const read_back = read<chat_request>(chat_with(
        R"("user":"me","metadata":{"a":"b"},"store":true,"service_tier":"auto","prompt_cache_key":"k",)"
        R"("prompt_cache_retention":"24h","safety_identifier":"s","verbosity":"low","num_ctx":4096,"n":1,)"
        R"("modalities":["text"],"logprobs":false,"top_logprobs":0,"logit_bias":{},"tools":[],"functions":[],)"
        R"("function_call":"auto","stop":[],"tool_choice":"auto","response_format":{"type":"text"})"));

    REQUIRE(read_back);
    CHECK(read_back->asked().stop.empty());
}

TEST_CASE("chat_request says what is wrong, where, and what is allowed") {
    refusal const refusals[] = {
        {R"("model":"")", "/model", "model is required"},
        {R"("model":7)", "/model", "must be a string; it is 7"},
        {R"("model":null)", "/model", "must be a string; it is null"},
        {R"("messages":"hi")", "/messages",
         "must be an array of 1 to 100 elements; it is a string"},
        {R"("messages":[])", "/messages",
         "must be an array of 1 to 100 elements; it is an array of 0"},
        {R"("temperature":-0.1)", "/temperature", "must be a number from 0 to 2; it is -0.1"},
        {R"("temperature":2.1)", "/temperature", "must be a number from 0 to 2"},
        {R"("temperature":"1")", "/temperature", "must be a number from 0 to 2; it is a string"},
        {R"("top_p":-0.1)", "/top_p", "must be a number from 0 to 1"},
        {R"("top_p":1.1)", "/top_p", "must be a number from 0 to 1"},
        {R"("presence_penalty":-2.1)", "/presence_penalty", "must be a number from -2 to 2"},
        {R"("presence_penalty":2.1)", "/presence_penalty", "must be a number from -2 to 2"},
        {R"("frequency_penalty":-2.1)", "/frequency_penalty", "must be a number from -2 to 2"},
        {R"("frequency_penalty":2.1)", "/frequency_penalty", "must be a number from -2 to 2"},
        {R"("seed":1.5)", "/seed", "must be a whole number"},
        {R"("seed":9223372036854775808)", "/seed", "must be a whole number"},
        {R"("max_tokens":0)", "/max_tokens", "must be a whole number from 1 to 8192; it is 0"},
        {R"("max_tokens":8193)", "/max_tokens",
         "must be a whole number from 1 to 8192; it is 8193"},
        {R"("max_completion_tokens":0)", "/max_completion_tokens",
         "must be a whole number from 1 to 8192"},
        {R"("max_completion_tokens":8193)", "/max_completion_tokens",
         "must be a whole number from 1 to 8192"},
        {R"("n":0)", "/n", "must be a whole number of at least 1"},
        {R"("n":2)", "/n", "must be 1: this server gives one answer a request; it is 2"},
        {R"("stop":5)", "/stop", "must be a string, an array of strings or null"},
        {R"("stop":"")", "/stop", "must not be empty"},
        {R"("stop":["a",""])", "/stop/1", "must not be empty"},
        {R"("stop":["a",1])", "/stop/1", "must be a string; it is 1"},
        {R"("stream":"yes")", "/stream", "must be true or false"},
        {R"("stream_options":true)", "/stream_options", "must be an object"},
        {R"("stream_options":{"include_usage":1})", "/stream_options/include_usage",
         "must be true or false"},
        {R"("parallel_tool_calls":"no")", "/parallel_tool_calls", "must be true or false"},
        {R"("reasoning_effort":"ultra")", "/reasoning_effort",
         R"(must be "none", "minimal", "low", "medium", "high", "xhigh" or "max"; it is "ultra")"},
        {R"("reasoning_effort":1)", "/reasoning_effort", "must be a string"},
        {R"("response_format":"json")", "/response_format", "must be an object"},
        {R"("response_format":{})", "/response_format/type", "must be a string; it is missing"},
        {R"("response_format":{"type":"xml"})", "/response_format/type",
         R"(must be "text", "json_object" or "json_schema"; it is "xml")"},
        {R"("response_format":{"type":"json_schema"})", "/response_format/json_schema",
         "must be an object"},
        {R"("response_format":{"type":"json_schema","json_schema":{"schema":{}}})",
         "/response_format/json_schema/name", "must be a string; it is missing"},
        {R"("response_format":{"type":"json_schema","json_schema":{"name":"n"}})",
         "/response_format/json_schema/schema", "must be an object; it is missing"},
        {R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{},"strict":1}})",
         "/response_format/json_schema/strict", "must be true or false"},
        {R"("logprobs":true)", "/logprobs",
         "is not supported here: agents do not tell probabilities"},
        {R"("top_logprobs":1)", "/top_logprobs", "is not supported here"},
        {R"("top_logprobs":21)", "/top_logprobs", "must be a whole number from 0 to 20"},
        {R"("logit_bias":{"50256":-100})", "/logit_bias", "is not supported here"},
        {R"("logit_bias":[1])", "/logit_bias", "must be an object"},
        {R"("audio":{"voice":"alloy","format":"wav"})", "/audio", "answers with text only"},
        {R"("modalities":["text","audio"])", "/modalities/1", R"(must be "text")"},
        {R"("prediction":{"type":"content","content":"x"})", "/prediction",
         "is not supported here"},
        {R"("web_search_options":{})", "/web_search_options", "is not supported here"},
        {R"("moderation":{})", "/moderation", "is not supported here"},
        {R"("functions":[{"name":"f"}])", "/functions", R"(send "tools")"},
        {R"("function_call":{"name":"f"})", "/function_call", R"(send "tool_choice")"},
    };
    for (refusal const& one : refusals) {
        CAPTURE(one.members);

        auto const read_back = read<chat_request>(chat_with(one.members));

        REQUIRE_FALSE(read_back);
        rejection const& why = read_back.error();
        CHECK(why.code() == rejection_code::bad_request);
        CHECK(why.where() == one.where);
        CAPTURE(why.message());
        CHECK(why.message().find(one.says) != std::string::npos);
    }
}

TEST_CASE("chat_request takes each limit and refuses one step beyond") {
    generation_rules rules;
    rules.max_messages = 2;
    rules.max_tokens = 10;
    rules.max_message_characters = 4;
    auto const accepts = [&](std::string const& text) {
        return read<chat_request>(text, rules).has_value();
    };
    std::string const message = R"({"role":"user","content":"é"})";

    CHECK(accepts(asking::chat_of('[' + message + ',' + message + ']')));
    CHECK_FALSE(accepts(asking::chat_of('[' + message + ',' + message + ',' + message + ']')));
    CHECK(accepts(chat_with(R"("max_tokens":10)")));
    CHECK_FALSE(accepts(chat_with(R"("max_tokens":11)")));
    CHECK(accepts(
        asking::chat_of(R"([{"role":"user","content":"éé"},{"role":"user","content":"éé"}])")));
    CHECK_FALSE(accepts(
        asking::chat_of(R"([{"role":"user","content":"éé"},{"role":"user","content":"ééé"}])")));
    for (auto const* edge :
         {R"("temperature":0)", R"("temperature":2)", R"("top_p":0)", R"("top_p":1)",
          R"("presence_penalty":2)", R"("frequency_penalty":-2)", R"("top_logprobs":0)"})
        CHECK(accepts(chat_with(edge)));
}

TEST_CASE("chat_request takes at most 256 stop texts") {
    auto const stops = [](int count) {
        std::string list = R"("stop":["x")";
        for (int i = 1; i < count; ++i) list += R"(,"x")";
        return chat_with(list + ']');
    };

    CHECK(read<chat_request>(stops(256)));
    auto const beyond = read<chat_request>(stops(257));
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().where() == "/stop");
}

TEST_CASE("chat_request refuses a stream where streaming is switched off") {
    generation_rules rules;
    rules.streaming = false;

    auto const streamed = read<chat_request>(chat_with(R"("stream":true)"), rules);

    CHECK(read<chat_request>(chat_with(R"("stream":false)"), rules));
    REQUIRE_FALSE(streamed);
    CHECK(streamed.error().where() == "/stream");
    CHECK(streamed.error().message() ==
          "/stream must be false: streaming is switched off on this server");
}

TEST_CASE("chat_request refuses a document that is no object") {
    for (auto const* text : {"[]", "7", "\"x\"", "null", "true"}) {
        CAPTURE(text);
        CHECK_FALSE(read<chat_request>(text));
        CHECK_FALSE(read<openai::completion_request>(text));
        CHECK_FALSE(read<openai::embedding_request>(text));
    }
}

TEST_CASE("chat_request shows every text that reaches the model, with the place where it stands") {
    auto const read_back = read<chat_request>(
        R"({"model":"m","messages":[{"role":"system","content":"S"},{"role":"user","content":[{"type":"text","text":"U"}]},)"
        R"({"role":"assistant","content":null,"reasoning":"R","tool_calls":[{"id":"1","type":"function",)"
        R"("function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"T"}],)"
        R"("tools":[{"type":"function","function":{"name":"f","description":"D","parameters":)"
        R"({"type":"object","properties":{}}}}],)"
        R"("response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"array"}}}})");

    REQUIRE(read_back);
    CHECK(asking::texts_of(*read_back) ==
          "/messages/0/content=S\n"
          "/messages/1/content=U\n"
          "/messages/2/reasoning_content=R\n"
          "/messages/2/tool_calls/0/function/arguments={}\n"
          "/messages/3/content=T\n"
          "/tools/0/function/description=D\n"
          "/tools/0/function/parameters={\"type\":\"object\",\"properties\":{}}\n"
          "/response_format/json_schema/schema={\"type\":\"array\"}\n");
}
