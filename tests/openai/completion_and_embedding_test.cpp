#include "asking.hpp"
#include "openai/wire.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using asking::read;

struct refusal {
    std::string_view members;
    std::string_view where;
    std::string_view says;
};

} // namespace

TEST_CASE("completion_request reads Void's autocomplete byte for byte") {
    std::string_view const body = R"({
  "model": "codestral-local",
  "prompt": "function add(a, b) {\n  return ",
  "suffix": "\n}\n",
  "stop": [],
  "max_tokens": 300
})";

    auto const read_back = read<openai::completion_request>(body);

    REQUIRE(read_back);
    agent::conversation const& asked = read_back->asked();
    CHECK(asked.is_completion);
    CHECK(asked.prompt == "function add(a, b) {\n  return ");
    CHECK(asked.suffix == "\n}\n");
    CHECK(asked.stop.empty());
    CHECK(asked.max_tokens == 300);
    CHECK_FALSE(asked.streamed);
    CHECK(asking::texts_of(*read_back) ==
          "/prompt=function add(a, b) {\n  return \n/suffix=\n}\n\n");
}

TEST_CASE(
    "completion_request sets no limit of tokens of its own, and takes a prompt in a list of one") {
    auto const read_back =
        read<openai::completion_request>(R"({"model":"m","prompt":["once"],"stop":"\n","n":1,)"
                                         R"("best_of":1,"echo":false,"logprobs":null,"seed":3})");

    REQUIRE(read_back);
    CHECK(read_back->asked().prompt == "once");
    CHECK_FALSE(read_back->asked().max_tokens);
    CHECK(read_back->asked().stop == std::vector<std::string>{"\n"});
    CHECK(read_back->asked().sampling.seed == 3);
}

TEST_CASE("completion_request says what is wrong, where, and what is allowed") {
    refusal const refusals[] = {
        {R"("prompt":null)", "/prompt", "must be a string"},
        {R"("prompt":7)", "/prompt", "must be a string; it is 7"},
        {R"("prompt":[])", "/prompt", "must be an array of at least 1 elements"},
        {R"("prompt":[1,2])", "/prompt", "must be text: lists of tokens are not supported here"},
        {R"("prompt":[[1,2]])", "/prompt", "must be text: lists of tokens are not supported here"},
        {R"("prompt":["a","b"])", "/prompt", "one prompt a request; it is a list of 2"},
        {R"("prompt":[null])", "/prompt/0", "must be a string"},
        {R"("suffix":1)", "/suffix", "must be a string"},
        {R"("echo":true)", "/echo", "is not supported here"},
        {R"("best_of":2)", "/best_of", "must be 1"},
        {R"("n":3)", "/n", "must be 1"},
        {R"("logprobs":5)", "/logprobs", "is not supported here"},
        {R"("logit_bias":{"1":1})", "/logit_bias", "is not supported here"},
        {R"("max_tokens":0)", "/max_tokens", "must be a whole number from 1 to 8192"},
        {R"("temperature":3)", "/temperature", "must be a number from 0 to 2"},
        {R"("stream":1)", "/stream", "must be true or false"},
        {R"("model":"")", "/model", "model is required"},
    };
    for (refusal const& one : refusals) {
        CAPTURE(one.members);

        auto const read_back = read<openai::completion_request>(R"({"model":"m","prompt":"p",)" +
                                                                std::string{one.members} + '}');

        REQUIRE_FALSE(read_back);
        CHECK(read_back.error().where() == one.where);
        CAPTURE(read_back.error().message());
        CHECK(read_back.error().message().find(one.says) != std::string::npos);
    }
}

