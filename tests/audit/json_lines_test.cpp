#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/audit/verify.hpp"
#include "mcp_provider/json/parse.hpp"
#include "scratch_folder.hpp"

#include <boost/json/serialize.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

namespace {

audit::json_lines_options options_in(scratch_folder const& folder) {
    audit::json_lines_options options;
    options.log_file = folder / "audit.jsonl";
    options.key_file = folder / "audit.key";
    options.head_file = folder / "audit.head";
    options.first_retry = 1ms;
    options.last_retry = 5ms;
    return options;
}

bool write(audit::sink& log, std::string_view request_id) {
    audit::record one;
    one.timestamp = std::chrono::system_clock::now();
    one.request_id = request_id;
    one.endpoint = "/v1/chat/completions";
    one.method = "POST";
    one.status_code = 200;
    return log.try_write(one);
}

audit::verification verified(scratch_folder const& folder, std::vector<std::string> names) {
    std::vector<std::string> files;
    for (std::string const& name : names) files.push_back(folder / name);
    return audit::verify(audit::read_key(folder / "audit.key"), files,
                         audit::head_file::read(folder / "audit.head"));
}

boost::json::value parsed(std::string const& line) {
    auto value = json::parse(line);
    REQUIRE_MESSAGE(value, line);
    return *std::move(value);
}

std::string flags_of(std::string const& line) {
    return boost::json::serialize(parsed(line).at("security_flags"));
}

/// The request ids in these files, those of the log's own records left out.
std::vector<std::string> ids_in(scratch_folder const& folder,
                                std::vector<std::string> const& names) {
    std::vector<std::string> ids;
    for (std::string const& name : names)
        for (std::string const& line : folder.lines(name))
            if (std::string id{parsed(line).at("request_id").as_string()}; !id.empty())
                ids.push_back(std::move(id));
    return ids;
}

} // namespace

TEST_CASE("json_lines writes a chain that begins with its own record and verifies") {
    scratch_folder const folder;
    {
        audit::json_lines log{options_in(folder)};
        CHECK(write(log, "req_1"));
        CHECK(write(log, "req_2"));
        REQUIRE(log.flush(5s));
        CHECK(log.state().written == 3);
        CHECK(log.state().head.seq == 3);
        CHECK(log.state().healthy);
    }
    auto const lines = folder.lines("audit.jsonl");
    REQUIRE(lines.size() == 3);
    CHECK(parsed(lines[0]).at("event_type") == "SECURITY");
    CHECK(flags_of(lines[0]) == R"(["chain_start"])");
    CHECK(parsed(lines[2]).at("seq") == 3);
    CHECK(parsed(lines[2]).at("prev") == parsed(lines[1]).at("mac"));
    CHECK(verified(folder, {"audit.jsonl"}).ok());

    struct stat status {};
    REQUIRE(::stat((folder / "audit.jsonl").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777U) == 0600);
}

