#include "commands/audit_tail.hpp"
#include "commands/stage.hpp"
#include "mcp_provider/audit/hash_chain.hpp"
#include "mcp_provider/audit/json_lines.hpp"
#include "mcp_provider/json/parse.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

namespace {

/// A state folder with an audit log of some records, as a server leaves it.
class audited_stage : public stage {
public:
    explicit audited_stage(int records) {
        REQUIRE(run({"serve"}).code == 0); // makes the folder and the key
        write(records);
    }

    void write(int records) {
        audit::json_lines_options options;
        options.log_file = log().string();
        options.key_file = (state() / "audit.key").string();
        options.head_file = started->audit_head_file().string();
        audit::json_lines sink{options};
        for (int i = 0; i < records; ++i) {
            audit::record one;
            one.timestamp = now;
            one.method = "POST";
            one.endpoint = "/api/chat";
            one.status_code = i % 2 == 0 ? 200 : 403;
            if (i % 2 == 1) one.security_flags.add("external_access_attempt");
            REQUIRE(sink.try_write(one));
        }
    }

    [[nodiscard]] std::filesystem::path log() const { return state() / "audit.jsonl"; }

    [[nodiscard]] std::string content() const {
        std::ifstream in{log(), std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    void replace(std::string const& text) const { std::ofstream{log(), std::ios::binary} << text; }
};

std::size_t lines_of(std::string const& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("audit verify finds nothing wrong with a log that nobody touched") {
    audited_stage here{20};

    outcome const told = here.run({"audit", "verify"});

    CHECK(told.code == 0);
    CHECK(told.out.find("ok: ") != std::string::npos);
    auto const as_json = json::parse(here.run({"audit", "verify", "--json"}).out);
    REQUIRE(as_json.has_value());
    CHECK(as_json->at("ok") == true);
}

TEST_CASE("audit verify exits 1 for an edit, a deletion, and an end that was cut off") {
    audited_stage here{20};
    std::string const whole = here.content();

    std::string edited = whole;
    edited.replace(edited.find("/api/chat"), 9, "/api/tags");
    here.replace(edited);
    CHECK(here.run({"audit", "verify"}).code == 1);

    std::size_t const second = whole.find('\n') + 1;
    std::string deleted = whole;
    here.replace(deleted.erase(second, whole.find('\n', second) + 1 - second));
    CHECK(here.run({"audit", "verify"}).code == 1);

    here.replace(whole.substr(0, whole.rfind('\n', whole.size() - 2) + 1));
    outcome const cut = here.run({"audit", "verify"});
    CHECK(cut.code == 1);
    CHECK(cut.out.find("the anchor, is not in the log") != std::string::npos);

    here.replace(whole);
    CHECK(here.run({"audit", "verify"}).code == 0);
}

TEST_CASE("audit verify finds the files that rotation left, and takes files by name") {
    audited_stage here{5};
    std::filesystem::rename(here.log(), here.state() / "audit.jsonl.1");
    here.write(5);
    here.folder.write("state/audit.jsonl.2.gz", "\x1f\x8b");

    CHECK(here.run({"audit", "verify"}).code == 0);
    CHECK(here.run({"audit", "verify", (here.state() / "audit.jsonl.1").string()}).code == 0);
    CHECK(here.run({"audit", "verify", (here.state() / "absent").string()}).code == 1);
}

TEST_CASE("audit head prints an anchor that audit verify holds the log against") {
    audited_stage here{5};
    outcome const head = here.run({"audit", "head"});
    REQUIRE(head.code == 0);
    std::string const anchor = head.out.substr(0, head.out.size() - 1);
    CHECK(anchor.find(':') != std::string::npos);
    here.write(5);

    CHECK(here.run({"audit", "verify", "--anchor", anchor}).code == 0);
    std::string forged = anchor;
    forged.back() = forged.back() == '0' ? '1' : '0';
    CHECK(here.run({"audit", "verify", "--anchor", forged}).code == 1);
    for (std::string const& wrong : {std::string{"x"}, std::string{"1"}, std::string{"1:"},
                                     std::string{":00"}, "0:" + std::string(64, '0')})
        CHECK(here.run({"audit", "verify", "--anchor", wrong}).code == 2);
    auto const as_json = json::parse(here.run({"audit", "head", "--json"}).out);
    REQUIRE(as_json.has_value());
    CHECK(as_json->at("seq").as_int64() > 5);
}

TEST_CASE("audit commands without a key or a log say so") {
    stage here;
    outcome const no_key = here.run({"audit", "verify"});
    CHECK(no_key.code == 78);
    CHECK(no_key.err.find("audit key") != std::string::npos);
    CHECK(here.run({"audit", "tail"}).code == 1);

    REQUIRE(here.run({"serve"}).code == 0);
    CHECK(here.run({"audit", "verify"}).code == 1);
    CHECK(here.run({"audit", "head"}).code == 1);
}

TEST_CASE("audit tail prints the last records as they are") {
    audited_stage here{30};
    std::string const whole = here.content();

    CHECK(lines_of(here.run({"audit", "tail"}).out) == 10);
    outcome const three = here.run({"audit", "tail", "-n", "3"});
    CHECK(lines_of(three.out) == 3);
    CHECK(whole.ends_with(three.out));
    CHECK(here.run({"audit", "tail", "--lines", "100000"}).out == whole);
    CHECK(here.run({"audit", "tail", "--lines", "0"}).out.empty());
}

TEST_CASE("audit tail --where prints the records with that member") {
    audited_stage here{30};

    outcome const refused = here.run({"audit", "tail", "-n", "100", "--where", "status_code=403"});
    CHECK(lines_of(refused.out) == 15);
    CHECK(refused.out.find("\"status_code\":200") == std::string::npos);
    CHECK(here.run({"audit", "tail", "-n", "100", "--where",
                    "security_flags=external_access_attempt"})
              .out == refused.out);
    CHECK(lines_of(here.run({"audit", "tail", "-n", "4", "--where", "status_code=403"}).out) == 4);
    CHECK(lines_of(here.run({"audit", "tail", "-n", "9", "--where", "status_code=403", "--where",
                             "method=GET"})
                       .out) == 0);
    CHECK(here.run({"audit", "tail", "--where", "status_code"}).code == 2);
}

TEST_CASE("a reader follows a log through additions, halves of lines, rotation and truncation") {
    temporary_directory const folder;
    std::filesystem::path const log = folder.write("log", "{\"n\":1}\n{\"n\":2}\n");
    auto const add = [&log](std::string_view text) {
        std::ofstream{log, std::ios::app | std::ios::binary} << text;
    };
    log_reader reader{log, {}};
    std::ostringstream out;
    auto const news = [&] {
        out.str("");
        reader.print_new(out);
        return out.str();
    };

    REQUIRE(reader.print_last(1, out));
    CHECK(out.str() == "{\"n\":2}\n");
    CHECK(news().empty());
    add("{\"n\":3}\n{\"n\"");
    CHECK(news() == "{\"n\":3}\n");
    add(":4}\n");
    CHECK(news() == "{\"n\":4}\n");

    add("{\"n\":5}\n");
    std::filesystem::rename(log, folder.path() / "log.1");
    CHECK(news() == "{\"n\":5}\n"); // the new file is not there yet
    folder.write("log", "{\"n\":6}\n");
    CHECK(news() == "{\"n\":6}\n");

    std::ofstream{log, std::ios::trunc};
    CHECK(news().empty());
    add("{\"n\":7}\n");
    CHECK(news() == "{\"n\":7}\n");
}

TEST_CASE("a filter compares texts, numbers, booleans and null, and looks into lists") {
    struct {
        std::string_view filter;
        bool matches;
    } const cases[] = {
        {"text=a b", true},   {"text=a", false},    {"number=5", true}, {"number=5.0", false},
        {"yes=true", true},   {"none=null", true},  {"list=x", true},   {"list=2", true},
        {"list=z", false},    {"object={}", false}, {"absent=", false}, {"empty=", true},
        {"text=a b=", false},
    };
    std::string_view const line =
        R"({"text":"a b","number":5,"yes":true,"none":null,"list":["x",2],"object":{},"empty":""})";
    for (auto const& one : cases) {
        CAPTURE(one.filter);
        CHECK(record_filter::parse(one.filter)->matches(line) == one.matches);
    }
    CHECK_FALSE(record_filter::parse("=x").has_value());
    CHECK_FALSE(record_filter::parse("x").has_value());
    CHECK_FALSE(record_filter::parse("x=1")->matches("rubbish"));
    CHECK_FALSE(record_filter::parse("x=1")->matches("[1]"));
}