TEST_CASE("completion_request counts the characters of prompt and suffix together") {
    generation_rules rules;
    rules.max_prompt_characters = 4;

    CHECK(read<openai::completion_request>(R"({"model":"m","prompt":"éé","suffix":"éé"})", rules));
    auto const beyond =
        read<openai::completion_request>(R"({"model":"m","prompt":"éé","suffix":"ééé"})", rules);
    REQUIRE_FALSE(beyond);
    CHECK(beyond.error().where() == "/prompt");
    CHECK(beyond.error().message() ==
          "/prompt must have, with its suffix, at most 4 characters; it has 5");
}

TEST_CASE("completion_request refuses a stream where streaming is switched off") {
    generation_rules rules;
    rules.streaming = false;

    auto const streamed =
        read<openai::completion_request>(R"({"model":"m","prompt":"p","stream":true})", rules);

    REQUIRE_FALSE(streamed);
    CHECK(streamed.error().where() == "/stream");
}

TEST_CASE("embedding_request reads one text or a list of them") {
    auto const one = read<openai::embedding_request>(
        R"({"model":"e","input":"hello","encoding_format":"base64"})");
    auto const two = read<openai::embedding_request>(
        R"({"model":"e","input":["a","b"],"dimensions":3,"user":"u"})");

    REQUIRE(one);
    CHECK(one->asked().inputs == std::vector<std::string>{"hello"});
    CHECK(one->as_base64());
    CHECK(one->asked().dimensions == 0);
    CHECK(asking::texts_of(*one) == "/input=hello\n");
    REQUIRE(two);
    CHECK(two->asked().inputs == std::vector<std::string>{"a", "b"});
    CHECK_FALSE(two->as_base64());
    CHECK(two->asked().dimensions == 3);
    CHECK(asking::texts_of(*two) == "/input/0=a\n/input/1=b\n");
}

TEST_CASE("embedding_request says what is wrong, where, and what is allowed") {
    refusal const refusals[] = {
        {R"("input":null)", "/input", "must be a string or an array of strings"},
        {R"("input":7)", "/input", "must be a string or an array of strings"},
        {R"("input":"")", "/input", "must not be empty"},
        {R"("input":["a",""])", "/input/1", "must not be empty"},
        {R"("input":[])", "/input", "must be an array of 1 to 2048 elements; it is an array of 0"},
        {R"("input":[1,2,3])", "/input", "must be text: lists of tokens are not supported here"},
        {R"("input":[[1,2],[3]])", "/input",
         "must be text: lists of tokens are not supported here"},
        {R"("input":["a",null])", "/input/1", "must be a string"},
        {R"("encoding_format":"int8")", "/encoding_format",
         R"(must be "float" or "base64"; it is "int8")"},
        {R"("encoding_format":1)", "/encoding_format", "must be a string"},
        {R"("dimensions":0)", "/dimensions", "must be a whole number from 1 to 65536"},
        {R"("dimensions":65537)", "/dimensions", "must be a whole number from 1 to 65536"},
        {R"("model":"")", "/model", "model is required"},
    };
    for (refusal const& one : refusals) {
        CAPTURE(one.members);

        auto const read_back = read<openai::embedding_request>(R"({"model":"m","input":"p",)" +
                                                               std::string{one.members} + '}');

        REQUIRE_FALSE(read_back);
        CHECK(read_back.error().where() == one.where);
        CAPTURE(read_back.error().message());
        CHECK(read_back.error().message().find(one.says) != std::string::npos);
    }
}

TEST_CASE("embedding_request takes each limit and refuses one step beyond") {
    generation_rules rules;
    rules.max_inputs = 2;
    rules.max_prompt_characters = 3;
    auto const accepts = [&](std::string_view input) {
        return read<openai::embedding_request>(
                   R"({"model":"m","input":)" + std::string{input} + '}', rules)
            .has_value();
    };

    CHECK(accepts(R"(["a","b"])"));
    CHECK_FALSE(accepts(R"(["a","b","c"])"));
    CHECK(accepts(R"("ééé")"));
    CHECK_FALSE(accepts(R"("éééé")"));
    CHECK_FALSE(accepts(R"(["a","éééé"])"));
}
