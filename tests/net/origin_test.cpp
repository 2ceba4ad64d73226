#include "mcp_provider/net/origin.hpp"

#include <doctest/doctest.h>

using mcp_provider::net::origin;

TEST_CASE("origin takes a URL apart") {
    auto const plain = origin::parse("http://127.0.0.1:8080/v1/");
    REQUIRE(plain);
    CHECK_FALSE(plain->is_secure());
    CHECK(plain->host() == "127.0.0.1");
    CHECK(plain->port() == 8080);
    CHECK(plain->authority() == "127.0.0.1:8080");
    CHECK(plain->path() == "/v1");
    CHECK(plain->where() == "127.0.0.1:8080");

    auto const secure = origin::parse("HTTPS://api.example.com");
    REQUIRE(secure);
    CHECK(secure->is_secure());
    CHECK(secure->port() == 443);
    CHECK(secure->authority() == "api.example.com");
    CHECK(secure->path().empty());
    CHECK(secure->where() == "api.example.com:443");

    auto const six = origin::parse("http://[::1]:11435/v1");
    REQUIRE(six);
    CHECK(six->host() == "::1");
    CHECK(six->authority() == "[::1]:11435");
    CHECK(six->where() == "[::1]:11435");
}

TEST_CASE("origin refuses what is no base URL, and repeats no password") {
    for (char const* const url :
         {"", "127.0.0.1:80", "ftp://x", "http://", "http:///v1", "http://:80", "http://x:0",
          "http://x:65536", "http://x:8o", "http://x:", "http://[::1", "http://[::1]8080",
          "http://x/?a", "http://x#y", "http://x y/", "http://x\r\nA: b"}) {
        CAPTURE(url);
        CHECK_FALSE(origin::parse(url));
    }
    auto const refused = origin::parse("http://user:hunter2@x/");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("hunter2") == std::string::npos);
}
