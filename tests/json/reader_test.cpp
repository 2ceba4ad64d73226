#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

/// What the first complaint is after `read` has gone over the document.
template <class Read>
std::string complaint(std::string_view text, Read read) {
    auto const document = json::parse(text);
    REQUIRE(document);
    json::reading pass{*document};
    read(pass.root());
    auto const outcome = pass.outcome();
    if (outcome) return "";
    CHECK(outcome.error().code() == rejection_code::bad_request);
    CHECK(outcome.error().reason() == "invalid_value");
    return outcome.error().message();
}

} // namespace

TEST_CASE("reader reads members of every kind") {
    auto const document =
        json::parse(R"({"s":"x","i":-3,"whole":5.0,"d":0.5,"b":true,"a":[1,2],"o":{"k":"v"}})");
    REQUIRE(document);
    json::reading pass{*document};
    json::reader const in = pass.root();

    CHECK(in["s"].text() == "x");
    CHECK(in["i"].integer() == -3);
    CHECK(in["whole"].integer(1, 5) == 5);
    CHECK(in["d"].number(0.0, 2.0) == 0.5);
    CHECK(in["b"].boolean());
    std::int64_t sum = 0;
    for (json::reader const element : in["a"].elements()) sum += element.integer();
    CHECK(sum == 3);
    std::string members;
    for (json::reader const member : in["o"].members())
        members += std::string{member.name()} + "=" + std::string{member.text()};
    CHECK(members == "k=v");
    CHECK(pass.outcome());
}

TEST_CASE("reader takes what is absent or null as the caller says") {
    CHECK(complaint(R"({"n":null})", [](json::reader in) {
              CHECK(in["n"].text_or("d") == "d");
              CHECK(in["absent"].integer_or(7, 1, 9) == 7);
              CHECK(in["absent"].number_or(0.5) == 0.5);
              CHECK(in["n"].boolean_or(true));
              CHECK(in["n"].elements_or_none().size() == 0);
              CHECK(in["absent"]["deeper"].text_or("d") == "d");
              CHECK(in["n"]["deeper"].text_or("d") == "d");
              CHECK(!in["n"].present());
          }) == "");
}

TEST_CASE("reader names the place, what is allowed and what is there") {
    auto const about = [](std::string_view text, auto read) { return complaint(text, read); };

    CHECK(about(R"({"messages":[{"content":5}]})", [](json::reader in) {
              for (json::reader const message : in["messages"].elements(1, 100))
                  (void)message["content"].text();
          }) == "/messages/0/content must be a string; it is 5");
    CHECK(about("{}", [](json::reader in) { (void)in["model"].text(); }) ==
          "/model must be a string; it is missing");
    CHECK(about(R"({"model":null})", [](json::reader in) { (void)in["model"].text(); }) ==
          "/model must be a string; it is null");
    CHECK(about("[]", [](json::reader in) { (void)in["model"].text(); }) ==
          "the document must be an object; it is an array of 0");
    CHECK(about(R"({"options":5})", [](json::reader in) {
              (void)in["options"]["seed"].integer_or(0);
          }) == "/options must be an object; it is 5");
    CHECK(about("{}", [](json::reader in) { (void)in["a"]["b"].text(); }) ==
          "/a must be a string; it is missing");
    CHECK(about(R"({"t":2.5})", [](json::reader in) { (void)in["t"].number(0, 2); }) ==
          "/t must be a number from 0 to 2; it is 2.5");
    CHECK(about(R"({"t":2.5})", [](json::reader in) { (void)in["t"].integer(1); }) ==
          "/t must be a whole number of at least 1; it is 2.5");
    CHECK(about(R"({"t":true})", [](json::reader in) { (void)in["t"].number(); }) ==
          "/t must be a number; it is true");
    CHECK(about(R"({"t":"yes"})", [](json::reader in) { (void)in["t"].boolean(); }) ==
          "/t must be true or false; it is a string");
    CHECK(about(R"({"a":[]})", [](json::reader in) { (void)in["a"].elements(1, 3); }) ==
          "/a must be an array of 1 to 3 elements; it is an array of 0");
    CHECK(about(R"({"a":[1,2]})", [](json::reader in) { (void)in["a"].elements_or_none(1); }) ==
          "/a must be an array of at most 1 elements; it is an array of 2");
    CHECK(about(R"({"a/b":{"~":1}})", [](json::reader in) { (void)in["a/b"]["~"].text(); }) ==
          "/a~1b/~0 must be a string; it is 1");
    CHECK(about(R"({"m":""})", [](json::reader in) { in["m"].complain("must not be empty"); }) ==
          "/m must not be empty");
}

TEST_CASE("reader admits numbers at the ends of their range and none beyond") {
    for (auto const& [text, good] :
         std::vector<std::pair<std::string, bool>>{{"0", false},
                                                   {"1", true},
                                                   {"100", true},
                                                   {"101", false},
                                                   {"1e2", true},
                                                   {"1e3", false},
                                                   {"18446744073709551615", false}}) {
        bool const refused = !complaint("[" + text + "]", [](json::reader in) {
                                  for (json::reader const n : in.elements())
                                      (void)n.integer(1, 100);
                              }).empty();
        CHECK_MESSAGE(refused != good, text);
    }
    for (auto const& [text, good] : std::vector<std::pair<std::string, bool>>{{"-0.001", false},
                                                                              {"0", true},
                                                                              {"2", true},
                                                                              {"2.0000001", false},
                                                                              {"1e999", false},
                                                                              {"-1e999", false}}) {
        bool const refused = !complaint("[" + text + "]", [](json::reader in) {
                                  for (json::reader const n : in.elements())
                                      (void)n.number(0.0, 2.0);
                              }).empty();
        CHECK_MESSAGE(refused != good, text);
    }
    CHECK(!complaint("[1e999]", [](json::reader in) {
               for (json::reader const n : in.elements()) (void)n.number();
           }).empty());
}

TEST_CASE("reading keeps the first complaint only") {
    CHECK(complaint("{}", [](json::reader in) {
              (void)in["first"].text();
              (void)in["second"].text();
          }).starts_with("/first "));
}
