#include "admitted.hpp"
#include "mcp_provider/policy/announce_requests.hpp"
#include "mcp_provider/testing/audited_access.hpp"
#include "mcp_provider/testing/fake_exchange.hpp"
#include "overheard.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::fake_exchange;
using testing::fake_request;
using testing::overheard;
using testing::someone;

TEST_CASE("announce_requests tells that a request was admitted, and no secret of it") {
    overheard feed;
    fake_request asked{"POST", "/api/chat?token=canary"};
    asked.with("Authorization", "Bearer canary");
    auto const who = someone("key_1");
    auto const in = testing::session_of(who);

    CHECK(announce_requests{feed.get()}.on_request(asked, who, in));

    CHECK(feed.tells(R"("type":"request.begun")"));
    CHECK(feed.tells(R"("request_id":")" + std::string{asked.get().id().text()} + '"'));
    CHECK(feed.tells(R"("method":"POST")"));
    CHECK(feed.tells(R"("endpoint":"/api/chat")"));
    CHECK(feed.tells(R"("principal":"key_1")"));
    CHECK(feed.tells(R"("session":")" + in.id() + '"'));
    CHECK(!feed.tells("canary"));
}

TEST_CASE("announce_requests tells how an answered request ended") {
    overheard feed;
    fake_request const asked{"POST", "/api/chat"};
    auto const who = someone("key_1");
    auto const log = testing::audited_access::make();
    log.notes().model = "echo:latest";
    log.notes().finish_reason = "stop";
    log.notes().prompt_tokens = 3;
    log.notes().completion_tokens = 4;
    fake_exchange done{asked};
    done.bytes(10, 20).took(1500us, 2s);

    announce_requests{feed.get()}.on_complete(done, &who, nullptr, &log);

    CHECK(feed.tells(R"("type":"request.ended")"));
    CHECK(feed.tells(R"("principal":"key_1")"));
    CHECK(!feed.tells(R"("session")"));
    CHECK(feed.tells(R"("status":200)"));
    CHECK(feed.tells(R"("cause":"completed")"));
    CHECK(feed.tells(R"("duration_ms":2)"));
    CHECK(feed.tells(R"("first_byte_ms":1.5)"));
    CHECK(feed.tells(R"("request_bytes":10)"));
    CHECK(feed.tells(R"("response_bytes":20)"));
    CHECK(feed.tells(R"("model":"echo:latest")"));
    CHECK(feed.tells(R"("finish_reason":"stop")"));
    CHECK(feed.tells(R"("prompt_tokens":3)"));
    CHECK(feed.tells(R"("completion_tokens":4)"));
}

TEST_CASE("announce_requests tells who refused a request, and why") {
    overheard feed;
    fake_request const asked;
    fake_exchange done{asked};
    done.refused("authenticate",
                 rejection{rejection_code::unauthenticated, "no"}.because("invalid_api_key"));

    announce_requests{feed.get()}.on_complete(done, nullptr, nullptr, nullptr);

    CHECK(feed.tells(R"("status":401)"));
    CHECK(feed.tells(R"("cause":"refused")"));
    CHECK(feed.tells(R"("refused_by":"authenticate")"));
    CHECK(feed.tells(R"("reason":"invalid_api_key")"));
    CHECK(!feed.tells(R"("principal")"));
    CHECK(!feed.tells(R"("model")"));
}
