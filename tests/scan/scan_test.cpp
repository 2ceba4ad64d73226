#include "commands/stage.hpp"
#include "mcp_provider/json/parse.hpp"
#include "scan/rules.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace mcp_provider;
namespace fs = std::filesystem;

/// An installation in good order: a state folder, a key, an audit log of a few records.
struct installation : stage {
    installation() {
        fs::create_directories(state());
        ::chmod(state().c_str(), 0700);
        REQUIRE(run({"token", "create", "--label", "editor", "--expires", "30d"}).code == 0);
        for (int i = 0; i != 3; ++i) {
            REQUIRE(run({"block", "add", "uid:7", "--for", "1h"}).code == 0);
            REQUIRE(run({"block", "remove", "uid:7"}).code == 0);
        }
    }

    void set(std::string name, std::string value) {
        environment.emplace_back(std::move(name), std::move(value));
    }
    void write(fs::path const& path, std::string_view text, mode_t mode) {
        std::ofstream{path} << text;
        ::chmod(path.c_str(), mode);
    }
    void use_security(std::string_view text, mode_t mode = 0600) {
        security_file = (folder.path() / "security.yaml").string();
        write(security_file, text, mode);
    }
    /// The rules that the scan finds broken, each once.
    std::vector<std::string> broken() {
        outcome const told = run({"scan", "--format", "json"});
        auto const report = json::parse(told.out);
        REQUIRE(report);
        std::vector<std::string> rules;
        for (auto const& one : report->at("findings").as_array())
            rules.emplace_back(one.at("rule").as_string());
        std::sort(rules.begin(), rules.end());
        rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
        bool const is_high = report->at("high").to_number<int>() != 0;
        CHECK(told.code == (is_high ? 1 : 0));
        return rules;
    }
};

using rules = std::vector<std::string>;

} // namespace

TEST_CASE("a good installation has no finding, and the scan says what it could not look at") {
    installation good;
    outcome const told = good.run({"scan"});
    CHECK(told.code == 0);
    CHECK(told.out.find("0 findings") != std::string::npos);
    CHECK(told.out.find("not looked at: the running server") != std::string::npos);
    CHECK(good.broken().empty());
}

TEST_CASE("the scan finds files that others may use") {
    for (std::string_view const file :
         {"keys.json", "audit.key", "audit.jsonl", "audit.head", "state.json"}) {
        installation one;
        ::chmod((one.state() / file).c_str(), 0640);
        auto const found = one.broken();
        CHECK_MESSAGE(std::find(found.begin(), found.end(), "files.secret") != found.end(), file);
    }
    installation open;
    ::chmod(open.state().c_str(), 0755);
    CHECK(open.broken() == rules{"files.state-folder"});
}

TEST_CASE("the scan finds configuration files that others may write, or read a secret in") {
    installation writable;
    writable.use_security("security: {}\n", 0622);
    CHECK(writable.broken() == rules{"files.configuration"});

    installation readable;
    readable.env_file = (readable.folder.path() / ".env").string();
    readable.write(readable.env_file, "ALERT_WEBHOOK_KEY=abcdefghijklmnopqrstuvwxyz012345\n", 0644);
    CHECK(readable.broken() == rules{"files.configuration"});
    ::chmod(readable.env_file.c_str(), 0600);
    CHECK(readable.broken().empty());

    installation by_file;
    by_file.env_file = (by_file.folder.path() / ".env").string();
    by_file.write(by_file.env_file, "ENABLE_METRICS=true\n", 0644);
    CHECK(by_file.broken().empty());
}

TEST_CASE("the scan finds a placeholder, and goes on with the rest") {
    installation one;
    one.set("MCP_BRIDGE_TOKEN", "CHANGE_THIS_SECRET_TOKEN_NOW");
    ::chmod(one.state().c_str(), 0755);
    outcome const told = one.run({"scan"});
    CHECK(told.code == 1);
    CHECK(told.out.find("configuration.valid") != std::string::npos);
    CHECK(told.out.find("files.state-folder") != std::string::npos);
    CHECK(told.out.find("CHANGE_THIS_SECRET_TOKEN_NOW") == std::string::npos);
}

