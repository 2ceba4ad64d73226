#include "events/heard.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/announce_requests.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/session_guard.hpp"
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

struct house {
    house() {
        auto some = std::make_shared<local_users>();
        some->add(1000);
        users = std::move(some);
    }

    template <class Handler>
    void ask(http::request const& asked, Handler handler) {
        auto const service =
            pipeline(audit_log{sink}, local_origin{std::make_shared<origin_rules const>()},
                     address_block{std::make_shared<block_table>()},
                     authenticate{std::make_shared<detail::no_keys>(), users},
                     session_guard{std::make_shared<session_store<>>()}, announce_requests{feed})
                .handle(std::move(handler));
        testing::channel io;
        testing::run(service.serve(asked, io));
    }

    audit::null_sink sink;
    std::shared_ptr<local_users const> users;
    std::shared_ptr<events::feed> feed = std::make_shared<events::feed>();
};

http::response hello(audited const& log) {
    log.notes().model = "echo:latest";
    log.notes().prompt_tokens = 3;
    log.notes().completion_tokens = 4;
    log.notes().finish_reason = "stop";
    return http::response{200, "text/plain", "hello"};
}

} // namespace

TEST_CASE("a service with announce_requests tells when a request is admitted and how it ended") {
    house one;
    events::ear ear{*one.feed};
    fake_request asked{"POST", "/api/chat?token=secret"};

    one.ask(asked, &hello);

    auto const told = ear.take();
    REQUIRE(told.size() == 2);
    std::string const id{asked.get().id().text()};
    CHECK(told[0].at("type") == "request.begun");
    CHECK(told[0].at("request_id").as_string() == id);
    CHECK(told[0].at("endpoint") == "/api/chat");
    CHECK(told[0].at("method") == "POST");
    CHECK(told[0].at("principal") == "uid:1000");
    CHECK(told[0].at("session").as_string().starts_with("ses_"));

    CHECK(told[1].at("type") == "request.ended");
    CHECK(told[1].at("request_id").as_string() == id);
    CHECK(told[1].at("principal") == "uid:1000");
    CHECK(told[1].at("status") == 200);
    CHECK(told[1].at("cause") == "completed");
    CHECK(told[1].at("model") == "echo:latest");
    CHECK(told[1].at("finish_reason") == "stop");
    CHECK(told[1].at("prompt_tokens") == 3);
    CHECK(told[1].at("completion_tokens") == 4);
    CHECK(told[1].at("duration_ms").as_double() >= 0);
    CHECK(told[1].at("seq").as_int64() == told[0].at("seq").as_int64() + 1);
}

TEST_CASE("a service with announce_requests tells of a refused request only its end, and no secret "
          "of it") {
    house one;
    events::ear ear{*one.feed};
    fake_request asked{"POST", "/api/chat?key=sk-canary"};
    asked.with("Authorization", "Bearer sk-canary");

    one.ask(asked, &hello);

    auto const told = ear.take();
    REQUIRE(told.size() == 1);
    CHECK(told[0].at("type") == "request.ended");
    CHECK(told[0].at("status") == 401);
    CHECK(told[0].at("cause") == "refused");
    CHECK(told[0].at("refused_by") == "authenticate");
    CHECK(told[0].at("reason") == "invalid_api_key");
    CHECK(!told[0].contains("principal"));
    CHECK(!told[0].contains("model"));
    CHECK(boost::json::serialize(told[0]).find("canary") == std::string::npos);
}
