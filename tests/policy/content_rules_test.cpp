#include "mcp_provider/policy/content_rules.hpp"
#include "mcp_provider/testing/audited_access.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

struct prompt {
    explicit prompt(std::vector<std::string> of) : texts{std::move(of)} {}
    template <class Visit>
    void for_each_text(Visit&& visit) const {
        for (std::size_t i = 0; i != texts.size(); ++i)
            visit("/messages/" + std::to_string(i) + "/content", texts[i]);
    }
    std::vector<std::string> texts;
};

struct outcome {
    std::shared_ptr<content_rule_set const> rules; // what the flags refer to
    result<content_flags> got;
    std::string noted;
};

outcome scan(std::vector<content_rule> rules, std::vector<std::string> texts) {
    auto const log = testing::audited_access::make();
    auto const prepared = std::make_shared<content_rule_set const>(std::move(rules));
    content_rules<prompt> const policy{prepared};
    auto got = policy.on_request(prompt{std::move(texts)}, log);
    return {prepared, std::move(got), log.notes().security_flags};
}

using names = std::vector<std::string_view>;

} // namespace

TEST_CASE("content_rules of the profile editor flag the seed's patterns and let them pass") {
    auto const [kept, got, noted] =
        scan(default_content_rules(content_action::flag),
             {"Import OS, then Eval(x)", "<ScRiPt> <?PHP", "os.exec(cmd); import os"});

    REQUIRE(got);
    CHECK(got->names() == names{"import_os", "eval_call", "script_tag", "php_tag", "exec_call"});
    CHECK(noted == "import_os,eval_call,script_tag,php_tag,exec_call");
}

TEST_CASE(
    "content_rules of the profile strict refuse the seed's patterns, and say which and where") {
    auto const rules = default_content_rules(content_action::reject);
    for (auto const& [text, rule] :
         std::vector<std::pair<std::string, std::string>>{{"<script", "script_tag"},
                                                          {"x<?PHP", "php_tag"},
                                                          {"exec(", "exec_call"},
                                                          {"a Eval(b", "eval_call"},
                                                          {"import os", "import_os"}}) {
        auto const [kept, got, noted] = scan(rules, {"fine", text});
        REQUIRE(!got);
        CHECK(got.error().status() == 400);
        CHECK(got.error().where() == "/messages/1/content");
        CHECK(got.error().message().find("'" + rule + "'") != std::string::npos);
        CHECK(got.error().security_event() == "suspicious_content");
        CHECK(noted == rule);
    }
}

TEST_CASE("content_rules let near misses pass") {
    auto const [kept, got, noted] =
        scan(default_content_rules(content_action::reject),
             {"script>", "< script", "<? php", "exec (", "evaluate", "import  os", "important os"});

    REQUIRE(got);
    CHECK(got->names().empty());
    CHECK(noted.empty());
}

TEST_CASE("content_rules act by the action of each rule, and flag what comes beside a refusal") {
    auto const [kept, got, noted] = scan({{"soft", content_action::flag, "maybe", {}},
                                          {"hard", content_action::reject, "never", {}}},
                                         {"maybe never"});

    REQUIRE(!got);
    CHECK(got.error().reason() == "content_rejected");
    CHECK(noted == "soft,hard");
}

TEST_CASE("content_rules ask the operator's own searches") {
    auto const long_text = [](std::string_view text) { return text.size() > 5; };

    CHECK(scan({{"long", content_action::reject, {}, long_text}}, {"12345"}).got);
    CHECK(!scan({{"long", content_action::reject, {}, long_text}}, {"123456"}).got);
    CHECK(scan({}, {"anything"}).got);
}
