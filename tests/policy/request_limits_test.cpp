#include "mcp_provider/policy/request_limits.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_request;

namespace {

std::uint16_t status_of_asking(http::request const& asked, request_rules rules = {}) {
    auto const got = request_limits{std::move(rules)}.on_request(asked);
    return got ? std::uint16_t{200} : got.error().status();
}

std::uint16_t status_of_posting(std::string_view type, bool from_page = false) {
    fake_request asked{"POST", "/api/chat"};
    asked.announcing({false, 10});
    if (!type.empty()) asked.with("Content-Type", type);
    if (from_page) asked.with("Origin", "http://localhost:11434");
    return status_of_asking(asked);
}

} // namespace

TEST_CASE("request_limits admits as many header fields as are allowed and not one more") {
    request_rules rules;
    rules.max_header_fields = 3;
    fake_request asked; // has a Host
    asked.with("a", "1").with("b", "2");
    CHECK(status_of_asking(asked, rules) == 200);

    asked.with("c", "3");
    CHECK(status_of_asking(asked, rules) == 431);
    CHECK(request_limits{rules}.on_request(asked).error().message() ==
          "too many header fields: 4; allowed are 3");
}

TEST_CASE("request_limits admits as many query parameters as are allowed and not one more") {
    request_rules rules;
    rules.max_query_params = 2;
    auto const asks = [&](std::string_view target) {
        return status_of_asking(fake_request{"GET", target}, rules);
    };

    CHECK(asks("/api/tags") == 200);
    CHECK(asks("/api/tags?") == 200);
    CHECK(asks("/api/tags?a=1&b=2") == 200);
    CHECK(asks("/api/tags?&&a&b&&") == 200);
    CHECK(asks("/api/tags?a=1&b=2&c=3") == 400);
    CHECK(asks("/api/tags?a&b&c") == 400);
}

TEST_CASE("request_limits refuses a body over its limit from the head alone") {
    request_rules rules;
    rules.max_body_bytes = 10;
    fake_request asked{"POST", "/api/chat"};

    CHECK(status_of_asking(asked.announcing({false, 10}), rules) == 200);
    CHECK(status_of_asking(asked.announcing({false, 11}), rules) == 413);
    CHECK(status_of_asking(asked.announcing({true, 0}), rules) == 200);
}

TEST_CASE("request_limits takes the content types of its list, and from programs what they send "
          "without thinking") {
    CHECK(status_of_posting("application/json") == 200);
    CHECK(status_of_posting("APPLICATION/json ; charset=utf-8") == 200);
    CHECK(status_of_posting("text/event-stream") == 200);
    CHECK(status_of_posting("") == 200);
    CHECK(status_of_posting("text/plain;charset=UTF-8") == 200);
    CHECK(status_of_posting("application/x-www-form-urlencoded") == 200);
    CHECK(status_of_posting("application/xml") == 415);
    CHECK(status_of_posting("application/jsonp") == 415);
    CHECK(status_of_posting("multipart/form-data; boundary=x") == 415);
}

TEST_CASE("request_limits tolerates nothing from a page but what is on its list") {
    CHECK(status_of_posting("application/json", true) == 200);
    CHECK(status_of_posting("", true) == 415);
    CHECK(status_of_posting("text/plain", true) == 415);
    CHECK(status_of_posting("application/x-www-form-urlencoded", true) == 415);

    fake_request same_site{"POST", "/api/chat"};
    same_site.announcing({false, 10}).with("Sec-Fetch-Site", "same-origin");
    CHECK(status_of_asking(same_site) == 415);
}

TEST_CASE("request_limits does not mind the content type of a request without a body") {
    fake_request asked{"GET", "/api/tags"};
    asked.with("Content-Type", "application/xml").with("Content-Encoding", "br");

    CHECK(status_of_asking(asked) == 200);
}

TEST_CASE("request_limits takes bodies without a content coding only, and says so") {
    fake_request asked{"POST", "/v1/responses"};
    asked.announcing({true, 0}).with("Content-Encoding", "zstd");
    CHECK(status_of_asking(asked) == 415);
    CHECK(request_limits{}.on_request(asked).error().fields().front().second == "identity");

    fake_request plain{"POST", "/v1/responses"};
    plain.announcing({true, 0}).with("Content-Encoding", "Identity");
    CHECK(status_of_asking(plain) == 200);
}

TEST_CASE("request_limits refuses methods and paths that no route can have") {
    CHECK(status_of_asking(fake_request{"CONNECT", "evil.example:443"}) == 501);
    CHECK(status_of_asking(fake_request{"TRACE", "/"}) == 501);
    CHECK(status_of_asking(fake_request{"GET", "api/tags"}) == 400);
    CHECK(status_of_asking(fake_request{"GET", "/a b"}) == 400);
    CHECK(status_of_asking(fake_request{"GET", "/\x7f"}) == 400);
    CHECK(status_of_asking(fake_request{"GET", "/\xC3\xA9"}) == 400);
    CHECK(status_of_asking(fake_request{"GET", "/a?b=\x01"}) == 400);
    CHECK(status_of_asking(fake_request{"GET", "*"}) == 400);
    CHECK(status_of_asking(fake_request{"OPTIONS", "*"}) == 200);
}