TEST_CASE("the scan finds settings that a careful operator would not choose") {
    struct planted {
        std::string name;
        std::string value;
        std::string rule;
    };
    for (planted const& one : std::vector<planted>{
             {"ENABLE_RATE_LIMITING", "false", "limits.rate"},
             {"ENABLE_DEBUG_ENDPOINTS", "true", "features.debug"},
             {"EVENTS_CONTENT", "true", "features.content"},
             {"ALLOWED_HOSTS", "provider.example", "access.hosts"},
             {"ALLOWED_ORIGINS", "http://page.example", "access.origins"},
             {"SESSION_TTL_SECONDS", "31536000", "limits.generous"},
             {"ALERT_WEBHOOK_URL", "https://alerts.example/hook", "secrets.webhook"}}) {
        installation here;
        here.set(one.name, one.value);
        CHECK_MESSAGE(here.broken() == rules{one.rule}, one.name);
    }
    for (planted const& one : std::vector<planted>{
             {"security: {audit: {enabled: false}}\n", "", "audit.enabled"},
             {"security: {audit: {log_errors: false}}\n", "", "audit.enabled"},
             {"security: {audit: {log_responses: true}}\n", "", "features.content"},
             {"security: {rate_limiting: {enabled: false}}\n", "", "limits.rate"},
             {"security: {request: {max_size_bytes: 1073741824}}\n", "", "limits.generous"},
             {"security: {allowed_hosts: [127.0.0.1, provider.example]}\n", "", "access.hosts"}}) {
        installation here;
        here.use_security(one.name);
        CHECK_MESSAGE(here.broken() == rules{one.rule}, one.name);
    }
    installation upstream;
    upstream.set("AGENT", "openai");
    upstream.set("AGENT_OPENAI_URL", "http://models.example/v1");
    CHECK(upstream.broken() == rules{"secrets.upstream"});
}

TEST_CASE("the scan finds keys that never end and keys that are old") {
    installation one;
    REQUIRE(one.run({"token", "create", "--label", "boss", "--scopes", "admin"}).code == 0);
    CHECK(one.broken() == rules{"tokens.admin"});

    installation old;
    REQUIRE(old.run({"token", "create", "--label", "forgotten"}).code == 0);
    old.now += std::chrono::days{366};
    CHECK(old.broken() == rules{"tokens.age"});
}

TEST_CASE("the scan finds an audit log that was edited, cut off, or kept too long") {
    installation edited;
    auto const log = edited.state() / "audit.jsonl";
    std::ifstream in{log};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    text.replace(text.find("uid:7"), 5, "uid:8");
    edited.write(log, text, 0600);
    CHECK(edited.broken() == rules{"audit.chain"});

    installation cut;
    auto const shorter = cut.state() / "audit.jsonl";
    std::ifstream whole{shorter};
    std::string lines{std::istreambuf_iterator<char>{whole}, {}};
    lines.resize(lines.rfind('\n', lines.size() - 2) + 1);
    cut.write(shorter, lines, 0600);
    CHECK(cut.broken() == rules{"audit.chain"});

    installation kept;
    auto const rotated = kept.state() / "audit.jsonl.1.gz";
    kept.write(rotated, "", 0600);
    fs::last_write_time(rotated, fs::file_time_type::clock::now() - std::chrono::days{31});
    CHECK(kept.broken() == rules{"audit.retention"});
}

TEST_CASE("a report in SARIF names the rule, the place and the remedy of each finding") {
    installation one;
    ::chmod(one.state().c_str(), 0755);
    outcome const told = one.run({"scan", "--format", "sarif"});
    auto const sarif = json::parse(told.out);
    REQUIRE(sarif);
    CHECK(sarif->at("version") == "2.1.0");
    auto const& run = sarif->at("runs").as_array().front();
    CHECK(run.at("tool").at("driver").at("rules").as_array().size() ==
          server::scan::all_rules.size());
    auto const& result = run.at("results").as_array().front();
    CHECK(result.at("ruleId") == "files.state-folder");
    CHECK(result.at("level") == "error");
    CHECK(run.at("tool")
              .at("driver")
              .at("rules")
              .as_array()
              .at(result.at("ruleIndex").to_number<std::size_t>())
              .at("id") == "files.state-folder");
    CHECK(result.at("message").at("text").as_string().find("chmod 700") != std::string::npos);
}

TEST_CASE("every rule has a name of its own, a title and a remedy") {
    std::vector<std::string_view> names;
    for (server::scan::rule const* const one : server::scan::all_rules) {
        names.push_back(one->id);
        CHECK(!one->title.empty());
        CHECK(!one->mend.empty());
    }
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE("the result of a scan is kept for the metrics, and a wrong format is wrong use") {
    installation one;
    REQUIRE(one.run({"scan"}).code == 0);
    CHECK(fs::exists(one.state() / "scan.json"));
    CHECK(one.run({"scan", "--format", "pdf"}).code == 2);
}
