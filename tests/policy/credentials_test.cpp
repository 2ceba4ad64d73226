#include "mcp_provider/policy/credentials.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_request;

namespace {

std::string basic(std::string_view user_and_password) {
    return "Basic " + crypto::base64_encode(user_and_password);
}

/// The token of a request with that one field; what cannot be read is `?`.
std::string token_in(std::string_view name, std::string_view value) {
    fake_request asked;
    asked.with(name, value);
    auto const sent = credentials::of(asked);
    return sent ? std::string{sent->token()} : "?";
}

} // namespace

TEST_CASE("credentials find the token wherever a client puts it") {
    CHECK(token_in("Authorization", "Bearer good") == "good");
    CHECK(token_in("authorization", "bearer good") == "good");
    CHECK(token_in("AUTHORIZATION", "BEARER   good ") == "good");
    CHECK(token_in("x-api-key", "good") == "good");
    CHECK(token_in("X-API-Key", " good") == "good");
    CHECK(token_in("Authorization", basic("anyone:good")) == "good");
    CHECK(token_in("Authorization", basic(":good")) == "good");
    CHECK(token_in("Authorization", basic("good:")) == "good");
    CHECK(token_in("Authorization", basic("good:other")) == "other");
    CHECK(token_in("X-Token", "good").empty());
}

TEST_CASE("credentials take the keys that SDKs make up for no token") {
    for (auto const* key : {"noop", "ollama", "unused", "sk-no-key-required", ""}) {
        CAPTURE(key);
        CHECK(token_in("Authorization", std::string{"Bearer "} + key).empty());
        CHECK(token_in("Authorization", key).empty());
        CHECK(token_in("x-api-key", key).empty());
        CHECK(token_in("Authorization", basic(std::string{"ollama:"} + key)).empty());
    }
}

TEST_CASE("credentials do not guess at schemes and encodings that they cannot read") {
    for (auto const* value :
         {"Digest username=me", "Basic !!!", "Basic Z29vZA==", "Negotiate abc", "good"}) {
        CAPTURE(value);
        fake_request asked;
        asked.with("Authorization", value);
        auto const sent = credentials::of(asked);
        REQUIRE(!sent);
        CHECK(sent.error().status() == 401);
        CHECK(sent.error().where() == "authorization");
    }
}

TEST_CASE("credentials that differ are refused, and two that agree are one") {
    fake_request differ;
    differ.with("Authorization", "Bearer good").with("x-api-key", "other");
    fake_request twice;
    twice.with("Authorization", "Bearer good").with("Authorization", basic("me:other"));
    fake_request agree;
    agree.with("Authorization", basic("me:good"))
        .with("x-api-key", "good")
        .with("Authorization", "Bearer good");
    fake_request dummy;
    dummy.with("Authorization", "Bearer noop").with("x-api-key", "good");

    CHECK(credentials::of(differ).error().status() == 400);
    CHECK(credentials::of(differ).error().reason() == "ambiguous_credentials");
    CHECK(credentials::of(twice).error().status() == 400);
    CHECK(credentials::of(agree)->token() == "good");
    CHECK(credentials::of(dummy)->token() == "good");
}
