#include "ollama/errors.hpp"

#include <chrono>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server::ollama;
using namespace std::chrono_literals;

http::response rendered(rejection const& why) { return render_error(why, http::request{}); }

} // namespace

TEST_CASE("an error is an object with a string, as ollama-js shows nothing else") {
    auto const answer = rendered(rejection{rejection_code::not_found, "model 'x\"y' not found"});
    CHECK(answer.status() == 404);
    CHECK(answer.content_type() == "application/json; charset=utf-8");
    CHECK(answer.text() == R"({"error":"model 'x\"y' not found"})");
    CHECK(answer.fields().size() == 0);
    CHECK_FALSE(answer.closes());
}

TEST_CASE("an error says where something is wrong, once") {
    CHECK(error_text(rejection{rejection_code::bad_request, "model is required"}.at("/model")) ==
          "model is required (/model)");
    CHECK(error_text(rejection{rejection_code::bad_request, "/options/seed must be a number"}.at(
              "/options/seed")) == "/options/seed must be a number");
}

TEST_CASE("an error uses Ollama's words where clients know them") {
    CHECK(error_text(rejection{rejection_code::unauthenticated, "unauthorized"}) == "unauthorized");
    CHECK(error_text(rejection{rejection_code::unauthenticated, "a token is needed"}) ==
          "unauthorized: a token is needed");
    CHECK(error_text(rejection{rejection_code::client_closed,
                               "the client closed the connection"}) == "request canceled");
    CHECK(error_text(rejection{rejection_code::unauthenticated, ""}) == "unauthorized");
}

TEST_CASE("an error asks for a token with WWW-Authenticate") {
    CHECK(rendered(rejection{rejection_code::unauthenticated, "x"})
              .fields()
              .get("WWW-Authenticate") == "Bearer");
}

TEST_CASE("an error carries Retry-After in seconds, and keeps SDKs from retrying what takes longer "
          "than a minute") {
    auto const soon = rendered(rejection{rejection_code::rate_limited, "x"}.come_again_in(60s));
    CHECK(soon.status() == 429);
    CHECK(soon.fields().get("Retry-After") == "60");
    CHECK_FALSE(soon.fields().has("x-should-retry"));
    auto const late = rendered(rejection{rejection_code::rate_limited, "x"}.come_again_in(61s));
    CHECK(late.fields().get("Retry-After") == "61");
    CHECK(late.fields().get("x-should-retry") == "false");
}

TEST_CASE("an error carries the fields of its refusal and closes a connection that is in doubt") {
    auto const answer = rendered(rejection{rejection_code::method_not_allowed, "x"}
                                     .with_field("Allow", "GET, HEAD")
                                     .and_close());
    CHECK(answer.status() == 405);
    CHECK(answer.fields().get("allow") == "GET, HEAD");
    CHECK(answer.closes());
}

TEST_CASE("an error in a stream is one line") {
    std::string out;
    append_error_line(out, rejection{rejection_code::upstream_failed, "two\nlines"});
    CHECK(out == "{\"error\":\"two\\nlines\"}\n");
}
