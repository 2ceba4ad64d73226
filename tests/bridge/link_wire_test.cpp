#include "bridge/link_wire.hpp"
#include "mcp_provider/json/parse.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::bridge;
using namespace std::string_literals;
using kind = agent::delta::kind;

namespace {

/// Reads what must be one line of the link.
link_line read(std::string const& text, link_reader& reader) {
    CHECK(text.ends_with('\n'));
    CHECK(text.find('\n') == text.size() - 1);
    link_line line;
    auto const outcome = reader.read(std::string_view{text}.substr(0, text.size() - 1), line);
    CHECK(outcome);
    return line;
}

std::string refusal_of(std::string_view line) {
    link_reader reader;
    link_line into;
    auto const outcome = reader.read(line, into);
    return outcome ? "" : outcome.error().message();
}

agent::delta piece(kind what, std::string_view text = {}) {
    agent::delta out;
    out.what = what;
    out.text = text;
    return out;
}

} // namespace

TEST_CASE("every piece of an answer comes out of its line as it went in, whatever its text") {
    std::string every = "plain \xe2\x82\xac \xf0\x9f\x8d\x8a \"quoted\" \\ / \b\f\n\r\t";
    for (char c = 1; c < 0x20; ++c) every += c;
    link_reader reader;
    for (std::string const& text : {""s, "Hello"s, "\n"s, "\\"s, "\"}"s, "a\\"s, every}) {
        for (kind const what : {kind::text, kind::reasoning, kind::tool_call}) {
            std::string line;
            agent::delta sent = piece(what, text);
            if (what == kind::tool_call) sent.index = 4'000'000'000;
            append_piece(line, 9'223'372'036'854'775'807U, sent);
            link_line const got = read(line, reader);
            CHECK(got.word == link_word::piece);
            CHECK(got.id == 9'223'372'036'854'775'807U);
            CHECK(got.piece.what == what);
            CHECK(got.piece.text == text);
            CHECK(got.piece.index == sent.index);
        }
    }
}

TEST_CASE("a call begins with its id and name, and an answer ends with its reason and usage") {
    link_reader reader;
    std::string line;
    agent::delta call = piece(kind::tool_call, R"({"city": "Köln"})");
    call.index = 2;
    call.id = "call_1";
    call.name = "weather";
    append_piece(line, 7, call);
    link_line const begun = read(line, reader);
    CHECK(begun.piece.what == kind::tool_call);
    CHECK(begun.piece.index == 2);
    CHECK(begun.piece.id == "call_1");
    CHECK(begun.piece.name == "weather");
    CHECK(begun.piece.text == call.text);

    line.clear();
    append_piece(line, 7, piece(kind::opened));
    CHECK(read(line, reader).piece.what == kind::opened);

    using agent::finish_reason;
    for (auto const why : {finish_reason::stop, finish_reason::length, finish_reason::tool_calls,
                           finish_reason::content_filter}) {
        line.clear();
        agent::delta last = piece(kind::finished);
        last.reason = why;
        last.used = {123, 456};
        append_piece(line, 7, last);
        link_line const got = read(line, reader);
        CHECK(got.piece.what == kind::finished);
        CHECK(got.piece.reason == why);
        CHECK(got.piece.used.prompt_tokens == 123);
        CHECK(got.piece.used.completion_tokens == 456);
    }
}

TEST_CASE("bytes that are no UTF-8 never get into a line") {
    std::string line;
    append_piece(line, 1, piece(kind::text, "a\xff\xc0z"));

    link_reader reader;
    CHECK(read(line, reader).piece.text == "a\xef\xbf\xbd\xef\xbf\xbdz");
}

