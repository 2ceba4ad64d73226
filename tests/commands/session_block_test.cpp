#include "incident/control_file.hpp"
#include "incident/state_keeper.hpp"
#include "mcp_provider/audit/verify.hpp"
#include "mcp_provider/json/parse.hpp"
#include "stage.hpp"

#include <memory>
#include <string>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;

/// A stage on which a server has run, with one session of uid:1.
struct afterwards : stage {
    afterwards() {
        std::filesystem::create_directories(state());
        block_table blocks;
        session_store<> sessions;
        auto who = std::make_shared<identity>();
        who->id = "uid:1";
        REQUIRE(sessions.admit(principal{who}));
        id = sessions.list().front().id;
        state_keeper keeper{state() / "state.json", blocks, sessions};
        REQUIRE(!keeper.save());
    }
    std::string id;
};

} // namespace

TEST_CASE("without a server a block is made, listed and removed in the state file") {
    stage test;
    CHECK(test.run({"block", "list"}).out == "nobody is blocked\n");
    outcome const added = test.run({"block", "add", "uid:7", "--for", "2h"});
    CHECK(added.code == 0);
    CHECK(added.err == "blocked uid:7 for 2h\n");
    outcome const listed = test.run({"block", "list", "--json"});
    CHECK(listed.code == 0);
    auto const told = json::parse(listed.out);
    REQUIRE(told);
    CHECK(told->at("blocks").as_array().front().at("who") == "uid:7");
    CHECK(test.run({"block", "remove", "uid:7"}).code == 0);
    CHECK(test.run({"block", "remove", "uid:7"}).code == 1);
    CHECK(test.run({"audit", "tail"}).out.find("blocks/remove") != std::string::npos);
}

TEST_CASE("what only tells leaves no record") {
    stage test;
    CHECK(test.run({"block", "list"}).code == 0);
    CHECK(test.run({"session", "list"}).code == 0);
    CHECK(!std::filesystem::exists(test.state() / "audit.jsonl"));
}

TEST_CASE("without a server sessions are listed, suspended, reset and revoked in the state file") {
    afterwards test;
    CHECK(test.run({"session", "list"}).out.find("uid:1") != std::string::npos);
    CHECK(test.run({"session", "suspend", test.id}).err == "suspended " + test.id + " for 15m\n");
    CHECK(test.run({"session", "list"}).out.find("suspended") != std::string::npos);
    CHECK(test.run({"session", "reset", "--all"}).err == "reset 1 sessions\n");
    CHECK(test.run({"session", "revoke", test.id, "--dry-run"}).err ==
          "would have revoked 1 sessions\n");
    CHECK(test.run({"session", "list"}).out.find("active") != std::string::npos);
    CHECK(test.run({"session", "revoke", test.id}).code == 0);
    CHECK(test.run({"session", "list"}).out.find("revoked") != std::string::npos);
}

TEST_CASE("wrong use of sessions and blocks is told, with exit code 2") {
    stage test;
    CHECK(test.run({"session", "revoke"}).code == 2);
    CHECK(test.run({"session", "revoke", "x", "--all"}).code == 2);
    CHECK(test.run({"session", "suspend", "x", "--for", "soon"}).code == 2);
    CHECK(test.run({"block", "add", "127.0.0.1"}).code == 2);
    CHECK(test.run({"block", "add", "nobody"}).code == 2);
    CHECK(test.run({"block", "add"}).code == 2);
    CHECK(test.run({"session", "revoke", "unknown"}).code == 1);
}

TEST_CASE("what needs a running server says that there is none") {
    stage test;
    outcome const told = test.run({"incident", "breach"});
    CHECK(told.code == 1);
    CHECK(told.err.find("no server runs") != std::string::npos);
}

TEST_CASE("a command does not touch the state of a server that runs and does not answer") {
    afterwards test;
    control_file const running{test.state(), run_mode::serve};
    outcome const told = test.run({"session", "revoke", "--all"});
    CHECK(told.code == 1);
    CHECK(told.err.find("does not answer") != std::string::npos);
}

TEST_CASE("a damaged state file is told, and left as it is") {
    afterwards test;
    auto const file = test.state() / "state.json";
    std::filesystem::resize_file(file, 10);
    outcome const told = test.run({"block", "add", "uid:7"});
    CHECK(told.code == 78);
    CHECK(told.err.find("move it away") != std::string::npos);
    CHECK(std::filesystem::file_size(file) == 10);
}
