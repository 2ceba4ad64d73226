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

} // namespace

TEST_CASE("generate takes Void's fill-in-the-middle as a true one") {
    auto const request = read<generate_request>(
        R"({"model":"all","prompt":"def f(","suffix":"\n    return x","options":{"stop":["\r\n","\n"],"num_predict":300},)"
        R"("raw":true,"stream":true})");
    REQUIRE(request);
    CHECK(request->raw);
    CHECK(request->streamed);
    CHECK(request->ask().is_completion);
    CHECK(request->ask().prompt == "def f(");
    CHECK(request->ask().suffix == "\n    return x");
    CHECK(request->ask().stop == std::vector<std::string>{"\r\n", "\n"});
    CHECK(request->ask().max_tokens == 300);
    CHECK(request->ask().messages.empty());
    using seen = std::vector<std::pair<std::string, std::string>>;
    CHECK(texts_of(*request) == seen{{"/prompt", "def f("}, {"/suffix", "\n    return x"}});
}

TEST_CASE("generate without raw and suffix is a chat of one turn") {
    auto const request = read<generate_request>(
        R"({"model":"all","prompt":"why?","system":"Be brief.","images":["/9j/"],"context":[1,2,3],"format":"json",)"
        R"("template":"","stream":false})");
    REQUIRE(request);
    CHECK_FALSE(request->ask().is_completion);
    REQUIRE(request->ask().messages.size() == 2);
    CHECK(request->ask().messages[0].from == agent::role::system);
    CHECK(request->ask().messages[1].text == "why?");
    CHECK(request->ask().messages[1].images[0].media_type == "image/jpeg");
    using seen = std::vector<std::pair<std::string, std::string>>;
    CHECK(texts_of(*request) == seen{{"/system", "Be brief."}, {"/prompt", "why?"}});
}

TEST_CASE("generate with an empty prompt asks for loading, unless there is something to fill in") {
    CHECK(read<generate_request>(R"({"model":"all"})")->is_empty());
    CHECK(read<generate_request>(R"({"model":"all","prompt":"","keep_alive":0})")->unloads);
    CHECK(read<generate_request>(R"({"model":"all","prompt":"","system":"x"})")->is_empty());
    CHECK_FALSE(read<generate_request>(R"({"model":"all","prompt":"","suffix":"x"})")->is_empty());
}

TEST_CASE("generate refuses what raw mode, a suffix or an agent cannot honour") {
    for (std::string_view const member :
         {R"("template":"x")", R"("system":"x")", R"("context":[1])"}) {
        CAPTURE(member);
        CHECK(refusal<generate_request>(R"({"model":"all","prompt":"x","raw":true,)" +
                                        std::string{member} + '}') ==
              "400 /raw | /raw mode does not support template, system, or context");
    }
    CHECK(read<generate_request>(
        R"({"model":"all","prompt":"x","raw":true,"template":"","system":"","context":[]})"));
    CHECK(refusal<generate_request>(R"({"model":"all","prompt":"x","template":"{{ .Prompt }}"})")
              .starts_with("400 /template | "));
    CHECK(refusal<generate_request>(R"({"model":"all","prompt":"x","suffix":"y","system":"z"})")
              .starts_with("400 /system | "));
    CHECK(
        refusal<generate_request>(R"({"model":"all","prompt":"x","suffix":"y","images":["/9j/"]})")
            .starts_with("400 /images | "));
    CHECK(refusal<generate_request>(R"({"model":"all","prompt":"x","raw":true,"images":["/9j/"]})")
              .starts_with("400 /images | "));
}

TEST_CASE("generate refuses each member of a wrong type") {
    for (std::string_view const member :
         {R"("prompt":5)", R"("suffix":[])", R"("system":{})", R"("template":1)",
          R"("context":"x")", R"("context":["x"])", R"("raw":"true")", R"("images":[5])",
          R"("options":5)", R"("stream":1)", R"("format":1)", R"("logprobs":true)"}) {
        CAPTURE(member);
        std::string const where = "/" + std::string{member.substr(1, member.find('"', 1) - 1)};
        CHECK(refusal<generate_request>(R"({"model":"all",)" + std::string{member} + '}')
                  .starts_with("400 " + where));
    }
}

TEST_CASE(
    "generate takes a prompt and suffix of the length that is allowed and not one character more") {
    auto rules = allowed();
    rules.max_prompt_characters = 5;
    rules.max_message_characters = 7;
    CHECK(read<generate_request>(R"({"model":"all","prompt":"äöü","suffix":"xy"})", rules));
    CHECK(refusal<generate_request>(R"({"model":"all","prompt":"äöü","suffix":"xyz"})", rules) ==
          "400 /prompt | the prompt and its suffix have a text of 6 characters; allowed are 5");
    CHECK(read<generate_request>(R"({"model":"all","prompt":"12345","system":"67"})", rules));
    CHECK(refusal<generate_request>(R"({"model":"all","prompt":"12345","system":"678"})", rules)
              .starts_with("400 /system | "));
}

TEST_CASE("embed takes one text or a list, and nothing else") {
    auto const one = read<embed_request>(
        R"({"model":"vectors","input":"a","truncate":false,"dimensions":3,"keep_alive":"5m"})");
    REQUIRE(one);
    CHECK(one->inputs == std::vector<std::string>{"a"});
    CHECK(one->dimensions == 3);
    CHECK_FALSE(one->truncate);
    auto const two =
        read<embed_request>(R"({"model":"vectors","input":["a","b"],"options":{"num_ctx":512}})");
    REQUIRE(two);
    using seen = std::vector<std::pair<std::string, std::string>>;
    CHECK(texts_of(*one) == seen{{"/input", "a"}});
    CHECK(texts_of(*two) == seen{{"/input/0", "a"}, {"/input/1", "b"}});
    for (std::string_view const nothing :
         {R"("input":[])", R"("input":"")", R"("input":null)", R"("x":1)"})
        CHECK(read<embed_request>(R"({"model":"vectors",)" + std::string{nothing} + '}')
                  ->inputs.empty());
    for (std::string_view const wrong : {"5", "{}", "true", "[5]", R"(["a",null])", R"([["a"]])"}) {
        CAPTURE(wrong);
        CHECK(refusal<embed_request>(R"({"model":"vectors","input":)" + std::string{wrong} + '}')
                  .starts_with("400 /input | invalid input type"));
    }
    CHECK(refusal<embed_request>(R"({"model":"v","input":"x","dimensions":-1})")
              .starts_with("400 /dimensions | "));
    CHECK(refusal<embed_request>(R"({"model":"v","input":"x","truncate":1})")
              .starts_with("400 /truncate | "));
    CHECK(refusal<embed_request>(R"({"model":"v","input":"x","options":{"num_ctx":"x"}})")
              .starts_with("400 /options/num_ctx | "));
    CHECK(refusal<embed_request>(R"({"model":"v","input":"x","keep_alive":"x"})")
              .starts_with("400 /keep_alive | "));
}

TEST_CASE("embed takes as many texts of as many characters as are allowed and not one more") {
    auto rules = allowed();
    rules.max_inputs = 2;
    rules.max_prompt_characters = 3;
    CHECK(read<embed_request>(R"({"model":"v","input":["abc","äöü"]})", rules));
    CHECK(refusal<embed_request>(R"({"model":"v","input":["a","b","c"]})", rules)
              .starts_with("400 /input | "));
    CHECK(refusal<embed_request>(R"({"model":"v","input":["a","bcde"]})", rules)
              .starts_with("400 /input/1 | "));
    CHECK(refusal<embed_request>(R"({"model":"v","input":"abcd"})", rules)
              .starts_with("400 /input | "));
}

TEST_CASE("embeddings takes one prompt") {
    auto const request = read<embeddings_request>(R"({"model":"vectors","prompt":"a"})");
    REQUIRE(request);
    CHECK(request->prompt == "a");
    CHECK(refusal<embeddings_request>(R"({"model":"v","prompt":["a"]})")
              .starts_with("400 /prompt | "));
    auto rules = allowed();
    rules.max_prompt_characters = 3;
    CHECK(read<embeddings_request>(R"({"model":"v","prompt":"abc"})", rules));
    CHECK(refusal<embeddings_request>(R"({"model":"v","prompt":"abcd"})", rules)
              .starts_with("400 /prompt | "));
}

TEST_CASE("show and pull take the model by either name") {
    CHECK(read<show_request>(R"({"name":"a:1","verbose":true})")->model == "a:1");
    CHECK(read<show_request>(R"({"model":"b","name":"a"})")->model == "b");
    CHECK(read<pull_request>(R"({"name":"a"})")->model == "a");
    CHECK(read<pull_request>(R"({"name":"a"})")->streamed);
    CHECK_FALSE(read<pull_request>(R"({"model":"a","stream":false,"insecure":true})")->streamed);
    CHECK(refusal<show_request>(R"({"model":"a","verbose":1})").starts_with("400 /verbose | "));
    CHECK(refusal<pull_request>(R"({"name":5})").starts_with("400 /name | "));
    CHECK(refusal<pull_request>(R"({"name":"a","stream":1})").starts_with("400 /stream | "));
}

TEST_CASE("every request needs a model with a good name") {
    CHECK(refusal<chat_request>("{}") == "400 /model | model is required");
    CHECK(refusal<chat_request>(R"({"model":""})") == "400 /model | model is required");
    CHECK(refusal<chat_request>(R"({"model":null})") == "400 /model | model is required");
    CHECK(refusal<chat_request>(R"({"model":5})")
              .starts_with("400 /model | /model must be a string"));
    CHECK(refusal<chat_request>(R"({"model":"a b"})")
              .starts_with("400 /model | model name has characters"));
    CHECK(refusal<generate_request>("{}") == "400 /model | model is required");
    CHECK(refusal<embed_request>(R"({"input":"x"})") == "400 /model | model is required");
    CHECK(refusal<embeddings_request>("{}") == "400 /model | model is required");
    CHECK(refusal<show_request>("{}") == "400 /model | model is required");
    CHECK(refusal<pull_request>("{}") == "400 /model | model is required");
    for (std::string_view const document : {"[]", "5", "\"x\"", "true", "null"}) {
        CAPTURE(document);
        CHECK(refusal<chat_request>(document).starts_with("400 "));
        CHECK(refusal<generate_request>(document).starts_with("400 "));
        CHECK(refusal<embed_request>(document).starts_with("400 "));
        CHECK(refusal<embeddings_request>(document).starts_with("400 "));
        CHECK(refusal<show_request>(document).starts_with("400 "));
        CHECK(refusal<pull_request>(document).starts_with("400 "));
    }
}
