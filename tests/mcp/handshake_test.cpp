#include "mcp/scripted_way.hpp"
#include "mcp_provider/mcp/detail/handshake.hpp"
#include "mcp_provider/testing/run.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::scripted_server;

namespace {

struct meeting {
    std::shared_ptr<scripted_server> server = std::make_shared<scripted_server>();
    mcp::server_facts facts;

    /// Connects, and returns what went wrong, or the revision.
    std::string connect(mcp::client_options options = {}) {
        std::string said;
        auto const meet = [&]() -> asio::awaitable<void> {
            mcp::client one{std::make_unique<testing::scripted_way>(server), std::move(options)};
            auto const outcome = co_await one.connect();
            facts = one.server();
            said = outcome ? std::string{name_of(facts.spoken)} : outcome.error().message();
        };
        testing::run(meet());
        return said;
    }
    std::string answered(std::string members, std::uint16_t status = 200) {
        server->answers = {{std::move(members), status}, {testing::legacy_server}};
        return connect();
    }
};

std::string unsupported(std::string_view data) {
    return R"("error":{"code":-32022,"message":"Unsupported protocol version","data":)" +
           std::string{data} + "}";
}

} // namespace

TEST_CASE("a client asks a modern server what it speaks, and needs no handshake") {
    meeting with;
    with.server->answers = {{testing::modern_server}};
    CHECK(with.connect() == "2026-07-28");
    CHECK(with.facts.name == "s");
    CHECK(with.facts.has("tools"));
    CHECK_FALSE(with.facts.has("prompts"));
    REQUIRE(with.server->requests.size() == 1);
    CHECK(with.server->requests[0] ==
          R"({"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{)"
          R"("io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
          R"("io.modelcontextprotocol/clientInfo":{"name":"mcp-provider","version":")" +
              std::string{version} + R"("},"io.modelcontextprotocol/clientCapabilities":{}}}})");
    CHECK(with.server->fields[0] == "Mcp-Method: server/discover\r\n");
    CHECK(with.server->others.empty());
}

TEST_CASE("a client shakes hands with a server that does not know the modern era") {
    for (auto const& [members, status] : std::vector<std::pair<std::string, int>>{
             {testing::unknown_method, 404},
             {testing::unknown_method, 200},
             {R"("error":{"code":-32000,"message":"Bad Request: Server not initialized"})", 400},
             {"", 400},
             {"", 404},
             {"", 405},
             {"\"result\":{}", 200},
             {R"("result":{"supportedVersions":["2025-11-25"]})", 200},
             {R"("error":{"code":-32022,"message":"no list"})", 400},
             {unsupported(R"({"supported":["2025-06-18"],"requested":"x"})"), 400},
             {unsupported(R"({"requested":"x"})"), 400}}) {
        meeting with;
        CAPTURE(members);
        CHECK(with.answered(members, static_cast<std::uint16_t>(status)) == "2025-11-25");
        REQUIRE(with.server->requests.size() == 2);
        CHECK(
            with.server->requests[1] ==
            R"({"jsonrpc":"2.0","id":2,"method":"initialize","params":{"protocolVersion":"2025-11-25",)"
            R"("capabilities":{},"clientInfo":{"name":"mcp-provider","version":")" +
                std::string{version} + R"("}}})");
        CHECK(with.server->fields[1].empty());
        CHECK(
            with.server->others ==
            std::vector<std::string>{R"({"jsonrpc":"2.0","method":"notifications/initialized"})"});
        CHECK(with.server->revisions == std::vector<std::string>{"2026-07-28", "-", "2025-11-25"});
        CHECK(with.facts.name == "old");
        CHECK(with.facts.instructions == "be kind");
    }
}

