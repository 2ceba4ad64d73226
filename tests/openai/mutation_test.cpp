#include "asking.hpp"
#include "openai/wire.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using asking::read;

constexpr int rounds = 10'000;

constexpr std::string_view chat =
    R"({"model":"echo:latest","messages":[{"role":"system","content":"Be short."},{"role":"user","content":)"
    R"([{"type":"text","text":"What is this? \u00e9\ud83d\ude00"},{"type":"image_url","image_url":{"url":)"
    R"("data:image/png;base64,AAEC"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",)"
    R"("function":{"name":"f","arguments":"{\"a\":[1,2]}"}}]},{"role":"tool","tool_call_id":"call_1","content":"ok"}],)"
    R"("stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"top_p":1,"max_tokens":100,"stop":["a"],)"
    R"("n":1,"seed":42,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":)"
    R"({"a":{"description":"x"}}}}}],"tool_choice":"auto","response_format":{"type":"json_schema","json_schema":)"
    R"({"name":"n","schema":{"type":"object"}}}})";
constexpr std::string_view completion =
    R"({"model":"echo","prompt":"def f(x):\n","suffix":"\nreturn y","stop":["\n\n"],"max_tokens":300,"stream":false})";
constexpr std::string_view embedding =
    R"({"model":"echo-embed","input":["a","b"],"encoding_format":"base64","dimensions":8})";

/// Changes, drops, doubles or moves a few bytes.
std::string mutated(std::string text, std::mt19937& random) {
    auto const below = [&](std::size_t bound) { return random() % bound; };
    constexpr std::string_view inserts[] = {"null", "{}",      "[]",   "\"", "-1", "1e999",
                                            "true", "\\u0000", "\xFF", ",",  "}"};
    for (std::size_t edits = 1 + below(4); edits != 0 && !text.empty(); --edits) {
        std::size_t const at = below(text.size());
        switch (below(5)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text.erase(at, 1 + below(8)); break;
        case 2: text.insert(at, text.substr(below(text.size()), below(32))); break;
        case 3: text.insert(at, inserts[below(std::size(inserts))]); break;
        default: text.resize(at); break;
        }
    }
    return text;
}

bool is_text(boost::json::value const* value) {
    return value != nullptr && value->is_string() && !value->get_string().empty();
}

bool is_message(boost::json::value const& one) {
    auto const* const object = one.if_object();
    auto const* const role = object != nullptr ? object->if_contains("role") : nullptr;
    if (!is_text(role)) return false;
    auto const* const content = object->if_contains("content");
    if (content != nullptr && (content->is_string() || content->is_array())) return true;
    return role->get_string() == "assistant";
}

/// Whether the required parts of a body are whole, judged without the code under test.
bool may_be_chat(boost::json::value const& document) {
    auto const* const object = document.if_object();
    if (object == nullptr || !is_text(object->if_contains("model"))) return false;
    auto const* const found = object->if_contains("messages");
    auto const* const messages = found != nullptr ? found->if_array() : nullptr;
    if (messages == nullptr || messages->empty()) return false;
    for (boost::json::value const& one : *messages)
        if (!is_message(one)) return false;
    return true;
}

bool may_have(boost::json::value const& document, std::string_view member) {
    auto const* const object = document.if_object();
    if (object == nullptr || !is_text(object->if_contains("model"))) return false;
    auto const* const found = object->if_contains({member.data(), member.size()});
    return found != nullptr &&
           (found->is_string() || (found->is_array() && !found->get_array().empty()));
}

/// What a required part may be broken into.
boost::json::value broken(std::mt19937& random, bool text_is_wrong) {
    switch (random() % (text_is_wrong ? 6 : 5)) {
    case 0: return nullptr;
    case 1: return 7;
    case 2: return true;
    case 3: return boost::json::object{{"a", 1}};
    case 4: return boost::json::array{};
    default: return "text";
    }
}

} // namespace

