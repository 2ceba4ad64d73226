#include "config/temporary_directory.hpp"
#include "incident/playbook.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/core/principal.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;
namespace bj = boost::json;

principal somebody(std::string id) {
    auto who = std::make_shared<identity>();
    who->id = std::move(id);
    return principal{who};
}

/// An installation with two sessions.
struct installation {
    explicit installation(levers with = {})
        : book{blocks, sessions, keeper, records, std::move(with)} {
        REQUIRE(sessions.admit(somebody("key_1")));
        REQUIRE(sessions.admit(somebody("uid:1")));
    }

    result<bj::object> run(std::string_view action, bj::object const& arguments = {}) {
        return book.run(action, arguments, "key_admin");
    }
    std::string id_of(std::string_view who) const {
        for (session_record const& one : sessions.list())
            if (one.principal_id == who) return one.id;
        return {};
    }
    saved_state saved() const { return read_state_file(folder.path() / "state.json"); }

    temporary_directory folder;
    block_table blocks;
    session_store<> sessions;
    audit::memory_sink records;
    state_keeper keeper{folder.path() / "state.json", blocks, sessions};
    playbook book;
};

std::string problem(result<bj::object> const& outcome) {
    if (outcome) return "done";
    return std::to_string(outcome.error().status()) + ' ' + outcome.error().message();
}

} // namespace

TEST_CASE("a session is suspended, revoked and reset by its id, and the state is on disk at once") {
    installation here;
    std::string const id = here.id_of("key_1");

    CHECK(here.run("sessions/suspend", {{"id", id}, {"seconds", 60}})->at("suspended") == 1);
    CHECK(here.sessions.admit(somebody("key_1")).error().reason() == "session_suspended");
    CHECK(here.saved().sessions.size() == 2);
    CHECK(here.run("sessions/reset", {{"id", id}})->at("reset") == 1);
    CHECK(here.sessions.admit(somebody("key_1")));
    CHECK(here.run("sessions/revoke", {{"id", id}})->at("revoked") == 1);
    CHECK(here.sessions.admit(somebody("key_1")).error().reason() == "session_revoked");
    CHECK(here.sessions.admit(somebody("uid:1")));
    CHECK(here.run("sessions/revoke", {{"all", true}})->at("revoked") == 1);
    CHECK(here.sessions.admit(somebody("uid:1")).error().reason() == "session_revoked");
}

TEST_CASE("a dry run says what would be done, changes nothing, and is recorded as one") {
    installation here;
    (void)here.records.take();

    CHECK(here.run("sessions/revoke", {{"all", true}, {"dry_run", true}})->at("revoked") == 2);
    CHECK(here.run("blocks/add", {{"who", "uid:7"}, {"dry_run", true}})->at("blocked") == "uid:7");
    CHECK(here.run("breach", {{"dry_run", true}})->at("revoked") == 2);

    CHECK(here.sessions.admit(somebody("key_1")));
    CHECK(here.run("blocks/list")->at("blocks").as_array().empty());
    CHECK(here.saved().sessions.empty()); // nothing was written
    auto const lines = here.records.take();
    REQUIRE(lines.size() == 3); // listing is not recorded
    CHECK(lines[0].find(R"("cause":"dry_run")") != std::string::npos);
    CHECK(lines[0].find(R"("principal_id":"key_admin")") != std::string::npos);
    CHECK(lines[0].find("admin_action") != std::string::npos);
}

TEST_CASE("a block is made, listed and ended, and its record tells who did it and to whom") {
    installation here;
    CHECK(here.run("blocks/add", {{"who", "key_9"}, {"seconds", 60}})->at("seconds") == 60);
    auto const listed = here.run("blocks/list")->at("blocks").as_array();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].at("who") == "key_9");
    CHECK(listed[0].at("reason") == "operator");
    CHECK(here.records.lines().front().find("key_9") != std::string::npos);
    CHECK(here.run("blocks/remove", {{"who", "key_9"}}));
    CHECK(problem(here.run("blocks/remove", {{"who", "key_9"}})) == "404 key_9 is not blocked");
}

TEST_CASE("a block names an address, a user or a key, and not the whole of loopback") {
    for (std::string_view const good :
         {"192.0.2.1", "2001:db8::1", "uid:0", "uid:4294967295", "key_0a"})
        CHECK(complaint_about_caller(good, false).empty());
    for (std::string_view const bad : {"", "uid:", "uid:-1", "uid:4294967296", "uid:1x", "key_",
                                       "somebody", "192.0.2.256", "127.0.0.1", "127.9.9.9", "::1"})
        CHECK(!complaint_about_caller(bad, false).empty());
    CHECK(complaint_about_caller("127.0.0.1", true).empty());
}

TEST_CASE("wrong arguments are refused with their place") {
    installation here;
    CHECK(problem(here.run("sessions/revoke")) ==
          "400 /id must name a session, or `all` must be true, and not both");
    CHECK(problem(here.run("sessions/revoke", {{"id", "x"}, {"all", true}})) ==
          "400 /id must name a session, or `all` must be true, and not both");
    CHECK(problem(here.run("sessions/revoke", {{"id", "x"}})) == "404 there is no session x");
    CHECK(problem(here.run("sessions/suspend", {{"id", "x"}, {"seconds", 0}}))
              .starts_with("400 /seconds must be a whole number from 1 to"));
    CHECK(problem(here.run("blocks/add", {{"who", "key_1"}, {"for", 5}})) ==
          "400 /for is a member that this version does not know");
    CHECK(problem(here.run("none")) == "404 there is no action none");
    CHECK(problem(here.run("reload")) == "409 this server has no configuration to read again");
}

TEST_CASE("a breach revokes everything, raises the log level for an hour, and tells somebody") {
    log_level level = log_level::info;
    std::chrono::seconds length{0};
    std::string told;
    levers with;
    with.raise_log_level = [&](log_level to, std::chrono::seconds time) {
        level = to;
        length = time;
    };
    with.notify = [&](std::string_view severity, std::string_view) {
        told = severity;
        return true;
    };
    installation here{std::move(with)};

    auto const done = here.run("breach");

    REQUIRE(done);
    CHECK(done->at("revoked") == 2);
    CHECK(level == log_level::debug);
    CHECK(length == 1h);
    CHECK(told == "critical");
}
