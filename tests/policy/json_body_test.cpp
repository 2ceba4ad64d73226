#include "mcp_provider/policy/json_body.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

struct plain {
    static result<plain> from_json(boost::json::value const& document) {
        if (!document.is_object())
            return rejection{rejection_code::bad_request, "must be an object"}.at("");
        return plain{document.get_object().size()};
    }
    std::size_t members;
};

struct bounded {
    struct rules {
        std::int64_t most = 5;
    };
    static result<bounded> from_json(boost::json::value const& document, rules const& bounds) {
        if (document.to_number<std::int64_t>() > bounds.most)
            return rejection{rejection_code::bad_request, "too much"};
        return bounded{};
    }
};

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

struct anything {
    static result<anything> from_json(boost::json::value const&) { return anything{}; }
};

} // namespace

TEST_CASE("json_body provides what from_json makes of the document") {
    auto const got = json_body<plain>{}.on_request(http::body{R"({"a": 1, "b": [2]})"});

    REQUIRE(got);
    CHECK(got->members == 2);
}

TEST_CASE("json_body hands its rules to from_json where the type has some") {
    CHECK(json_body<bounded>{bounded::rules{}}.on_request(http::body{"5"}));
    CHECK(!json_body<bounded>{bounded::rules{}}.on_request(http::body{"6"}));
    CHECK(json_body<bounded>{std::make_shared<bounded::rules const>(bounded::rules{6})}.on_request(
        http::body{"6"}));
}

TEST_CASE("json_body says that a body is missing, in Ollama's words") {
    auto const refused = json_body<plain>{}.on_request(http::body{});

    REQUIRE(!refused);
    CHECK(refused.error().status() == 400);
    CHECK(refused.error().message() == "missing request body");
}

TEST_CASE("json_body passes the refusals of the parser and of from_json on") {
    auto const broken = json_body<plain>{}.on_request(http::body{"{\"a\": }"});
    REQUIRE(!broken);
    CHECK(broken.error().status() == 400);
    CHECK(broken.error().reason() == "invalid_json");

    auto const other = json_body<plain>{}.on_request(http::body{"[]"});
    REQUIRE(!other);
    CHECK(other.error().message() == "must be an object");
}

TEST_CASE("json_body takes documents 32 deep and not 33") {
    CHECK(json_body<anything>{}.on_request(http::body{nested(32)}));
    CHECK(!json_body<anything>{}.on_request(http::body{nested(33)}));
}

TEST_CASE("json_body takes documents that outgrow its buffer") {
    std::string const text = "\"" + std::string(1'000'000, 'x') + "\"";

    CHECK(json_body<anything>{}.on_request(http::body{text}));
}
