#include "events/heard.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/testing/channel.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/run.hpp"

#include <boost/json/serialize.hpp>

#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_peer;
using testing::fake_request;

namespace {

template <class Handler>
void ask(std::shared_ptr<events::feed> const& feed, http::request const& asked, Handler handler) {
    audit::null_sink sink;
    auto const service = pipeline(audit_log{sink}, announce_security{feed},
                                  local_origin{std::make_shared<origin_rules const>()})
                             .handle(std::move(handler));
    testing::channel io;
    testing::run(service.serve(asked, io));
}

http::response hello() { return http::response{200, "text/plain", "hello"}; }

} // namespace

TEST_CASE("a service with announce_security tells of a refusal that is a matter of security, and "
          "of whom") {
    auto const feed = std::make_shared<events::feed>();
    events::ear ear{*feed};
    fake_peer const peer{2000};
    fake_request asked{"POST", "/api/chat?token=canary"};
    asked.with("Origin", "https://evil.example").from(peer);

    ask(feed, asked, &hello);

    auto const told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "security.refused");
    CHECK(told[0].at("event") == "foreign_origin");
    CHECK(told[0].at("local_uid") == 2000);
    CHECK(told[0].at("client_ip") == "127.0.0.1");
    CHECK(told[0].at("endpoint") == "/api/chat");
    CHECK(told[0].at("status") == 403);
    CHECK(told[0].at("refused_by") == "local_origin");
    CHECK(boost::json::serialize(told[0]).find("canary") == std::string::npos);
}

TEST_CASE("a service with announce_security is silent about what is no matter of security") {
    auto const feed = std::make_shared<events::feed>();
    events::ear ear{*feed};
    ask(feed, fake_request{}, &hello);
    ask(feed, fake_request{}, []() -> result<http::response> {
        return rejection{rejection_code::not_found, "no such model"};
    });
    CHECK(ear.take().empty());
}

TEST_CASE("a service with announce_security tells which content rules matched in a request that "
          "was answered") {
    auto const feed = std::make_shared<events::feed>();
    events::ear ear{*feed};
    ask(feed, fake_request{}, [](audited const& log) {
        log.notes().security_flags = "import_os,eval_call";
        return hello();
    });
    auto const told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "security.flagged");
    CHECK(told[0].at("rules") == "import_os,eval_call");
    CHECK(told[0].at("status") == 200);
}
