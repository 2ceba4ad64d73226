#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/preflight.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_peer;
using testing::fake_request;

namespace {

local_origin origin_policy(std::vector<std::string> hosts = {"127.0.0.1", "localhost", "::1"},
                           std::vector<std::string> origins = {}) {
    return local_origin{std::make_shared<origin_rules const>(std::move(hosts), std::move(origins))};
}

bool admits_host(local_origin const& policy, std::string_view host, std::uint16_t port = 11434) {
    fake_peer const peer{1000, port};
    fake_request asked;
    asked.without("Host").with("Host", host).from(peer);
    return policy.on_request(asked).has_value();
}

std::string_view event_of(result<local_caller> const& refused) {
    REQUIRE(!refused);
    CHECK(refused.error().status() == 403);
    return refused.error().security_event();
}

} // namespace

TEST_CASE("local_origin admits a program of this machine and says that it is no browser") {
    fake_request asked{"GET", "/api/tags"};
    asked.with("Sec-Fetch-Mode", "cors"); // Node's fetch

    auto const caller = origin_policy().on_request(asked);

    REQUIRE(caller);
    CHECK(!caller->is_browser());
    CHECK(caller->origin().empty());
    CHECK(caller->peer().user() == 1000U);
}

TEST_CASE("local_origin refuses a peer that is not loopback, and calls that an attempt at external "
          "access") {
    fake_peer const stranger{"192.168.1.7"};
    fake_request asked;
    asked.from(stranger);

    CHECK(event_of(origin_policy().on_request(asked)) == "external_access_attempt");
}

TEST_CASE(
    "local_origin knows the loopback names with our port, in any case, and nothing like them") {
    auto const policy = origin_policy();

    for (auto const* host :
         {"127.0.0.1:11434", "localhost:11434", "LocalHost:11434", "[::1]:11434"}) {
        CAPTURE(host);
        CHECK(admits_host(policy, host));
    }
    for (auto const* host : {"",
                             "127.0.0.1",
                             "localhost",
                             "[::1]",
                             "::1",
                             "::1:11434",
                             "127.0.0.1:",
                             "127.0.0.1:11435",
                             "127.0.0.1:011434",
                             "127.0.0.1:11434 ",
                             "127.0.0.2:11434",
                             "0.0.0.0:11434",
                             "localhost.:11434",
                             "localhost.evil.com:11434",
                             "evil.com:11434",
                             "evil.localhost:11434",
                             "box.local:11434",
                             "host.internal:11434",
                             "user@127.0.0.1:11434",
                             "127.0.0.1:11434:11434",
                             "[::1]x:11434",
                             "[::1",
                             "2130706433:11434",
                             "0x7f.1:11434"}) {
        CAPTURE(host);
        CHECK(!admits_host(policy, host));
    }
}

TEST_CASE("local_origin takes a host without a port only where our port is 80") {
    CHECK(admits_host(origin_policy(), "127.0.0.1", 80));
    CHECK(admits_host(origin_policy(), "[::1]", 80));
    CHECK(admits_host(origin_policy(), "localhost:80", 80));
    CHECK(!admits_host(origin_policy(), "localhost:", 80));
    CHECK(!admits_host(origin_policy(), "localhost", 11434));
}

TEST_CASE("local_origin knows configured hosts exactly, and loses the loopback names that are not "
          "configured") {
    auto const policy = origin_policy({"Host.Docker.Internal", "gateway:8080", "127.0.0.1"});

    CHECK(admits_host(policy, "host.docker.internal:11434"));
    CHECK(admits_host(policy, "host.docker.internal"));
    CHECK(admits_host(policy, "GATEWAY:8080"));
    CHECK(admits_host(policy, "127.0.0.1:11434"));
    CHECK(!admits_host(policy, "host.docker.internal:80"));
    CHECK(!admits_host(policy, "gateway"));
    CHECK(!admits_host(policy, "gateway:11434"));
    CHECK(!admits_host(policy, "localhost:11434"));
}

TEST_CASE("local_origin refuses a rebound name, no Host and two of them") {
    fake_request rebound;
    rebound.without("Host").with("Host", "attacker.example:11434");
    fake_request none;
    none.without("Host");
    fake_request two;
    two.with("host", "127.0.0.1:11434");

    for (fake_request const* asked : {&rebound, &none, &two})
        CHECK(event_of(origin_policy().on_request(*asked)) == "foreign_host");
}

TEST_CASE("local_origin admits its own loopback origins and the configured ones, exactly") {
    auto const policy =
        origin_policy({"127.0.0.1"}, {"https://ui.example", "vscode-webview://abc"});
    auto const admits = [&](std::string_view origin, std::uint16_t port = 11434) {
        fake_peer const peer{1000, port};
        fake_request asked;
        asked.without("Host")
            .with("Host", "127.0.0.1:" + std::to_string(port))
            .with("Origin", origin)
            .from(peer);
        return policy.on_request(asked).has_value();
    };

    for (auto const* origin :
         {"http://127.0.0.1:11434", "http://localhost:11434", "http://[::1]:11434",
          "https://ui.example", "vscode-webview://abc"}) {
        CAPTURE(origin);
        CHECK(admits(origin));
    }
    for (auto const* origin :
         {"null", "", "*", "https://127.0.0.1:11434", "http://127.0.0.1:3000", "http://127.0.0.1",
          "http://localhost", "http://[::1]", "https://ui.example.evil.com",
          "https://ui.example:443", "https://UI.example", "http://ui.example", "https://evil.com",
          "file://", "http://127.0.0.1:11434/"}) {
        CAPTURE(origin);
        CHECK(!admits(origin));
    }
    CHECK(admits("http://localhost", 80));
    CHECK(!admits("http://localhost:80", 80));
}

