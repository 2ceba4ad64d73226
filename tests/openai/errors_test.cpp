#include "openai/errors.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;

http::request request_of(std::string_view target, std::string_view method = "POST") {
    http::request asked;
    asked.set_line(method, target, 1);
    return asked;
}

http::response render(rejection const& why, std::string_view target = "/v1/chat/completions") {
    return openai::render_error(why, request_of(target));
}

} // namespace

TEST_CASE("render_error writes an error object with the type and code of each status") {
    struct {
        rejection why;
        std::uint16_t status;
        std::string_view text;
    } const cases[] = {
        {rejection{rejection_code::bad_request, "bad"}.because("invalid_value").at("/n"), 400,
         R"({"error":{"message":"bad","type":"invalid_request_error","param":"/n","code":"invalid_value"}})"},
        {rejection{rejection_code::bad_request, "bad"}, 400,
         R"({"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}})"},
        {rejection{rejection_code::unauthenticated, "who?"}.because("expired"), 401,
         R"({"error":{"message":"who?","type":"authentication_error","param":null,"code":"invalid_api_key"}})"},
        {rejection{rejection_code::forbidden, "no"}.because("model_not_allowed"), 403,
         R"({"error":{"message":"no","type":"permission_error","param":null,"code":"model_not_allowed"}})"},
        {rejection{rejection_code::not_found, "model 'x' not found"}.because("model_not_found"),
         404,
         R"({"error":{"message":"model 'x' not found","type":"not_found_error","param":null,"code":"model_not_found"}})"},
        {rejection{rejection_code::too_large, "big"}, 413,
         R"({"error":{"message":"big","type":"invalid_request_error","param":null,"code":null}})"},
        {rejection{rejection_code::rate_limited, "slow down"}.because("per_minute"), 429,
         R"({"error":{"message":"slow down","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}})"},
        {rejection{rejection_code::rate_limited, "spent"}.because("insufficient_quota"), 429,
         R"({"error":{"message":"spent","type":"rate_limit_error","param":null,"code":"insufficient_quota"}})"},
        {rejection{rejection_code::internal, "oops"}, 500,
         R"({"error":{"message":"oops","type":"api_error","param":null,"code":null}})"},
        {rejection{rejection_code::upstream_failed, "a \"b\"\n"}, 502,
         R"({"error":{"message":"a \"b\"\n","type":"api_error","param":null,"code":null}})"},
        {rejection{rejection_code::overloaded, "full"}, 503,
         R"({"error":{"message":"full","type":"api_error","param":null,"code":null}})"},
        {rejection{rejection_code::timed_out, "slow"}, 504,
         R"({"error":{"message":"slow","type":"api_error","param":null,"code":null}})"},
    };
    for (auto const& one : cases) {
        http::response const answer = render(one.why);
        CHECK(answer.status() == one.status);
        CHECK(answer.text() == one.text);
        CHECK(answer.content_type() == "application/json");
    }
}

TEST_CASE("render_error writes Retry-After in whole seconds, always on 429, and stops retries "
          "beyond 60 s") {
    auto const after = [](int seconds) {
        return render(rejection{rejection_code::rate_limited, "slow"}.come_again_in(
            std::chrono::seconds{seconds}));
    };

    CHECK(after(60).fields().get("Retry-After") == "60");
    CHECK_FALSE(after(60).fields().has("x-should-retry"));
    CHECK(after(61).fields().get("Retry-After") == "61");
    CHECK(after(61).fields().get("x-should-retry") == "false");
    CHECK(render(rejection{rejection_code::rate_limited, "slow"}).fields().get("Retry-After") ==
          "1");
    CHECK_FALSE(render(rejection{rejection_code::overloaded, "full"}).fields().has("Retry-After"));
    auto const full = render(
        rejection{rejection_code::overloaded, "full"}.come_again_in(std::chrono::seconds{5}));
    CHECK(full.fields().get("Retry-After") == "5");
}

