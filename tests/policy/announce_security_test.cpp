#include "admitted.hpp"
#include "mcp_provider/policy/announce_security.hpp"
#include "mcp_provider/testing/audited_access.hpp"
#include "mcp_provider/testing/fake_exchange.hpp"
#include "overheard.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_exchange;
using testing::fake_peer;
using testing::fake_request;
using testing::overheard;

TEST_CASE("announce_security tells of a refusal that is a matter of security, and of whom") {
    overheard feed;
    fake_peer const peer{2000};
    fake_request asked{"POST", "/api/chat?token=canary"};
    asked.from(peer);
    fake_exchange done{asked};
    done.refused("local_origin",
                 rejection{rejection_code::forbidden, "no"}.as_security_event("foreign_origin"));

    announce_security{feed.get()}.on_complete(done, nullptr, nullptr);

    CHECK(feed.tells(R"("type":"security.refused")"));
    CHECK(feed.tells(R"("event":"foreign_origin")"));
    CHECK(feed.tells(R"("local_uid":2000)"));
    CHECK(feed.tells(R"("client_ip":"127.0.0.1")"));
    CHECK(feed.tells(R"("endpoint":"/api/chat")"));
    CHECK(feed.tells(R"("status":403)"));
    CHECK(feed.tells(R"("refused_by":"local_origin")"));
    CHECK(!feed.tells("canary"));
}

TEST_CASE("announce_security is silent about what is no matter of security") {
    overheard feed;
    fake_request const asked;
    fake_exchange missing{asked};
    missing.refused("handler", rejection{rejection_code::not_found, "no such model"});
    auto const log = testing::audited_access::make();

    announce_security{feed.get()}.on_complete(fake_exchange{asked}, nullptr, &log);
    announce_security{feed.get()}.on_complete(missing, nullptr, nullptr);

    CHECK(feed.is_silent());
}

TEST_CASE("announce_security tells which content rules matched in a request that was answered") {
    overheard feed;
    fake_request const asked;
    auto const who = testing::someone("key_1");
    auto const log = testing::audited_access::make();
    log.notes().security_flags = "import_os,eval_call";

    announce_security{feed.get()}.on_complete(fake_exchange{asked}, &who, &log);

    CHECK(feed.tells(R"("type":"security.flagged")"));
    CHECK(feed.tells(R"("rules":"import_os,eval_call")"));
    CHECK(feed.tells(R"("principal":"key_1")"));
    CHECK(feed.tells(R"("status":200)"));
}