TEST_CASE("10,000 random mutations of a chat: none crashes, and none is accepted whose required "
          "parts are broken") {
    std::mt19937 random{20'261'123};
    int accepted = 0;
    int parsed = 0;
    for (int round = 0; round != rounds; ++round) {
        std::string const text = mutated(std::string{chat}, random);
        auto const document = json::parse(text);
        if (!document) continue;
        ++parsed;
        auto const request = openai::chat_request::from_json(*document, {});
        if (!request) {
            CHECK(request.error().status() == 400);
            continue;
        }
        ++accepted;
        CAPTURE(text);
        CHECK(may_be_chat(*document));
        CHECK_FALSE(request->asked().messages.empty());
        CHECK_FALSE(request->model().empty());
    }
    CHECK(parsed > 100); // the mutations reach what lies behind the parser
    CHECK(accepted > 10);
}

TEST_CASE("10,000 random mutations of a completion and of an embedding keep the same promise") {
    std::mt19937 random{11};
    for (int round = 0; round != rounds; ++round) {
        std::string const one = mutated(std::string{completion}, random);
        std::string const other = mutated(std::string{embedding}, random);
        if (auto const document = json::parse(one)) {
            CAPTURE(one);
            if (openai::completion_request::from_json(*document, {}))
                CHECK(may_have(*document, "prompt"));
        }
        if (auto const document = json::parse(other)) {
            CAPTURE(other);
            if (openai::embedding_request::from_json(*document, {}))
                CHECK(may_have(*document, "input"));
        }
    }
}

TEST_CASE(
    "10,000 chats with one required part replaced or dropped are refused, each at that part") {
    struct {
        std::string_view pointer;
        std::string_view parent;
        std::string_view member;
        bool text_is_wrong;
    } const parts[] = {
        {"/model", "", "model", false},
        {"/messages", "", "messages", true},
        {"/messages/0/role", "/messages/0", "role", true},
        {"/messages/1/role", "/messages/1", "role", true},
        {"/messages/3/tool_call_id", "/messages/3", "tool_call_id", false},
        {"/messages/1/content/0/type", "/messages/1/content/0", "type", false},
        {"/messages/1/content/0/text", "/messages/1/content/0", "text", false},
        {"/messages/1/content/1/image_url", "/messages/1/content/1", "image_url", true},
        {"/messages/2/tool_calls/0/id", "/messages/2/tool_calls/0", "id", false},
        {"/messages/2/tool_calls/0/function", "/messages/2/tool_calls/0", "function", true},
        {"/messages/2/tool_calls/0/function/name", "/messages/2/tool_calls/0/function", "name",
         false},
        {"/messages/2/tool_calls/0/function/arguments", "/messages/2/tool_calls/0/function",
         "arguments", true},
        {"/tools/0/function", "/tools/0", "function", true},
        {"/tools/0/function/name", "/tools/0/function", "name", false},
        {"/response_format/type", "/response_format", "type", false},
        {"/response_format/json_schema", "/response_format", "json_schema", true},
    };
    auto const whole = json::parse(chat);
    REQUIRE(whole);
    REQUIRE(openai::chat_request::from_json(*whole, {}));
    std::mt19937 random{7};
    for (int round = 0; round != rounds; ++round) {
        auto const& part = parts[random() % std::size(parts)];
        boost::json::value document = *whole;
        auto& parent = document.at_pointer({part.parent.data(), part.parent.size()}).as_object();
        if (random() % 4 == 0)
            parent.erase({part.member.data(), part.member.size()});
        else
            parent[{part.member.data(), part.member.size()}] = broken(random, part.text_is_wrong);
        CAPTURE(boost::json::serialize(document));

        auto const request = openai::chat_request::from_json(document, {});

        REQUIRE_FALSE(request);
        CHECK(request.error().where().starts_with(part.pointer));
    }
}

TEST_CASE("a body is read or refused at whatever byte it is cut off, and never accepted short") {
    for (std::size_t size = 0; size != chat.size(); ++size)
        CHECK_FALSE(read<openai::chat_request>(chat.substr(0, size)));
    CHECK(read<openai::chat_request>(chat));
}
