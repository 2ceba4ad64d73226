#include "mcp_provider/audit/record.hpp"
#include "mcp_provider/audit/verify.hpp"
#include "mcp_provider/json/parse.hpp"
#include "scratch_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

audit::chain_key key_of(std::uint8_t first) {
    audit::chain_key key{};
    key[0] = first;
    return key;
}

/// The lines of a log of so many records, each with its line feed.
std::vector<std::string> log_of(std::size_t records, audit::hash_chain& chain) {
    std::vector<std::string> lines;
    for (std::size_t i = 0; i != records; ++i) {
        audit::record one;
        std::string const request = "req_" + std::to_string(i);
        one.request_id = request;
        one.endpoint = "/api/chat";
        one.status_code = static_cast<std::uint16_t>(200 + i % 300);
        std::string members;
        audit::append_members(members, one);
        chain.append(lines.emplace_back(), members);
    }
    return lines;
}

std::string joined(std::vector<std::string> const& lines) {
    std::string text;
    for (std::string const& line : lines) text += line;
    return text;
}

void feed(audit::chain_checker& checker, std::string_view text, std::string name) {
    checker.begin_file(std::move(name));
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;
         text.remove_prefix(end + 1))
        checker.check(text.substr(0, end));
    if (!text.empty()) checker.end_torn(text.size());
}

audit::verification check(std::string_view text, std::optional<audit::anchor> const& expected = {},
                          std::uint8_t key = 1) {
    audit::chain_checker checker{key_of(key), expected};
    feed(checker, text, "log");
    return checker.finish();
}

struct fixture {
    audit::hash_chain chain{key_of(1)};
    std::vector<std::string> lines = log_of(20, chain);
    audit::anchor head = chain.head();

    [[nodiscard]] audit::finding only_finding() const {
        audit::verification const found = check(joined(lines), head);
        REQUIRE_MESSAGE(found.finding_count == 1, audit::describe(found));
        return found.findings.front();
    }
    void edit(std::size_t line) { lines[line].replace(lines[line].find("/api/chat"), 4, "/iap"); }
};

} // namespace

TEST_CASE("verify finds nothing wrong with an untouched log, wherever it is cut into files") {
    audit::hash_chain chain{key_of(1)};
    auto const lines = log_of(700, chain);
    auto const whole = check(joined(lines), chain.head());
    CHECK(whole.ok());
    CHECK(whole.notes.empty());
    CHECK(whole.records == 700);
    CHECK(whole.first_seq == 1);
    CHECK(whole.head == chain.head());

    for (std::size_t cut = 0; cut <= lines.size(); cut += 7) {
        audit::chain_checker checker{key_of(1), chain.head()};
        feed(checker, joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(cut)}),
             "old");
        feed(checker, joined({lines.begin() + static_cast<std::ptrdiff_t>(cut), lines.end()}),
             "new");
        CHECK(checker.finish().ok());
    }
    CHECK(check("").ok());
}

TEST_CASE("verify names an edited record") {
    fixture log;
    log.edit(7);
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::altered);
    CHECK(found.line == 8);
    CHECK(found.seq == 8);
    CHECK(found.text ==
          "log:8: record 8 has a wrong mac: it was changed after it was written, or forged");
}

TEST_CASE("verify names deleted records") {
    fixture log;
    log.lines.erase(log.lines.begin() + 4, log.lines.begin() + 7);
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::missing);
    CHECK(found.line == 5);
    CHECK(found.seq == 5);
    CHECK(found.last_seq == 7);
    CHECK(found.text == "log:5: records 5 to 7 missing before this line");
}

TEST_CASE("verify finds that the beginning of a file was cut off") {
    fixture log;
    log.lines.erase(log.lines.begin(), log.lines.begin() + 2);
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::missing);
    CHECK(found.seq == 1);
    CHECK(found.last_seq == 2);
}

TEST_CASE("verify names a record that was moved, and the gap that it left") {
    fixture log;
    std::swap(log.lines[4], log.lines[5]);
    auto const found = check(joined(log.lines), log.head);
    REQUIRE(found.finding_count == 2);
    CHECK(found.findings[0].kind == audit::flaw::missing);
    CHECK(found.findings[0].seq == 5);
    CHECK(found.findings[0].last_seq == 5);
    CHECK(found.findings[1].kind == audit::flaw::out_of_order);
    CHECK(found.findings[1].seq == 5);
}

TEST_CASE("verify names a record that stands there twice") {
    fixture log;
    log.lines.insert(log.lines.begin() + 9, log.lines[8]);
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::out_of_order);
    CHECK(found.line == 10);
    CHECK(found.text.ends_with("stands here a second time"));
}

TEST_CASE("verify names lines that are no records") {
    for (std::string_view line : {"\n", "hello\n", "{\"seq\":9}\n"}) {
        fixture log;
        log.lines.insert(log.lines.begin() + 9, std::string{line});
        auto const found = log.only_finding();
        CHECK(found.kind == audit::flaw::foreign);
        CHECK(found.line == 10);
    }
}

