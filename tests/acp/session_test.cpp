#include "mcp_provider/acp/session.hpp"

#include <boost/json/parse.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::acp;

namespace {

boost::json::value parsed(std::string_view text) {
    return boost::json::parse({text.data(), text.size()});
}

} // namespace

TEST_CASE("agent_facts takes what it understands of an answer to initialize") {
    agent_facts const full{parsed(
        R"({"protocolVersion":1,"agentCapabilities":{"promptCapabilities":{"image":true},)"
        R"("sessionCapabilities":{"close":{}}},"authMethods":[{"id":"a","name":"Log in","description":"d"}],)"
        R"("agentInfo":{"name":"x","version":"2"}})")};
    CHECK(full.protocol == 1);
    CHECK(full.name == "x");
    CHECK(full.version == "2");
    CHECK(full.takes_images);
    CHECK(full.closes_sessions);
    REQUIRE(full.logins.size() == 1);
    CHECK(full.logins[0].name == "Log in");

    for (
        std::string_view const odd :
        {"null", "{}", "[]", R"({"protocolVersion":"1"})", R"({"protocolVersion":-1})",
         R"({"agentCapabilities":[],"authMethods":{},"agentInfo":3})",
         R"({"agentCapabilities":{"promptCapabilities":{"image":1},"sessionCapabilities":{"close":null}}})"}) {
        agent_facts const none{parsed(odd)};
        CHECK(none.protocol == 0);
        CHECK(none.name.empty());
        CHECK_FALSE(none.takes_images);
        CHECK_FALSE(none.closes_sessions);
        CHECK(none.logins.empty());
    }
}

TEST_CASE("read_options knows the models in each form that agents tell them in") {
    auto const flat = read_options(parsed(
        R"({"configOptions":[{"id":"m","category":"model","type":"select","currentValue":"a",)"
        R"("options":[{"value":"a","name":"A"},{"value":"b","name":"B"}]},{"id":"flag","type":"boolean"}]})"));
    REQUIRE(flat.size() == 1);
    CHECK(flat[0].id == "m");
    CHECK(flat[0].category == "model");
    CHECK(flat[0].current == "a");
    CHECK(flat[0].has("b"));
    CHECK_FALSE(flat[0].has("c"));

    auto const grouped = read_options(parsed(
        R"({"configOptions":[{"id":"model","currentValue":"a","options":[{"group":"g","name":"G",)"
        R"("options":[{"value":"a"},{"value":"b"}]},{"value":"c"}]}]})"));
    REQUIRE(grouped.size() == 1);
    CHECK(grouped[0].category == "model");
    CHECK(grouped[0].choices.size() == 3);

    constexpr std::string_view models =
        R"("models":{"currentModelId":"a","availableModels":[{"modelId":"a","name":"A"},{"name":"no id"}]})";
    auto const legacy = read_options(parsed("{" + std::string{models} + "}"));
    REQUIRE(legacy.size() == 1);
    CHECK(legacy[0].is_legacy_model);
    CHECK(legacy[0].choices.size() == 1);
    auto const both =
        read_options(parsed(R"({"configOptions":[{"id":"model","options":[{"value":"x"}]}],)" +
                            std::string{models} + "}"));
    REQUIRE(both.size() == 1);
    CHECK_FALSE(both[0].is_legacy_model);

    for (std::string_view const odd :
         {"null", "{}", R"({"configOptions":{}})", R"({"configOptions":[1,{},{"id":"m"}]})",
          R"({"models":[]})", R"({"models":{"availableModels":[1,null]}})"})
        CHECK(read_options(parsed(odd)).empty());
}

TEST_CASE("permission_request chooses by kind, and never for good but to refuse") {
    permission_request const usual{parsed(
        R"({"toolCall":{"toolCallId":"t","title":"Run ls","kind":"execute"},"options":[)"
        R"({"optionId":"1","kind":"allow_always"},{"optionId":"2","kind":"allow_once"},)"
        R"({"optionId":"3","kind":"reject_always"},{"optionId":"4","kind":"reject_once"}]})")};
    CHECK(usual.title == "Run ls");
    CHECK(usual.kind == "execute");
    CHECK(*usual.chosen(true) == "2");
    CHECK(*usual.chosen(false) == "4");

    permission_request const for_good{parsed(
        R"({"options":[{"optionId":"1","kind":"allow_always"},{"optionId":"3","kind":"reject_always"}]})")};
    CHECK(for_good.chosen(true) == nullptr);
    CHECK(*for_good.chosen(false) == "3");
    CHECK(permission_request{parsed("{}")}.chosen(false) == nullptr);
    CHECK(permission_request{parsed(R"({"options":[{"kind":"reject_once"},7]})")}.chosen(false) ==
          nullptr);
}

TEST_CASE("turn_result knows why a turn stopped, and what it took") {
    using stop = turn_result::stop;
    CHECK(turn_result{parsed(R"({"stopReason":"end_turn"})")}.stopped == stop::end_turn);
    CHECK(turn_result{parsed(R"({"stopReason":"max_tokens"})")}.stopped == stop::max_tokens);
    CHECK(turn_result{parsed(R"({"stopReason":"refusal"})")}.stopped == stop::refusal);
    CHECK(turn_result{parsed(R"({"stopReason":"cancelled"})")}.stopped == stop::cancelled);
    CHECK(turn_result{parsed(R"({"stopReason":"other"})")}.stopped == stop::unknown);
    CHECK(turn_result{parsed("null")}.stopped == stop::unknown);

    turn_result const counted{parsed(
        R"({"stopReason":"end_turn","usage":{"inputTokens":5,"cachedReadTokens":100,"outputTokens":7}})")};
    CHECK(counted.used_is_known);
    CHECK(counted.used.prompt_tokens == 105);
    CHECK(counted.used.completion_tokens == 7);
    CHECK_FALSE(
        turn_result{parsed(R"({"usage":{"inputTokens":null,"outputTokens":2}})")}.used_is_known);
    CHECK_FALSE(turn_result{parsed(R"({"usage":null})")}.used_is_known);
}