TEST_CASE("local_origin refuses a foreign origin and two origins as such") {
    fake_request foreign;
    foreign.with("Origin", "https://evil.example");
    fake_request two;
    two.with("Origin", "http://127.0.0.1:11434").with("Origin", "https://evil.example");

    CHECK(event_of(origin_policy().on_request(foreign)) == "foreign_origin");
    CHECK(event_of(origin_policy().on_request(two)) == "foreign_origin");
}

TEST_CASE("local_origin refuses what a browser sends for another site without an origin") {
    for (auto const* site : {"cross-site", "same-site"}) {
        fake_request asked;
        asked.with("Sec-Fetch-Site", site);
        CHECK(event_of(origin_policy().on_request(asked)) == "cross_site_request");
    }
    for (auto const* site : {"same-origin", "none"}) {
        fake_request asked;
        asked.with("Sec-Fetch-Site", site);
        auto const caller = origin_policy().on_request(asked);
        REQUIRE(caller);
        CHECK(caller->is_browser());
    }
    fake_request allowed;
    allowed.with("Origin", "http://localhost:11434").with("Sec-Fetch-Site", "cross-site");
    CHECK(origin_policy().on_request(allowed));
}

TEST_CASE("local_origin takes only JSON from a page, and lets the page read the refusal") {
    auto const asks_with = [](auto&&... type) {
        fake_request asked{"POST", "/v1/chat/completions"};
        asked.with("Origin", "http://localhost:11434").announcing({false, 2});
        (asked.with("Content-Type", type), ...);
        auto got = origin_policy().on_request(asked);
        return got ? std::uint16_t{200} : got.error().status();
    };

    CHECK(asks_with("application/json") == 200);
    CHECK(asks_with("Application/JSON; charset=utf-8") == 200);
    CHECK(asks_with("text/plain") == 415);
    CHECK(asks_with() == 415);

    fake_request asked{"POST", "/"};
    asked.with("Origin", "http://localhost:11434").announcing({true, 0});
    auto const refused = origin_policy().on_request(asked);
    REQUIRE(!refused);
    REQUIRE(refused.error().fields().size() == 2);
    CHECK(refused.error().fields()[0].first == "Access-Control-Allow-Origin");
    CHECK(refused.error().fields()[0].second == "http://localhost:11434");

    fake_request program{"POST", "/"};
    program.with("Content-Type", "text/plain").announcing({false, 2});
    CHECK(origin_policy().on_request(program));
}

TEST_CASE("local_origin gives an allowed page its CORS fields and nobody else") {
    auto const policy = origin_policy();
    fake_request page;
    page.with("Origin", "http://localhost:11434");
    auto const from_page = policy.on_request(page);
    auto const from_program = policy.on_request(fake_request{});
    http::response answer{401};
    http::response other{401};

    policy.on_response(page, answer, &*from_page);
    policy.on_response(page, other, &*from_program);
    policy.on_response(page, other, nullptr);

    CHECK(answer.fields().get("Access-Control-Allow-Origin") == "http://localhost:11434");
    CHECK(answer.fields().get("Vary") == "Origin");
    CHECK(answer.fields().get("Access-Control-Expose-Headers").find("x-request-id") !=
          std::string_view::npos);
    CHECK(other.fields().size() == 0);
}

TEST_CASE("preflight allows what the SDKs send, and never the private network") {
    auto const answer = preflight(fake_request{"OPTIONS", "/v1/chat/completions"});

    CHECK(answer.status() == 204);
    auto const allowed = answer.fields().get("Access-Control-Allow-Headers");
    for (auto const* one : {"Authorization", "Content-Type", "x-api-key", "x-stainless-lang",
                            "x-stainless-retry-count"})
        CHECK(allowed.find(one) != std::string_view::npos);
    CHECK(answer.fields().get("Access-Control-Allow-Methods").find("POST") !=
          std::string_view::npos);
    CHECK(answer.fields().get("Access-Control-Max-Age") == "43200");
    CHECK(!answer.fields().has("Access-Control-Allow-Private-Network"));
    CHECK(!answer.fields().has("Access-Control-Allow-Origin"));
}

TEST_CASE("origin_rules take no wildcard, no null and nothing empty") {
    CHECK_THROWS_AS((origin_rules{{"127.0.0.1"}, {"*"}}), std::invalid_argument);
    CHECK_THROWS_AS((origin_rules{{"127.0.0.1"}, {"null"}}), std::invalid_argument);
    CHECK_THROWS_AS((origin_rules{{"127.0.0.1"}, {""}}), std::invalid_argument);
    CHECK_THROWS_AS((origin_rules{{""}, {}}), std::invalid_argument);
}
