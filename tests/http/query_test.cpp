#include "mcp_provider/http/query.hpp"

#include <doctest/doctest.h>

using mcp_provider::http::percent_decoded;
using mcp_provider::http::query_value;

TEST_CASE("percent_decoded decodes escapes of both cases, and nothing else") {
    CHECK(percent_decoded("") == "");
    CHECK(percent_decoded("a+b") == "a+b");
    CHECK(percent_decoded("org%2Fmodel%3a7b") == "org/model:7b");
    CHECK(percent_decoded("%00%ff") == std::string{"\0\xFF", 2});
    for (char const* malformed : {"%", "%2", "a%2", "%g0", "%0g", "%%30"})
        CHECK(!percent_decoded(malformed));
}

TEST_CASE("query_value finds the first parameter of a name, decoded") {
    CHECK(query_value("a=1&b=2", "b") == "2");
    CHECK(query_value("a=1&a=2", "a") == "1");
    CHECK(query_value("topics=request%2Csecurity&x", "topics") == "request,security");
    CHECK(query_value("x", "x") == "");
    CHECK(query_value("x=", "x") == "");
    CHECK(query_value("&&x=a=b&", "x") == "a=b");
    CHECK(!query_value("", "x"));
    CHECK(!query_value("xy=1&y=2", "x"));
    CHECK(!query_value("x=%", "x"));
}
