// Golden exchanges: what goes in, what comes out, and the audit line that is left, byte by byte but for what differs
// each time. With MCP_PROVIDER_ACCEPT=1 the files are written anew, for the reviewer of the diff.
#include "server/program.hpp"

#include <poll.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

constexpr std::string_view divider = "\n--------\n";

struct golden {
    std::string request;
    std::string response;
    std::string audit;
};

golden read_golden(std::filesystem::path const& file) {
    std::ifstream in{file};
    std::string const all{std::istreambuf_iterator<char>{in}, {}};
    auto const first = all.find(divider);
    auto const second = all.find(divider, first + 1);
    if (first == std::string::npos) return {all, {}, {}};
    auto const answer = first + divider.size();
    auto const record = second + divider.size();
    return {all.substr(0, first), all.substr(answer, second - answer), all.substr(record)};
}

/// A request as it is written in a file becomes bytes: the head's lines end in CR LF, and PORT and LENGTH are filled in.
std::string to_bytes(std::string text, std::uint16_t port) {
    auto const blank = text.find("\n\n");
    std::string head = text.substr(0, blank);
    std::string const body = blank == std::string::npos ? std::string{} : text.substr(blank + 2);
    re2::RE2::GlobalReplace(&head, "\n", "\r\n");
    re2::RE2::GlobalReplace(&head, "PORT", std::to_string(port));
    re2::RE2::GlobalReplace(&head, "LENGTH", std::to_string(body.size()));
    return head + "\r\n\r\n" + body;
}

/// What differs each time is replaced, and CR made visible by leaving it out at the ends of lines.
std::string normalised(std::string text) {
    std::pair<char const*, char const*> const replacements[] = {
        {R"~(Date: [^\r]*)~", "Date: DATE"},
        {R"~(req_[0-9a-f]{22})~", "REQUEST_ID"},
        {R"~((chatcmpl|cmpl)-[0-9a-f]+)~", "\\1-ID"},
        {R"~(call_[0-9A-Za-z]+)~", "call_ID"},
        {R"~("created":[0-9]+)~", "\"created\":SECONDS"},
        {R"~([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z)~", "TIME"},
        {R"~((_duration)":[0-9]+)~", "\\1\":NANOSECONDS"},
        {R"~("(seq|processing_time_ms|local_uid|response_size_bytes|request_size_bytes)":[0-9]+)~",
         "\"\\1\":NUMBER"},
        {R"~("(prev|mac)":"[0-9a-f]{64}")~", "\"\\1\":\"HASH\""},
        {R"~("(principal_id|session_id)":"[^"]+")~", "\"\\1\":\"SOMEBODY\""},
        {R"~(Content-Length: [0-9]+)~", "Content-Length: SIZE"},
        {R"~((x-ratelimit-[a-z]+-requests): [0-9hms]+)~", "\\1: LEFT"},
        {R"~(127\.0\.0\.1:[0-9]+)~", "127.0.0.1:PORT"},
        {R"~((?m)^[0-9a-f]+\r\n)~", "CHUNK\r\n"},
        {"\r", ""},
    };
    for (auto const& [pattern, with] : replacements) re2::RE2::GlobalReplace(&text, pattern, with);
    return text;
}

std::string last_audit_line(std::filesystem::path const& log, std::size_t before) {
    for (int i = 0; i < 60; ++i) {
        auto const lines = lines_of(log);
        if (lines.size() > before) return lines.back();
        ::poll(nullptr, 0, 10);
    }
    return "none";
}

} // namespace

TEST_CASE("golden exchanges: request, response and audit record are as they were reviewed") {
    scratch const folder;
    running_server const server{{{"STATE_DIR", folder.path().string()}, {"LOG_LEVEL", "ERROR"}}};
    auto const log = folder.path() / "audit.jsonl";
    bool const accept = std::getenv("MCP_PROVIDER_ACCEPT") != nullptr;
    std::vector<std::filesystem::path> files;
    for (auto const& one : std::filesystem::directory_iterator{tests_path() / "exchanges"})
        if (one.path().extension() == ".txt") files.push_back(one.path());
    std::sort(files.begin(), files.end());
    REQUIRE(files.size() >= 20);

    for (auto const& file : files) {
        golden const wanted = read_golden(file);
        std::size_t const before = lines_of(log).size();
        std::string const response =
            normalised(exchange_bytes(server.port(), to_bytes(wanted.request, server.port())));
        std::string const audit =
            wanted.audit == "none\n" && !accept ? "none" : normalised(last_audit_line(log, before));
        if (accept) {
            std::ofstream{file} << wanted.request << divider << response << divider << audit
                                << '\n';
            continue;
        }
        CAPTURE(file.filename().string());
        CHECK(response == wanted.response);
        CHECK(audit + '\n' == wanted.audit);
        if (audit == "none") CHECK(lines_of(log).size() == before);
    }
}
