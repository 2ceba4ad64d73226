#include "mcp_provider/audit/chain_files.hpp"
#include "scratch_folder.hpp"

#include <sys/stat.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

unsigned mode_of(std::string const& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

} // namespace

TEST_CASE(
    "read_or_make_key makes a key that only its owner can read, and gives the same ever after") {
    scratch_folder const folder;
    std::string const path = folder / "audit.key";
    audit::chain_key const made = audit::read_or_make_key(path);
    CHECK(mode_of(path) == 0600);
    CHECK(audit::read_or_make_key(path) == made);
    CHECK(audit::read_key(path) == made);
    CHECK(made != audit::read_or_make_key(folder / "other.key"));
    CHECK(folder.lines("audit.key").size() == 1);
}

TEST_CASE("read_key refuses a key that other users can read") {
    scratch_folder const folder;
    std::string const path = folder / "audit.key";
    (void)audit::read_or_make_key(path);
    for (mode_t const mode : {0640U, 0604U, 0660U}) {
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        CHECK_THROWS_AS((void)audit::read_key(path), std::runtime_error);
    }
}

TEST_CASE("read_key refuses what is damaged or not there, and never replaces it") {
    scratch_folder const folder;
    CHECK_THROWS_AS((void)audit::read_key(folder / "absent"), std::system_error);
    for (std::string const& text :
         {std::string{}, std::string{"mcp-local-provider-audit-key-v1:00\n"}, std::string(200, 'x'),
          "mcp-local-provider-audit-key-v2:" + std::string(64, '0') + "\n"}) {
        folder.write("damaged", text);
        REQUIRE(::chmod((folder / "damaged").c_str(), 0600) == 0);
        CHECK_THROWS_AS((void)audit::read_or_make_key(folder / "damaged"), std::runtime_error);
        CHECK(folder.read("damaged") == text);
    }
    CHECK_THROWS_AS((void)audit::read_or_make_key(folder / "no/such/folder"), std::system_error);
}

TEST_CASE("head_file gives back what was stored last") {
    scratch_folder const folder;
    std::string const path = folder / "audit.head";
    CHECK(!audit::head_file::read(path));
    audit::head_file file{path};
    CHECK(!audit::head_file::read(path));
    for (std::uint64_t const seq : {std::uint64_t{12'345}, std::uint64_t{7}, audit::max_seq}) {
        audit::anchor const head{seq, crypto::sha256(std::to_string(seq))};
        CHECK(file.store(head));
        CHECK(audit::head_file::read(path) == head);
    }
    CHECK(mode_of(path) == 0600);
}

TEST_CASE("head_file holds what is damaged for absent") {
    scratch_folder const folder;
    std::string const sound = "00000000000000000007 " + std::string(64, 'a') + "\n";
    folder.write("head", sound);
    CHECK(audit::head_file::read(folder / "head"));
    for (std::string const& text :
         {std::string{"x"}, sound.substr(0, 60), "0000000000000000000x" + sound.substr(20),
          "00000000000000000000" + sound.substr(20), "99999999999999999999" + sound.substr(20),
          sound.substr(0, 21) + std::string(64, 'g') + "\n"}) {
        folder.write("head", text);
        CHECK_MESSAGE(!audit::head_file::read(folder / "head"), text);
    }
}

TEST_CASE("read_tail finds the last sound record before torn remains and foreign lines") {
    scratch_folder const folder;
    audit::chain_key const key = crypto::sha256("key");
    audit::hash_chain chain{key};
    std::string text;
    for (int i = 0; i != 400; ++i) chain.append(text, "\"x\":1");

    CHECK(audit::read_tail(folder / "log", key).empty);
    folder.write("log", "");
    CHECK(audit::read_tail(folder / "log", key).empty);

    folder.write("log", text);
    audit::log_tail const whole = audit::read_tail(folder / "log", key);
    CHECK(!whole.empty);
    CHECK(whole.last == chain.head());
    CHECK(!whole.torn);

    folder.append("log", "rubbish\n{\"v\":1,\"se");
    audit::log_tail const torn = audit::read_tail(folder / "log", key);
    CHECK(torn.last == chain.head());
    CHECK(torn.torn == crypto::sha256("{\"v\":1,\"se"));

    audit::log_tail const of_another =
        audit::read_tail(folder / "log", crypto::sha256("another key"));
    CHECK(!of_another.empty);
    CHECK(!of_another.last);
}
