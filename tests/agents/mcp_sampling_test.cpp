#include "agents/mcp_sampling.hpp"

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server::agents;
using mcp_provider::agent::finish_reason;
using mcp_provider::agent::role;

namespace {

boost::json::object params(agent::conversation const& ask, std::string_view id = {}) {
    return boost::json::parse(sampling_params(ask, id)).as_object();
}

auto read(std::string_view answer) { return sampled_text(boost::json::parse(std::string{answer})); }

} // namespace

TEST_CASE("a conversation becomes a sampling request, its system text apart") {
    agent::conversation ask;
    ask.messages.emplace_back(role::system, "be kind");
    ask.messages.emplace_back(role::user, "hi");
    ask.messages.emplace_back(role::assistant, "hello");
    ask.messages.emplace_back(role::system, "be brief");
    ask.messages.emplace_back(role::user, "bye");
    ask.max_tokens = 64;
    ask.stop.push_back("X");

    auto const one = params(ask, "gpt-5");

    CHECK(one.at("systemPrompt") == "be kind\n\nbe brief");
    CHECK(one.at("maxTokens") == 64);
    CHECK(one.at("stopSequences") == boost::json::value({"X"}));
    CHECK(one.at("modelPreferences").at("hints").at(0).at("name") == "gpt-5");
    auto const& messages = one.at("messages").as_array();
    REQUIRE(messages.size() == 3);
    CHECK(messages[0].at("role") == "user");
    CHECK(messages[0].at("content").at("type") == "text");
    CHECK(messages[0].at("content").at("text") == "hi");
    CHECK(messages[1].at("role") == "assistant");
    CHECK(messages[2].at("content").at("text") == "bye");
}

TEST_CASE("a sampling request always has a limit, and nothing that was not asked for") {
    agent::conversation ask;
    ask.is_completion = true;
    ask.prompt = "Once";
    auto const one = params(ask);
    CHECK(one.at("maxTokens") == 4096);
    CHECK(one.at("systemPrompt").as_string().find("continuation") != std::string::npos);
    CHECK(one.at("messages").at(0).at("content").at("text") == "Once");
    CHECK(!one.contains("modelPreferences"));
    CHECK(!one.contains("stopSequences"));
}

TEST_CASE("what tools said in the past is told by those who may speak") {
    agent::conversation ask;
    ask.messages.emplace_back(role::user, "weather?");
    ask.messages.emplace_back(role::assistant, "");
    ask.messages.back().tool_calls.emplace_back("1", "weather", R"({"city":"Bonn"})");
    ask.messages.emplace_back(role::tool, "rain");
    auto const one = params(ask);
    auto const& messages = one.at("messages").as_array();
    REQUIRE(messages.size() == 3);
    CHECK(messages[1].at("role") == "assistant");
    CHECK(messages[1].at("content").at("text") == R"([calls weather {"city":"Bonn"}])");
    CHECK(messages[2].at("role") == "user");
    CHECK(messages[2].at("content").at("text") == "[result of a tool]\nrain");
}

TEST_CASE("an answer is one block of text or several, with its reason to stop") {
    auto const one = read(
        R"({"role":"assistant","model":"m","content":{"type":"text","text":"hi"},"stopReason":"endTurn"})");
    REQUIRE(one);
    CHECK(one->first == "hi");
    CHECK(one->second == finish_reason::stop);
    auto const several = read(
        R"({"role":"assistant","model":"m","content":[{"type":"text","text":"a"},{"type":"image","data":"","mimeType":"x"},{"type":"text","text":"b"}],"stopReason":"maxTokens"})");
    REQUIRE(several);
    CHECK(several->first == "ab");
    CHECK(several->second == finish_reason::length);
    CHECK(
        read(
            R"({"role":"assistant","model":"m","content":{"type":"text","text":"x"},"stopReason":"stopSequence"})")
            ->second == finish_reason::stop);
}

TEST_CASE("an answer without a text is none") {
    for (auto const* bad : {"{}", R"({"content":[]})", R"({"content":{"type":"image","data":"x"}})",
                            R"({"content":{"type":"text"}})",
                            R"({"content":{"type":"text","text":""}})", R"({"content":7})"}) {
        CAPTURE(bad);
        auto const none = read(bad);
        REQUIRE(!none);
        CHECK(none.error().status() == 502);
    }
}
