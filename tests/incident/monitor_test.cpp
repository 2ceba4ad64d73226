#include "config/temporary_directory.hpp"
#include "incident/monitor.hpp"
#include "mcp_provider/audit/sink.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

/// A monitor whose events are handled when the test says so.
struct watched {
    watched() {
        auto who = std::make_shared<identity>();
        who->id = "uid:7";
        in = sessions.admit(principal{who})->id();
    }

    void happens(std::string_view name, std::string caller = "uid:7") {
        security_event one;
        one.name = name;
        one.principal = caller;
        one.session = name == "suspicious_caller" ? in : "";
        one.message = "what was refused";
        one.caller = std::move(caller);
        monitor.note(std::move(one));
        monitor.respond(now);
    }
    bool is_blocked(std::string_view who) {
        return blocks.blocked_for(who, real_clock{}.steady()).has_value();
    }

    temporary_directory folder;
    block_table blocks;
    session_store<> sessions;
    audit::memory_sink records;
    state_keeper keeper{folder.path() / "state.json", blocks, sessions};
    playbook book{blocks, sessions, keeper, records};
    std::vector<alert> alerts;
    asio::thread_pool pool{1};
    incident_monitor monitor{book, 900s, std::make_shared<events::feed>(),
                             [this](alert one) { alerts.push_back(std::move(one)); }, pool};
    steady_time now = std::chrono::steady_clock::now();
    std::string in;
};

} // namespace

TEST_CASE(
    "a suspicious caller's session is suspended for a quarter of an hour, and somebody is told") {
    watched test;
    test.pool.join(); // handled by the test's own calls only
    test.happens("suspicious_caller");

    auto const listed = test.sessions.list();
    REQUIRE(listed.size() == 1);
    CHECK(listed.front().state == session_state::suspended);
    REQUIRE(test.alerts.size() == 1);
    CHECK(test.alerts.front().severity == "medium");
    CHECK(test.records.lines().back().find(R"("principal_id":"monitor")") != std::string::npos);
}

TEST_CASE("who goes on while suspended for rate is blocked, and who was suspended by an operator "
          "is not") {
    watched test;
    test.pool.join();
    test.happens("session_suspended");
    CHECK(!test.is_blocked("uid:7"));

    test.happens("suspicious_caller");
    test.happens("session_suspended");
    CHECK(test.is_blocked("uid:7"));
    CHECK(test.alerts.back().severity == "high");
}

TEST_CASE("the suspension for rate is forgotten when it is over") {
    watched test;
    test.pool.join();
    test.happens("suspicious_caller");
    test.now += 15min;
    test.happens("session_suspended");
    CHECK(!test.is_blocked("uid:7"));
}

TEST_CASE("alerts of one kind about one caller come once in five minutes") {
    watched test;
    test.pool.join();
    for (int i = 0; i != 5; ++i) test.happens("external_access_attempt", "192.0.2.1");
    CHECK(test.alerts.size() == 1);
    test.happens("external_access_attempt", "192.0.2.2");
    test.happens("foreign_host", "192.0.2.1");
    CHECK(test.alerts.size() == 3);
    test.now += 5min;
    test.happens("external_access_attempt", "192.0.2.1");
    CHECK(test.alerts.size() == 4);
}

TEST_CASE("a wrong token alone is no alert, stuffing is") {
    watched test;
    test.pool.join();
    test.happens("invalid_token");
    CHECK(test.alerts.empty());
    test.happens("credential_stuffing");
    CHECK(test.alerts.size() == 1);
}

TEST_CASE("events that nobody handles are bounded and counted") {
    watched test;
    test.pool.stop();
    test.pool.join();
    for (std::size_t i = 0; i != incident_monitor::max_waiting + 3; ++i) {
        security_event one;
        one.name = "invalid_token";
        test.monitor.note(std::move(one));
    }
    CHECK(test.monitor.dropped() == 3);
}