TEST_CASE("verify finds records cut off at the end with an anchor, and cannot without one") {
    fixture log;
    log.lines.resize(15);
    CHECK(check(joined(log.lines)).ok());
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::truncated);
    CHECK(found.seq == 20);
}

TEST_CASE("verify finds an end within a line") {
    fixture log;
    log.lines.back().pop_back();
    auto const found = check(joined(log.lines));
    REQUIRE(found.finding_count == 1);
    CHECK(found.findings[0].kind == audit::flaw::torn);
    CHECK(found.findings[0].line == 20);
}

TEST_CASE("verify finds that the tail was rewritten by who has not the key") {
    fixture log;
    audit::hash_chain forger{key_of(2), audit::anchor{19, log.head.mac}};
    log.lines.back() = log_of(1, forger).front();
    CHECK(check(joined(log.lines)).findings.at(0).kind == audit::flaw::altered);
}

TEST_CASE("verify finds that a log was set back and went on another way") {
    audit::hash_chain chain{key_of(1)};
    auto lines = log_of(10, chain);
    audit::hash_chain other{key_of(1), audit::anchor{9, {}}};
    lines.back() = log_of(1, other).front();
    auto const found = check(joined(lines));
    REQUIRE(found.finding_count == 1);
    CHECK(found.findings[0].kind == audit::flaw::forked);
    CHECK(found.findings[0].seq == 10);
}

TEST_CASE("verify finds that a chain begins anew") {
    fixture log;
    audit::hash_chain second{key_of(1)};
    for (std::string& line : log_of(5, second)) log.lines.push_back(std::move(line));
    auto const found = log.only_finding();
    CHECK(found.kind == audit::flaw::restarted);
    CHECK(found.line == 21);
}

TEST_CASE("verify says that the key is wrong where no record is sound") {
    fixture log;
    auto const found = check(joined(log.lines), {}, 2);
    CHECK(found.findings.front().kind == audit::flaw::wrong_key);
    CHECK(found.finding_count == 21);
    CHECK(found.records == 0);
}

TEST_CASE("verify holds a line that a later record declares torn for no finding") {
    fixture log;
    std::string const remains = "{\"v\":1,\"seq\":21,\"timest";
    log.lines.push_back(remains + "\n");
    log.chain.append(log.lines.emplace_back(), "\"x\":1", crypto::sha256(remains));
    auto const found = check(joined(log.lines), log.chain.head());
    CHECK(found.ok());
    REQUIRE(found.notes.size() == 1);
    CHECK(found.notes[0].starts_with("log:21: "));

    log.lines[20].insert(3, "x");
    CHECK(!check(joined(log.lines), log.chain.head()).ok());
}

TEST_CASE("verify notes a torn end of a file only where the chain goes on in the next") {
    fixture log;
    auto const two_files = [&](std::size_t skipped) {
        audit::chain_checker checker{key_of(1)};
        feed(checker,
             joined({log.lines.begin(), log.lines.begin() + 10}) + log.lines[10].substr(0, 50),
             "old");
        feed(checker,
             joined(
                 {log.lines.begin() + 10 + static_cast<std::ptrdiff_t>(skipped), log.lines.end()}),
             "new");
        return checker.finish();
    };
    CHECK(two_files(0).ok());
    CHECK(two_files(0).notes.size() == 1);
    CHECK(two_files(1).findings.at(0).kind == audit::flaw::torn);
    CHECK(two_files(1).findings.at(0).file == "old");
}

