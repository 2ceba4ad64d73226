#include "config/temporary_directory.hpp"
#include "incident/state_file.hpp"
#include "incident/state_keeper.hpp"
#include "mcp_provider/core/principal.hpp"

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
using namespace mcp_provider::server;
using namespace std::chrono_literals;

std::shared_ptr<identity const> anybody(std::string_view id) {
    auto who = std::make_shared<identity>();
    who->id = id;
    return who;
}

/// A state with one of everything.
saved_state full_state() {
    saved_state state;
    state.blocks.push_back({"uid:7", system_time{std::chrono::microseconds{1'800'000'000'000'001}},
                            block_reason::wrong_tokens});
    session_record one;
    one.id = "ses_1";
    one.principal_id = "key_1";
    one.is_explicit = true;
    one.state = session_state::suspended;
    one.created_at = system_time{1'799'999'999s};
    one.last_activity = one.created_at + 5us;
    one.suspended_until = one.created_at + 900s;
    one.request_count = 42;
    one.token_hashes.resize(2);
    one.token_hashes[1].fill(0xAB);
    state.sessions.push_back(one);
    return state;
}

std::string refusal(std::string_view text) {
    try {
        (void)read_state(text, "state.json");
        return "read";
    } catch (state_file_error const& failure) {
        return failure.what();
    }
}

void write(std::filesystem::path const& path, std::string_view text) {
    std::ofstream{path} << text;
    ::chmod(path.c_str(), 0600);
}

} // namespace

TEST_CASE("a state is read as it was written") {
    std::string const text = write_state(full_state());
    saved_state const again = read_state(text, "state.json");
    CHECK(write_state(again) == text);
    CHECK(again.sessions.front().token_hashes.size() == 2);
    CHECK(again.blocks.front().why == block_reason::wrong_tokens);
}

TEST_CASE("no part of a state file is taken for the whole: cut anywhere, it is refused") {
    std::string const text = write_state(full_state());
    for (std::size_t size = 0; size != text.size() - 1; ++size) // the last byte is a line feed
        REQUIRE(refusal(std::string_view{text}.substr(0, size)) != "read");
}

TEST_CASE("a state file of another version, or with what this one does not know, is refused") {
    CHECK(refusal(R"({"version":2,"blocks":[],"sessions":[]})").find("of a version") !=
          std::string::npos);
    CHECK(refusal(R"({"version":1,"blocks":[],"sessions":[],"more":1})").find("/more") !=
          std::string::npos);
    CHECK(refusal(R"({"version":1,"blocks":[]})").find("/sessions") != std::string::npos);
    CHECK(refusal(R"({"version":1,"sessions":[],"blocks":[{"who":"x","until_us":1,"reason":"?"}]})")
              .find("/blocks/0/reason") != std::string::npos);
    CHECK(refusal("{}").find("no version") != std::string::npos);
    CHECK(refusal(R"({"version":1,"blocks":[],"sessions":[]})") == "read");
}

TEST_CASE("a state file that others can read is refused, and one that is not there is empty") {
    temporary_directory const folder;
    auto const path = folder.path() / "state.json";
    CHECK(read_state_file(path).blocks.empty());
    write(path, write_state(full_state()));
    CHECK(read_state_file(path).blocks.size() == 1);
    ::chmod(path.c_str(), 0644);
    CHECK_THROWS_AS((void)read_state_file(path), state_file_error);
}

TEST_CASE("what was blocked, suspended and revoked is so after a restart") {
    temporary_directory const folder;
    auto const path = folder.path() / "state.json";
    {
        block_table blocks;
        session_store<> sessions;
        state_keeper keeper{path, blocks, sessions};
        keeper.load(anybody);
        blocks.block("uid:7", 1h, real_clock{}.steady());
        REQUIRE(sessions.admit(principal{anybody("key_1")}));
        REQUIRE(sessions.revoke(sessions.list().front().id));
        CHECK(!keeper.save_if_due());
    }
    block_table blocks;
    session_store<> sessions;
    state_keeper keeper{path, blocks, sessions};
    keeper.load(anybody);
    auto const left = blocks.blocked_for("uid:7", real_clock{}.steady());
    REQUIRE(left);
    CHECK(*left > 59min);
    CHECK(sessions.admit(principal{anybody("key_1")}).error().reason() == "session_revoked");
}

TEST_CASE("counts alone do not write the file every second, a block does at once") {
    temporary_directory const folder;
    auto const path = folder.path() / "state.json";
    block_table blocks;
    session_store<> sessions;
    state_keeper keeper{path, blocks, sessions};
    REQUIRE(sessions.admit(principal{anybody("key_1")}));
    REQUIRE(!keeper.save_if_due());
    auto const count_on_disk = [&] { return read_state_file(path).sessions.front().request_count; };
    CHECK(count_on_disk() == 1);

    REQUIRE(sessions.admit(principal{anybody("key_1")}));
    REQUIRE(!keeper.save_if_due());
    CHECK(count_on_disk() == 1);
    blocks.block("uid:7", 1h, real_clock{}.steady());
    REQUIRE(!keeper.save_if_due());
    CHECK(count_on_disk() == 2);
}