TEST_CASE("a client does not shake hands with a server that is modern, or in trouble") {
    auto const told = [](scripted_server::answer first) {
        meeting with;
        with.server->answers = {std::move(first), {testing::legacy_server}};
        std::string said = with.connect();
        CHECK(with.server->requests.size() == 1);
        return said;
    };
    CHECK(told({R"("error":{"code":-32020,"message":"header"})", 400}) ==
          "the MCP server answered with error -32020: header");
    CHECK(told({R"("error":{"code":-32021,"message":"capability"})", 400}) ==
          "the MCP server answered with error -32021: capability");
    CHECK(told({unsupported(R"({"supported":["2030-01-01"]})"), 400}) ==
          "the MCP server answered with error -32022: Unsupported protocol version");
    CHECK(told({R"("result":{"supportedVersions":["2030-01-01"]})", 200}) ==
          "the MCP server's answer is not as it should be: it speaks no revision that this client "
          "was told to speak");
    CHECK(told({rejection{rejection_code::upstream_failed, "HTTP 500"}}) == "HTTP 500");
    CHECK(told({rejection{rejection_code::timed_out, "too slow"}}) == "too slow");
}

TEST_CASE("a client tries once more where a server refuses a revision that it lists") {
    meeting with;
    with.server->answers = {{unsupported(R"({"supported":["2026-07-28"]})"), 400},
                            {testing::modern_server}};
    CHECK(with.connect() == "2026-07-28");
    with.server->answers = {{unsupported(R"({"supported":["2026-07-28"]})"), 400},
                            {unsupported(R"({"supported":["2026-07-28"]})"), 400},
                            {testing::modern_server}};
    CHECK(with.connect() ==
          "the MCP server answered with error -32022: Unsupported protocol version");
    CHECK(with.server->requests.size() == 4);
}

TEST_CASE("a silent server over stdio is a legacy one, and one that ends at the question is "
          "started again") {
    for (scripted_server::answer const& first :
         {scripted_server::silence(),
          scripted_server::answer{
              rejection{rejection_code::upstream_failed, "gone"}.because("server_gone")}}) {
        meeting with;
        with.server->is_stdio = true;
        with.server->answers = {first, {testing::legacy_server}};
        mcp::client_options options;
        options.probe_time = std::chrono::milliseconds{10};
        CHECK(with.connect(std::move(options)) == "2025-11-25");
        CHECK(with.server->opened == 2);
        CHECK(with.server->others.size() == 1); // the question is not cancelled
    }
}

TEST_CASE("a client that is told its revision speaks no other era") {
    meeting with;
    mcp::client_options modern;
    modern.only = mcp::latest_modern;
    with.server->answers = {{testing::unknown_method, 404}, {testing::legacy_server}};
    CHECK(with.connect(std::move(modern)) ==
          "the MCP server answered with error -32601: Method not found");
    CHECK(with.server->requests.size() == 1);

    with.server->answers = {{testing::legacy_server}};
    mcp::client_options legacy;
    legacy.only = mcp::revision::v2025_06_18;
    CHECK(with.connect(std::move(legacy)) == "2025-11-25"); // the server may know another one
    CHECK(with.server->request(1).at("params").at("protocolVersion") == "2025-06-18");
}

TEST_CASE("a handshake needs a revision that both speak after one") {
    for (std::string const agreed : {R"("2026-07-28")", R"("2020-01-01")", "5", "null"}) {
        meeting with;
        mcp::client_options legacy;
        legacy.only = mcp::latest_legacy;
        with.server->answers = {
            {R"("result":{"capabilities":{},"protocolVersion":)" + agreed + "}"}};
        CHECK(with.connect(std::move(legacy))
                  .starts_with("the MCP server's answer is not as it should be: it agrees on"));
        CHECK(with.server->others.empty());
    }
}

TEST_CASE("a client declares what it has handlers for, and nothing else") {
    meeting with;
    with.server->answers = {{testing::modern_server}};
    mcp::client_options options;
    options.sampling = options.elicitation =
        [](boost::json::object const&) -> asio::awaitable<result<boost::json::object>> {
        co_return boost::json::object{};
    };
    options.roots = [] { return boost::json::array{}; };
    CHECK(with.connect(std::move(options)) == "2026-07-28");
    CHECK(boost::json::serialize(with.server->request(0).at("params").at("_meta").at(
              "io.modelcontextprotocol/clientCapabilities")) ==
          R"({"sampling":{},"elicitation":{"form":{}},"roots":{}})");
}