TEST_CASE("render_error asks for a bearer token on 401 only") {
    CHECK(render(rejection{rejection_code::unauthenticated, "who?"})
              .fields()
              .get("WWW-Authenticate") == "Bearer");
    CHECK_FALSE(
        render(rejection{rejection_code::forbidden, "no"}).fields().has("WWW-Authenticate"));
}

TEST_CASE("render_error closes the connection where the refusal says so") {
    CHECK(render(rejection{rejection_code::bad_request, "framing"}.and_close()).closes());
    CHECK_FALSE(render(rejection{rejection_code::bad_request, "value"}).closes());
}

TEST_CASE("render_error speaks Anthropic's form on the paths of the Messages API") {
    for (auto const* target : {"/v1/messages", "/v1/messages?beta=true",
                               "/v1/messages/count_tokens", "/v1/v1/messages"}) {
        CAPTURE(target);
        http::request const asked = request_of(target);

        http::response const answer = openai::render_error(openai::unknown_path(asked), asked);

        CHECK(answer.status() == 404);
        CHECK(answer.text().starts_with(
            R"({"type":"error","error":{"type":"not_found_error","message":")"));
        CHECK(answer.text().ends_with(R"("},"request_id":")" + std::string{asked.id().text()} +
                                      "\"}"));
        CHECK(answer.fields().get("request-id") == asked.id().text());
    }
    struct {
        rejection_code code;
        std::string_view type;
    } const types[] = {
        {rejection_code::bad_request, "invalid_request_error"},
        {rejection_code::unauthenticated, "authentication_error"},
        {rejection_code::forbidden, "permission_error"},
        {rejection_code::too_large, "request_too_large"},
        {rejection_code::rate_limited, "rate_limit_error"},
        {rejection_code::internal, "api_error"},
        {rejection_code::overloaded, "overloaded_error"},
        {rejection_code::timed_out, "timeout_error"},
    };
    for (auto const& one : types)
        CHECK(render(rejection{one.code, "x"}, "/v1/messages")
                  .text()
                  .find('"' + std::string{one.type} + '"') != std::string::npos);
}

TEST_CASE(
    "render_error keeps OpenAI's form on paths that only look like those of the Messages API") {
    for (auto const* target : {"/v1/messagesx", "/v1/responses", "/messages", "/v1/chat/messages"})
        CHECK(render(rejection{rejection_code::not_found, "x"}, target)
                  .text()
                  .starts_with(R"({"error":)"));
}

TEST_CASE("unknown_path says what the mistake probably is, and never repeats the path") {
    auto const says = [](std::string_view target) {
        return openai::unknown_path(request_of(target)).message();
    };

    CHECK(says("/v1/v1/chat/completions").find("begins with /v1/v1") != std::string::npos);
    CHECK(says("/v1/v1").find("begins with /v1/v1") != std::string::npos);
    CHECK(says("/v1/v1/messages").find("the Messages API is not offered") != std::string::npos);
    CHECK(says("/v1/v1/messages").find("begins with /v1/v1") != std::string::npos);
    CHECK(says("/v1/responses").find("the Responses API is not offered") != std::string::npos);
    CHECK(says("/v1/responses/resp_1").find("the Responses API is not offered") !=
          std::string::npos);
    CHECK(says("/v1/messages").find("the Messages API is not offered") != std::string::npos);
    CHECK(says("/v1/audio/speech").find("POST /v1/chat/completions") != std::string::npos);
    CHECK(says("/v1/s3cret-t0ken").find("s3cret") == std::string::npos);
    CHECK(says("/v1/v1x").find("begins with /v1/v1") == std::string::npos);
}

TEST_CASE("render_error adds the refusal's own fields") {
    http::response const answer = render(
        rejection{rejection_code::method_not_allowed, "no"}.with_field("Allow", "GET, HEAD"));

    CHECK(answer.status() == 405);
    CHECK(answer.fields().get("Allow") == "GET, HEAD");
    CHECK(answer.text().find("invalid_request_error") != std::string::npos);
}