TEST_CASE("a conversation comes out as it went in, with everything that it can hold") {
    agent::conversation sent;
    sent.model = "echo:latest";
    sent.caller = "key_4f2a";
    sent.messages.emplace_back(agent::role::system, "Be brief.");
    sent.messages.emplace_back(agent::role::user, "Look:\n\"this\"");
    sent.messages.back().images.emplace_back("image/png", "aGk=");
    sent.messages.back().images.emplace_back("", "aG8=");
    sent.messages.emplace_back(agent::role::assistant, "");
    sent.messages.back().reasoning = "hm";
    sent.messages.back().tool_calls.emplace_back("c1", "weather", R"({"city":"A"})");
    sent.messages.emplace_back(agent::role::tool, "rain");
    sent.messages.back().tool_call_id = "c1";
    sent.messages.back().tool_name = "weather";
    sent.is_completion = true;
    sent.prompt = "before";
    sent.suffix = "after";
    sent.tools.emplace_back("weather", "tells it", R"({"type":"object"})");
    sent.tools.emplace_back("none", "", "");
    sent.choice = agent::tool_choice{agent::tool_choice::kind::named, "weather"};
    sent.parallel_tool_calls = false;
    sent.format =
        agent::answer_format{agent::answer_format::kind::schema, R"({"a":1})", "thing", true};
    sent.sampling.temperature = 0.0;
    sent.sampling.top_p = 0.1;
    sent.sampling.min_p = 0.05;
    sent.sampling.top_k = 0;
    sent.sampling.frequency_penalty = -2.0;
    sent.sampling.presence_penalty = 1.5;
    sent.sampling.repeat_penalty = 1.1;
    sent.sampling.seed = -9'007'199'254'740'993;
    sent.max_tokens = 1;
    sent.stop = {"\n", "END"};
    sent.reasoning_effort = "high";
    sent.streamed = true;
    std::string line;
    append_generate(line, 9, sent);

    link_reader reader;
    link_line const read_line = read(line, reader);
    CHECK(read_line.word == link_word::generate);
    CHECK(read_line.id == 9);
    auto const got = conversation_in(read_line.document);
    REQUIRE(got);
    CHECK(got->caller == "key_4f2a");
    REQUIRE(got->messages.size() == 4);
    CHECK(got->messages[0].from == agent::role::system);
    CHECK(got->messages[1].text == "Look:\n\"this\"");
    REQUIRE(got->messages[1].images.size() == 2);
    CHECK(got->messages[1].images[0].media_type == "image/png");
    CHECK(got->messages[1].images[1].base64 == "aG8=");
    CHECK(got->messages[2].reasoning == "hm");
    REQUIRE(got->messages[2].tool_calls.size() == 1);
    CHECK(got->messages[2].tool_calls[0].arguments == R"({"city":"A"})");
    CHECK(got->messages[3].tool_call_id == "c1");
    CHECK(got->messages[3].tool_name == "weather");
    CHECK(got->sampling.temperature == 0.0);
    CHECK(got->sampling.top_k == 0);
    CHECK(got->sampling.seed == -9'007'199'254'740'993);
    CHECK(got->parallel_tool_calls == false);

    // What was read writes the same line: nothing is lost, nothing is added.
    std::string again;
    append_generate(again, 9, *got);
    CHECK(again == line);
    std::string bare;
    append_generate(bare, 1, agent::conversation{});
    CHECK(bare == "{\"generate\":1,\"conversation\":{}}\n");
}

TEST_CASE(
    "an embedding request and its vectors come out as they went in, and no number breaks a line") {
    agent::embedding_request sent;
    sent.model = "echo-embed";
    sent.inputs = {"a", ""};
    sent.dimensions = 3;
    sent.truncate = false;
    std::string line;
    append_embed(line, 5, sent);
    link_reader reader;
    link_line got = read(line, reader);
    CHECK(got.word == link_word::embed);
    auto const request = embedding_request_in(got.document);
    REQUIRE(request);
    CHECK(request->inputs == sent.inputs);
    CHECK(request->dimensions == 3);
    CHECK_FALSE(request->truncate);

    std::vector<float> const vector{0.1F, -1e-30F, 3.4e38F, 0, 1.0F / 3};
    line.clear();
    append_vector(line, 5, vector);
    got = read(line, reader);
    CHECK(got.word == link_word::vector);
    CHECK(*vector_in(got.document) == vector);
    line.clear();
    append_vector(line, 5, {std::numeric_limits<float>::quiet_NaN(), HUGE_VALF});
    CHECK(*vector_in(read(line, reader).document) == std::vector<float>{0, 0});
}

TEST_CASE("models travel with all of their fields") {
    std::vector<agent::model> sent;
    sent.emplace_back("a:latest", agent::capability::completion, 4096, "fam");
    sent.back().cannot = agent::limitation::format;
    sent.back().embedding_length = 384;
    sent.back().modified =
        std::chrono::system_clock::time_point{std::chrono::seconds{1'767'225'600}};
    sent.emplace_back("b", 0, 0, "");
    std::string line;
    append_models(line, sent);

    link_reader reader;
    auto const got = models_in(read(line, reader).document);

    REQUIRE(got);
    REQUIRE((*got)->size() == 2);
    agent::model const& first = (*got)->front();
    CHECK(first.name == "a:latest");
    CHECK(first.can == agent::capability::completion);
    CHECK(first.cannot == agent::limitation::format);
    CHECK(first.context_tokens == 4096);
    CHECK(first.family == "fam");
    CHECK(first.embedding_length == 384);
    CHECK(first.modified == sent.front().modified);
    CHECK((*got)->back().name == "b");
}

TEST_CASE("a rejection keeps its status, message, reason, place and wait") {
    for (auto code = rejection_code::bad_request; code <= rejection_code::version_unsupported;
         code = static_cast<rejection_code>(static_cast<std::uint8_t>(code) + 1)) {
        std::string line;
        append_failed(line, 3,
                      rejection{code, "no \"way\""}
                          .because("some_reason")
                          .at("/messages/0")
                          .come_again_in(std::chrono::seconds{17}));
        link_reader reader;
        rejection const got = rejection_in(read(line, reader).document);
        CHECK(got.code() == code);
        CHECK(got.message() == "no \"way\"");
        CHECK(got.reason() == "some_reason");
        CHECK(got.where() == "/messages/0");
        CHECK(got.retry_after() == std::chrono::seconds{17});
    }
    std::string line;
    append_failed(line, 3, rejection{rejection_code::internal, ""});
    link_reader reader;
    rejection const bare = rejection_in(read(line, reader).document);
    CHECK(bare.code() == rejection_code::internal);
    CHECK(bare.reason().empty());
    CHECK_FALSE(bare.retry_after());
    link_line odd;
    REQUIRE(reader.read(R"({"failed":3,"status":299,"message":7,"reason":[]})", odd));
    CHECK(rejection_in(odd.document).code() == rejection_code::upstream_failed);
}

TEST_CASE("the short lines are read, and events keep their text") {
    link_reader reader;
    std::string line;
    append_hello(line);
    CHECK(read(line, reader).word == link_word::hello);
    CHECK(read(line, reader).number == link_version);
    line.clear();
    append_cancel(line, 8);
    CHECK(read(line, reader).word == link_word::cancel);
    line.clear();
    append_credit(line, 8, 100);
    CHECK(read(line, reader).number == 100);
    line.clear();
    append_event(line, R"({"type":"request.begun","n": 1})");
    CHECK(read(line, reader).text == R"({"type":"request.begun","n": 1})");
    line.clear();
    append_listening(line, true);
    CHECK(read(line, reader).number == 1);
    line.clear();
    append_draining(line);
    CHECK(read(line, reader).word == link_word::draining);
}

TEST_CASE("what is no line of the link is refused") {
    for (char const* const wrong : {"",
                                    "x",
                                    "[]",
                                    "{}",
                                    "7",
                                    "null",
                                    R"({"unknown":1})",
                                    R"({"text":-1,"data":""})",
                                    R"({"text":1})"
                                    "x",
                                    R"({"text":1.5,"data":"a"})",
                                    R"({"text":"1","data":"a"})",
                                    R"({"text":1,"data":"a)",
                                    R"({"text":1,"data":"a"b"})",
                                    R"({"text":1,"data":"\q"})",
                                    R"({"text":1,"data":"\ud800"})",
                                    R"({"text":1,"data":7})",
                                    "{\"text\":1,\"data\":\"\x01\"}",
                                    R"({"credit":1})",
                                    R"({"credit":1,"bytes":0})",
                                    R"({"credit":1,"bytes":-5})",
                                    R"({"credit":1,"bytes":99999999999})",
                                    R"({"event":7})",
                                    R"({"event":{},"more":1})",
                                    R"({"call":1,"data":"a"})",
                                    R"({"call":1,"index":-1,"data":"a"})",
                                    R"({"finished":1,"reason":"because"})",
                                    R"({"listening":1})",
                                    R"({"hello":"1"})"}) {
        CAPTURE(wrong);
        CHECK_FALSE(refusal_of(wrong).empty());
    }
    std::string deep;
    for (int i = 0; i < 40; ++i) deep += R"({"generate":1,"a":[)";
    CHECK_FALSE(refusal_of(deep).empty());
}

