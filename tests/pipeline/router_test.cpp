#include "mcp_provider/pipeline/router.hpp"
#include "recording.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::testing;

namespace {

any_service named(std::string name) {
    return pipeline().handle([name] { return http::response{200, "text/plain", name}; });
}

/// The name of the service that a request is routed to; empty for none.
std::string served_by(router const& routes, std::string_view method, std::string_view target) {
    fake_request const asked{method, target};
    any_service const* const found = routes.find(asked);
    if (found == nullptr) return {};
    testing::channel io;
    testing::run(found->serve(asked, io));
    return io.text();
}

} // namespace

TEST_CASE("router finds a service by path and method, and gives HEAD to GET") {
    router routes;
    routes.add(http::method::get, "/api/tags", named("tags"));
    routes.add(http::method::post, "/api/chat", named("chat"));
    routes.add(http::method::get, "/", named("root"));

    CHECK(served_by(routes, "GET", "/api/tags") == "tags");
    CHECK(served_by(routes, "HEAD", "/api/tags?ts=1") == "tags");
    CHECK(served_by(routes, "POST", "/api/chat") == "chat");
    CHECK(served_by(routes, "HEAD", "/") == "root");
    CHECK(served_by(routes, "GET", "/api/chat").empty());
    CHECK(served_by(routes, "get", "/api/tags").empty());
    CHECK(served_by(routes, "GET", "/api").empty());
    CHECK(served_by(routes, "GET", "/api/tags/").empty());
    CHECK(served_by(routes, "GET", "/api/%74ags").empty());
}

TEST_CASE("router collapses slashes before it decides") {
    router routes;
    routes.add(http::method::post, "/v1/chat/completions", named("chat"));

    CHECK(served_by(routes, "POST", "//v1//chat///completions") == "chat");
}

TEST_CASE("router prefers an exact path to a prefix and a longer prefix to a shorter one") {
    router routes;
    routes.add(http::method::get, "/v1/*", named("all"));
    routes.add(http::method::get, "/v1/models/*", named("model"));
    routes.add(http::method::get, "/v1/models/special", named("special"));

    CHECK(served_by(routes, "GET", "/v1/models/special") == "special");
    CHECK(served_by(routes, "GET", "/v1/models/a/b:latest") == "model");
    CHECK(served_by(routes, "GET", "/v1/else") == "all");
    CHECK(served_by(routes, "GET", "/v1/").empty());
    CHECK(served_by(routes, "GET", "/v1").empty());
}

TEST_CASE("router has one service for everything else and one for what could not be read") {
    router routes;
    CHECK(routes.find_malformed() == nullptr);
    routes.otherwise(named("otherwise"));
    routes.malformed(named("malformed"));
    routes.add(http::method::get, "/x", named("x"));

    CHECK(served_by(routes, "GET", "/nowhere") == "otherwise");
    CHECK(served_by(routes, "DELETE", "/x") == "otherwise");
    CHECK(routes.find_malformed() != nullptr);
}

TEST_CASE("router tells the methods of a path") {
    router routes;
    routes.add(http::method::get, "/x", named("x"));
    routes.add(http::method::post, "/x", named("x"));
    routes.add(http::method::del, "/y/*", named("y"));

    CHECK(routes.allowed_methods("/x") == "GET, HEAD, POST");
    CHECK(routes.allowed_methods("/y/1") == "DELETE");
    CHECK(routes.allowed_methods("/z").empty());
}