TEST_CASE("json_lines has everything in the file when it ends") {
    scratch_folder const folder;
    {
        audit::json_lines log{options_in(folder)};
        for (int i = 0; i != 2'000; ++i) REQUIRE(write(log, "req_" + std::to_string(i)));
    }
    CHECK(ids_in(folder, {"audit.jsonl"}).size() == 2'000);
    CHECK(verified(folder, {"audit.jsonl"}).ok());
}

TEST_CASE("json_lines goes on with the chain after a restart") {
    scratch_folder const folder;
    for (int start = 0; start != 4; ++start) {
        audit::json_lines log{options_in(folder)};
        for (int i = 0; i != 100; ++i) REQUIRE(write(log, "req"));
    }
    auto const found = verified(folder, {"audit.jsonl"});
    CHECK_MESSAGE(found.ok(), audit::describe(found));
    CHECK(found.head.seq == 404);
    CHECK(flags_of(folder.lines("audit.jsonl")[101]) == R"(["chain_resumed"])");
}

TEST_CASE("json_lines goes on with the chain where the log was rotated while nothing ran") {
    scratch_folder const folder;
    { audit::json_lines log{options_in(folder)}; }
    REQUIRE(std::rename((folder / "audit.jsonl").c_str(), (folder / "audit.jsonl.1").c_str()) == 0);
    { audit::json_lines log{options_in(folder)}; }
    auto const lines = folder.lines("audit.jsonl");
    REQUIRE(lines.size() == 1);
    CHECK(flags_of(lines[0]) == R"(["chain_resumed","new_file"])");
    CHECK(verified(folder, {"audit.jsonl", "audit.jsonl.1"}).ok());
    CHECK(verified(folder, {"audit.jsonl"}).ok());
}

TEST_CASE(
    "json_lines says after a restart that its log was cut off, and leaves the gap for verify") {
    scratch_folder const folder;
    {
        audit::json_lines log{options_in(folder)};
        for (int i = 0; i != 10; ++i) REQUIRE(write(log, "req"));
    }
    auto const lines = folder.lines("audit.jsonl");
    folder.write("audit.jsonl", lines[0] + "\n" + lines[1] + "\n");
    CHECK(verified(folder, {"audit.jsonl"}).findings.at(0).kind == audit::flaw::truncated);
    { audit::json_lines log{options_in(folder)}; }
    CHECK(flags_of(folder.lines("audit.jsonl")[2]) == R"(["chain_resumed","log_truncated"])");
    auto const found = verified(folder, {"audit.jsonl"});
    REQUIRE(found.finding_count == 1);
    CHECK(found.findings[0].kind == audit::flaw::missing);
    CHECK(found.findings[0].seq == 3);
    CHECK(found.findings[0].last_seq == 11);
}

TEST_CASE("json_lines sets a torn last line apart, names it, and goes on") {
    scratch_folder const folder;
    { audit::json_lines log{options_in(folder)}; }
    folder.append("audit.jsonl", "{\"v\":1,\"seq\":2,\"timest");
    CHECK(verified(folder, {"audit.jsonl"}).findings.at(0).kind == audit::flaw::torn);
    {
        audit::json_lines log{options_in(folder)};
        CHECK(write(log, "req_after"));
    }
    auto const lines = folder.lines("audit.jsonl");
    REQUIRE(lines.size() == 4);
    CHECK(flags_of(lines[2]) == R"(["chain_resumed","torn_line"])");
    auto const found = verified(folder, {"audit.jsonl"});
    CHECK_MESSAGE(found.ok(), audit::describe(found));
    CHECK(found.notes.size() == 1);
    CHECK(found.head.seq == 3);
}

TEST_CASE("json_lines begins a new chain behind content that is not its own") {
    scratch_folder const folder;
    folder.write("audit.jsonl", "somebody else's line\n");
    { audit::json_lines log{options_in(folder)}; }
    auto const lines = folder.lines("audit.jsonl");
    REQUIRE(lines.size() == 2);
    CHECK(flags_of(lines[1]) == R"(["chain_start","foreign_content"])");
    CHECK(verified(folder, {"audit.jsonl"}).findings.at(0).kind == audit::flaw::foreign);
}

TEST_CASE("json_lines loses and doubles no line when it is reopened under load") {
    scratch_folder const folder;
    constexpr int producers = 3;
    constexpr int each = 20'000;
    std::vector<std::string> names;
    std::uint64_t refused = 0;
    {
        auto options = options_in(folder);
        options.queue_bytes = 16 * 1024 * 1024;
        audit::json_lines log{options};
        std::atomic<std::uint64_t> not_taken{0};
        std::atomic<int> running{producers};
        std::vector<std::thread> threads;
        for (int p = 0; p != producers; ++p)
            threads.emplace_back([&, p] {
                for (int i = 0; i != each; ++i)
                    if (!write(log, std::to_string(p) + "-" + std::to_string(i))) ++not_taken;
                --running;
            });
        while (running != 0 || names.size() < 3) {
            std::string const name = "audit.jsonl." + std::to_string(names.size());
            REQUIRE(std::rename((folder / "audit.jsonl").c_str(), (folder / name).c_str()) == 0);
            names.push_back(name);
            log.reopen();
            REQUIRE(log.flush(10s));
        }
        for (std::thread& one : threads) one.join();
        refused = not_taken;
    }
    names.push_back("audit.jsonl");
    auto const ids = ids_in(folder, names);
    CHECK(ids.size() == producers * each - refused);
    CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size());
    auto const found = verified(folder, names);
    CHECK_MESSAGE(found.ok(), audit::describe(found));
    CHECK(flags_of(folder.lines("audit.jsonl").at(0)) == R"(["chain_rotated"])");
}

TEST_CASE("json_lines goes on in the same file where SIGHUP comes without a rotation") {
    scratch_folder const folder;
    {
        audit::json_lines log{options_in(folder)};
        for (int i = 0; i != 3; ++i) {
            CHECK(write(log, "req"));
            log.reopen();
            REQUIRE(log.flush(5s));
        }
    }
    CHECK(folder.lines("audit.jsonl").size() == 4);
    CHECK(verified(folder, {"audit.jsonl"}).ok());
}

TEST_CASE("json_lines keeps the old file where the new one cannot be opened") {
    scratch_folder const folder;
    {
        auto options = options_in(folder);
        options.log_file = folder / "logs/audit.jsonl";
        REQUIRE(::mkdir((folder / "logs").c_str(), 0700) == 0);
        audit::json_lines log{options};
        REQUIRE(log.flush(5s));
        REQUIRE(std::rename((folder / "logs").c_str(), (folder / "moved").c_str()) == 0);
        log.reopen();
        REQUIRE(log.flush(5s));
        CHECK(log.state().last_error == std::errc::no_such_file_or_directory);
        CHECK(write(log, "req_after"));
    }
    CHECK(ids_in(folder, {"moved/audit.jsonl"}) == std::vector<std::string>{"req_after"});
    CHECK(verified(folder, {"moved/audit.jsonl"}).ok());
}

TEST_CASE("json_lines on a full disk takes what the queue holds, counts the rest, and has it on "
          "record when there is room") {
    scratch_folder const folder;
    REQUIRE(::symlink("/dev/full", (folder / "audit.jsonl").c_str()) == 0);
    auto options = options_in(folder);
    options.queue_bytes = 64 * 1024;
    std::uint64_t taken = 0;
    std::uint64_t lost = 0;
    {
        audit::json_lines log{options};
        CHECK(!log.flush(20ms));
        CHECK(!log.state().healthy);
        CHECK(log.state().last_error == std::errc::no_space_on_device);
        for (int i = 0; i != 1'000; ++i) (write(log, "req") ? taken : lost) += 1;
        CHECK(lost > 0);
        CHECK(log.state().dropped == lost);
        CHECK(log.state().written == 0);
        CHECK(log.accepting());

        REQUIRE(::unlink((folder / "audit.jsonl").c_str()) == 0);
        log.reopen();
        REQUIRE(log.flush(5s));
        CHECK(log.state().healthy);
        CHECK(write(log, "req_last"));
    }
    CHECK(ids_in(folder, {"audit.jsonl"}).size() == taken + 1);
    std::uint64_t on_record = 0;
    for (std::string const& line : folder.lines("audit.jsonl"))
        if (auto const value = parsed(line); value.as_object().contains("dropped")) {
            CHECK(flags_of(line) == R"(["records_dropped"])");
            on_record += value.at("dropped").to_number<std::uint64_t>();
        }
    CHECK(on_record == lost);
    CHECK(verified(folder, {"audit.jsonl"}).ok());
}

TEST_CASE("json_lines that must not lose records refuses new work while the disk is full or the "
          "queue half full") {
    scratch_folder const folder;
    REQUIRE(::symlink("/dev/full", (folder / "audit.jsonl").c_str()) == 0);
    auto options = options_in(folder);
    options.on_full = audit::when_full::fail_closed;
    audit::json_lines log{options};
    CHECK(!log.flush(20ms));
    CHECK(!log.accepting());
    REQUIRE(::unlink((folder / "audit.jsonl").c_str()) == 0);
    log.reopen();
    REQUIRE(log.flush(5s));
    CHECK(log.accepting());
    CHECK(log.state().dropped == 0);
}

TEST_CASE("json_lines refuses a log that another writer holds, and a key that others can read") {
    scratch_folder const folder;
    {
        audit::json_lines log{options_in(folder)};
        CHECK_THROWS_AS(audit::json_lines{options_in(folder)}, std::system_error);
    }
    REQUIRE(::chmod((folder / "audit.key").c_str(), 0644) == 0);
    CHECK_THROWS_AS(audit::json_lines{options_in(folder)}, std::runtime_error);
}

TEST_CASE("json_lines wakes for a single record after a rest") {
    scratch_folder const folder;
    audit::json_lines log{options_in(folder)};
    for (std::uint64_t i = 1; i != 6; ++i) {
        REQUIRE(log.flush(5s));
        auto const deadline = std::chrono::steady_clock::now() + 5s;
        CHECK(write(log, "req"));
        while (log.state().written != 1 + i && std::chrono::steady_clock::now() < deadline)
            std::this_thread::yield();
        CHECK(log.state().written == 1 + i);
    }
}