TEST_CASE(
    "members that a later version adds are ignored, and escapes of every kind are understood") {
    link_reader reader;
    link_line line;
    REQUIRE(reader.read(R"({"text":1,"data":"a","later":true})", line));
    CHECK(line.piece.text == "a");
    REQUIRE(reader.read(R"({"text":1,"data":"\u20ac\ud83c\udf4a\/"})", line));
    CHECK(line.piece.text == "\xe2\x82\xac\xf0\x9f\x8d\x8a/");
    REQUIRE(reader.read(R"({ "text" : 1 , "data" : "a" })", line));
    CHECK(line.piece.text == "a");
}

TEST_CASE("what stands in a document must have its form") {
    auto const document = [](std::string_view text) { return *json::parse(text); };
    CHECK_FALSE(conversation_in(document(R"({"generate":1})")));
    CHECK_FALSE(conversation_in(document(R"({"generate":1,"conversation":{"messages":7}})")));
    CHECK_FALSE(conversation_in(
        document(R"({"conversation":{"model":"a","messages":[{"from":"nobody"}]}})")));
    CHECK_FALSE(conversation_in(document(R"({"conversation":{"model":"a","choice":"some"}})")));
    CHECK_FALSE(models_in(document(R"({"models":{}})")));
    CHECK_FALSE(models_in(document(R"({"models":[{"can":-1}]})")));
    CHECK_FALSE(embedding_request_in(document(R"({"request":{"inputs":["a"]}})")));
    CHECK_FALSE(vector_in(document(R"({"of":["a"]})")));
}