TEST_CASE("verify keeps a hundred findings and counts all") {
    fixture log;
    auto const found = check(joined(log.lines) + std::string(1'000, '\n'));
    CHECK(found.finding_count == 1'000);
    CHECK(found.findings.size() == audit::chain_checker::max_findings);
    CHECK(audit::describe(found).find("… and 900 more") != std::string::npos);
}

TEST_CASE("verify is not kept busy by forged lines that claim to be far apart") {
    fixture log;
    for (int i = 0; i != 200; ++i) {
        std::string forged = log.lines[3];
        forged.replace(forged.find("\"seq\":4"), 7,
                       i % 2 == 0 ? "\"seq\":25600000000" : "\"seq\":90000");
        log.lines.push_back(forged);
    }
    // A hundred times a hundred million keys to walk, if it believed them.
    CHECK(check(joined(log.lines)).finding_count == 200);
}

TEST_CASE(
    "verify finds each of 10,000 random edits, deletions, swaps, insertions and truncations") {
    audit::hash_chain chain{key_of(1)};
    auto const lines = log_of(300, chain); // beyond the first change of the key
    audit::hash_chain stranger{key_of(2)};
    auto const forged = log_of(300, stranger);
    std::string const original = joined(lines);
    REQUIRE(check(original, chain.head()).ok());

    std::mt19937 random{20260701};
    auto const below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    std::vector<std::size_t> missed;
    for (std::size_t round = 0; round != 10'000; ++round) {
        // A window of the log, so that a round costs little; its true end is the anchor.
        std::size_t const count = 2 + below(18);
        std::size_t const from = round % 4 == 0 ? 250 : 0;
        std::vector<std::string> window{lines.begin(),
                                        lines.begin() + static_cast<std::ptrdiff_t>(from + count)};
        audit::anchor const head{
            from + count,
            audit::take_apart(std::string_view{window.back()}.substr(0, window.back().size() - 1))
                ->mac};
        std::string text = joined(window);
        auto const line = [&] { return from + below(count); };
        switch (round % 6) {
        case 0: { // edit a byte, line feeds included
            std::size_t const at = below(text.size());
            char const old = text[at];
            while (text[at] == old) text[at] = static_cast<char>(random());
            break;
        }
        case 1: { // delete lines
            std::size_t const at = line();
            std::size_t const size = 1 + below(std::min<std::size_t>(3, window.size() - at));
            window.erase(window.begin() + static_cast<std::ptrdiff_t>(at),
                         window.begin() + static_cast<std::ptrdiff_t>(at + size));
            text = joined(window);
            break;
        }
        case 2: { // swap two lines
            std::size_t const a = line();
            std::size_t b = line();
            while (b == a) b = line();
            std::swap(window[a], window[b]);
            text = joined(window);
            break;
        }
        case 3: { // insert a copy, a forged record, or rubbish
            std::string const inserted = below(3) == 0   ? lines[line()]
                                         : below(2) == 0 ? forged[line()]
                                                         : std::string(below(40), 'x') + "\n";
            window.insert(window.begin() + static_cast<std::ptrdiff_t>(below(window.size() + 1)),
                          inserted);
            text = joined(window);
            break;
        }
        case 4: // cut off lines or bytes at the end
            text.resize(below(text.size()));
            break;
        default: { // insert or delete a byte
            std::size_t const at = below(text.size());
            if (below(2) == 0)
                text.erase(at, 1);
            else
                text.insert(at, 1, static_cast<char>(random()));
            break;
        }
        }
        if (check(text, head).ok() &&
            text !=
                joined({lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(from + count)}))
            missed.push_back(round);
    }
    CHECK(missed == std::vector<std::size_t>{});
}

TEST_CASE("verify reads files in the order of their records, and says which it cannot read") {
    scratch_folder const folder;
    audit::hash_chain chain{key_of(1)};
    auto const lines = log_of(3'000, chain);
    folder.write("audit.jsonl.1", joined({lines.begin(), lines.begin() + 1'000}));
    folder.write("audit.jsonl", joined({lines.begin() + 1'000, lines.end()}));

    auto const found =
        audit::verify(key_of(1), {folder / "audit.jsonl", folder / "audit.jsonl.1"}, chain.head());
    CHECK_MESSAGE(found.ok(), audit::describe(found));
    CHECK(found.records == 3'000);
    CHECK(found.bytes == joined(lines).size());

    auto const unreadable = audit::verify(key_of(1), {folder / "absent", folder.path()});
    CHECK(unreadable.finding_count == 2);
    CHECK(unreadable.findings[0].kind == audit::flaw::unreadable);
    CHECK(audit::verify(key_of(1), {folder / "audit.jsonl"}).findings.at(0).kind ==
          audit::flaw::missing);
}

TEST_CASE("verify survives lines without an end, and files that are compressed") {
    scratch_folder const folder;
    folder.write("endless", std::string(9 * 1024 * 1024, 'x'));
    auto const endless = audit::verify(key_of(1), {folder / "endless"});
    CHECK(endless.findings.at(0).kind == audit::flaw::foreign);
    CHECK(endless.bytes >= 9 * 1024 * 1024);

    folder.write("packed.gz", "\x1f\x8b\x08 something\n");
    CHECK(audit::verify(key_of(1), {folder / "packed.gz"}).findings.at(0).text.find("decompress") !=
          std::string::npos);
}

TEST_CASE("describe and to_json tell the same to people and to programs") {
    fixture log;
    auto const good = check(joined(log.lines));
    std::string const head = crypto::hex_encode(crypto::as_text(log.head.mac));
    CHECK(audit::describe(good) == "ok: 20 sound records, 1 to 20, head " + head + "\n");

    log.edit(2);
    auto const bad = check(joined(log.lines));
    CHECK(audit::describe(bad).find("NOT ok: 1 findings") != std::string::npos);
    auto const parsed = json::parse(audit::to_json(bad));
    REQUIRE(parsed);
    CHECK(parsed->at("ok") == false);
    CHECK(parsed->at("head").at("mac").as_string() == head);
    CHECK(parsed->at("findings").at(0).at("kind").as_string() == "altered");
    CHECK(parsed->at("findings").at(0).at("seq") == 3);
    CHECK(json::parse(audit::to_json(good)));
}
