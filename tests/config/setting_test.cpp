#include "config/setting.hpp"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

constexpr std::string_view seed_keys[] = {"ADAPTER_HOST",
                                          "ADAPTER_PORT",
                                          "ADAPTER_WORKERS",
                                          "MCP_BRIDGE_URL",
                                          "MCP_BRIDGE_TOKEN",
                                          "SESSION_TTL_SECONDS",
                                          "MAX_REQUESTS_PER_SESSION",
                                          "MAX_TOKEN_LENGTH",
                                          "ENABLE_RATE_LIMITING",
                                          "LOG_LEVEL",
                                          "AUDIT_LOG_FILE",
                                          "ERROR_LOG_FILE",
                                          "ACCESS_LOG_FILE",
                                          "REQUEST_TIMEOUT_SECONDS",
                                          "STREAM_TIMEOUT_SECONDS",
                                          "MAX_CONCURRENT_REQUESTS",
                                          "ENABLE_STREAMING",
                                          "ENABLE_OLLAMA_COMPAT",
                                          "ENABLE_DEBUG_ENDPOINTS",
                                          "ENABLE_METRICS"};

constexpr std::string_view contract_keys[] = {
    "STATE_DIR",        "BRIDGE_HOST",      "BRIDGE_PORT",       "AGENT",
    "AGENT_OPENAI_URL", "AGENT_OPENAI_KEY", "AGENT_COMMAND",     "LOCAL_USERS",
    "ALLOWED_ORIGINS",  "ALLOWED_HOSTS",    "DISCOVERY_OPEN",    "CONTENT_PROFILE",
    "AUDIT_MODE",       "AUDIT_ON_FAILURE", "ALERT_WEBHOOK_URL", "ALERT_WEBHOOK_KEY"};

constexpr std::string_view seed_security_keys[] = {"security.allowed_hosts",
                                                   "security.session.max_concurrent",
                                                   "security.session.cleanup_interval_seconds",
                                                   "security.session.token_rotation_enabled",
                                                   "security.request.max_size_bytes",
                                                   "security.request.max_headers",
                                                   "security.request.max_query_params",
                                                   "security.rate_limiting.enabled",
                                                   "security.rate_limiting.window_seconds",
                                                   "security.rate_limiting.max_requests",
                                                   "security.rate_limiting.burst_allowance",
                                                   "security.content.max_prompt_length",
                                                   "security.content.allowed_content_types",
                                                   "security.audit.enabled",
                                                   "security.audit.log_requests",
                                                   "security.audit.log_responses",
                                                   "security.audit.log_errors",
                                                   "security.audit.retention_days"};

node scalar(std::string text) { return {node::shape::scalar, 1, std::move(text), {}, {}}; }

} // namespace

TEST_CASE("every key of the seed and of the contract is in the table") {
    for (std::string_view const key : seed_keys) CHECK(find_setting(home::env, key) != nullptr);
    for (std::string_view const key : contract_keys) CHECK(find_setting(home::env, key) != nullptr);
    for (std::string_view const key : seed_security_keys)
        CHECK(find_setting(home::security, key) != nullptr);
}

TEST_CASE("every row of the table is complete, and no key stands twice") {
    std::set<std::string_view> keys;
    for (home const file : {home::env, home::security})
        for (setting const& row : settings_of(file)) {
            CAPTURE(row.key);
            CHECK(keys.insert(row.key).second);
            CHECK(row.where == file);
            CHECK_FALSE(row.section.empty());
            CHECK(row.doc.ends_with('.'));
            CHECK_FALSE(allowed_text(row).empty());
            bool const has_functions =
                row.assign != nullptr && row.show != nullptr && row.same != nullptr;
            CHECK(has_functions);
        }
}

TEST_CASE("every default is allowed by its own row") {
    config made;
    config const untouched;
    for (home const file : {home::env, home::security})
        for (setting const& row : settings_of(file)) {
            CAPTURE(row.key);
            std::string const text = row.show(untouched);
            if (text.empty() || row.kind == value_kind::list) continue;
            auto const wrong = row.assign(row, scalar(text), made);
            CAPTURE(wrong.value_or(""));
            CHECK_FALSE(wrong.has_value());
            CHECK(row.same(made, untouched));
        }
}

TEST_CASE("a whole number is taken at both ends of its range and refused one beyond") {
    config made;
    for (home const file : {home::env, home::security})
        for (setting const& row : settings_of(file)) {
            if (row.kind != value_kind::integer) continue;
            CAPTURE(row.key);
            for (std::int64_t const inside : {row.least, row.most}) {
                CHECK_FALSE(row.assign(row, scalar(std::to_string(inside)), made).has_value());
                CHECK(row.show(made) == std::to_string(inside));
            }
            CHECK(row.assign(row, scalar(std::to_string(row.least - 1)), made) ==
                  "is less than " + std::to_string(row.least));
            CHECK(row.assign(row, scalar(std::to_string(row.most + 1)), made) ==
                  "is greater than " + std::to_string(row.most));
            CHECK(row.show(made) == std::to_string(row.most));
        }
}

TEST_CASE("what is no whole number is refused") {
    setting const& port = *find_setting(home::env, "ADAPTER_PORT");
    config made;
    for (std::string_view const text : {"", "x", "1x", " 1", "1 ", "+1", "0x10", "1.0", "1e3",
                                        "10_000", "007", "99999999999999999999", "-", "\xC2\xB2"}) {
        CAPTURE(text);
        CHECK(port.assign(port, scalar(std::string{text}), made).has_value());
    }
    CHECK(made.adapter.listen.port == 11434);
}

TEST_CASE("booleans of .env have the usual words, those of YAML only true and false") {
    setting const& in_env = *find_setting(home::env, "ENABLE_METRICS");
    setting const& in_yaml = *find_setting(home::security, "security.audit.enabled");
    config made;
    for (std::string_view const word : {"false", "FALSE", "0", "no", "off"}) {
        made.features.metrics = true;
        CHECK_FALSE(in_env.assign(in_env, scalar(std::string{word}), made).has_value());
        CHECK_FALSE(made.features.metrics);
    }
    for (std::string_view const word : {"true", "True", "1", "yes", "on"}) {
        made.features.metrics = false;
        CHECK_FALSE(in_env.assign(in_env, scalar(std::string{word}), made).has_value());
        CHECK(made.features.metrics);
    }
    for (std::string_view const word : {"", "2", "y", "enabled"})
        CHECK(in_env.assign(in_env, scalar(std::string{word}), made).has_value());
    for (std::string_view const word : {"yes", "on", "1", "off"})
        CHECK(in_yaml.assign(in_yaml, scalar(std::string{word}), made).has_value());
    CHECK_FALSE(in_yaml.assign(in_yaml, scalar("False"), made).has_value());
}

TEST_CASE("a value of YAML has the type that it looks like") {
    config made;
    setting const& number = *find_setting(home::security, "security.request.max_headers");
    setting const& boolean = *find_setting(home::security, "security.audit.enabled");
    setting const& list = *find_setting(home::security, "security.allowed_hosts");
    node const quoted_number{node::shape::quoted, 1, "5", {}, {}};
    node const quoted_boolean{node::shape::quoted, 1, "true", {}, {}};
    node const some_list{node::shape::list, 1, "", {scalar("localhost")}, {}};
    node const mapping{node::shape::mapping, 1, "", {}, {}};

    CHECK(number.assign(number, quoted_number, made) == "is a text in quotes, not a number");
    CHECK(boolean.assign(boolean, quoted_boolean, made) ==
          "is a text in quotes, not true or false");
    CHECK(number.assign(number, some_list, made) == "is a list");
    CHECK(number.assign(number, mapping, made) == "is a mapping");
    CHECK(number.assign(number, node{}, made) == "has no value");
    CHECK(list.assign(list, scalar("localhost"), made) == "is not a list");
    CHECK(list.assign(list, node{}, made) == "has no value");
    CHECK_FALSE(list.assign(list, some_list, made).has_value());
}

TEST_CASE("an item of a list stands once") {
    setting const& models = *find_setting(home::env, "AGENT_OPENAI_MODELS");
    config made;
    CHECK(models.assign(models, scalar("a,b,a"), made) == "has the item a twice");
    CHECK(models.assign(models, scalar("a,,b"), made) == "has an empty item");
    CHECK_FALSE(models.assign(models, scalar(""), made).has_value());
    setting const& aliases = *find_setting(home::env, "MODEL_ALIASES");
    CHECK(aliases.assign(aliases, scalar("a=b,a=c"), made) == "gives the name a twice");
}

TEST_CASE("the nearest word of a choice is named") {
    setting const& agent = *find_setting(home::env, "AGENT");
    config made;
    CHECK(agent.assign(agent, scalar("opnai"), made) == "is not known; did you mean openai?");
    CHECK(agent.assign(agent, scalar("gemini-pro-9"), made) == "is not known");
    CHECK_FALSE(agent.assign(agent, scalar("OpenAI"), made).has_value());
}

TEST_CASE("a content rule has a pattern and a known action") {
    setting const& rules = *find_setting(home::security, "security.content.rules");
    config made;
    auto const rule = [](std::initializer_list<std::pair<char const*, char const*>> parts) {
        node made_rule{node::shape::mapping, 1, "", {}, {}};
        for (auto const& [key, value] : parts) made_rule.members.push_back({key, 1, scalar(value)});
        return node{node::shape::list, 1, "", {made_rule}, {}};
    };

    CHECK_FALSE(
        rules.assign(rules, rule({{"pattern", "x"}, {"action", "reject"}}), made).has_value());
    CHECK(made.content.rules == std::vector<content_rule>{{"x", rule_action::reject}});
    CHECK(rules.assign(rules, rule({{"action", "reject"}}), made) ==
          "has a rule (number 1) without a pattern");
    CHECK(rules.assign(rules, rule({{"pattern", "("}}), made)
              ->starts_with("has a rule (number 1) whose pattern is no regular"));
    CHECK(rules.assign(rules, rule({{"pattern", "x"}, {"action", "block"}}), made) ==
          "has a rule (number 1) whose action is not known");
    CHECK(rules.assign(rules, rule({{"patern", "x"}}), made) ==
          "has a rule (number 1) with the unknown key patern");
    CHECK(rules.assign(rules, node{node::shape::list, 1, "", {scalar("x")}, {}}, made) ==
          "has a rule (number 1) that is not a mapping");

    node many{node::shape::list, 1, "", {}, {}};
    for (int i = 0; i < 1000; ++i) many.items.push_back(rule({{"pattern", "x"}}).items.front());
    CHECK_FALSE(rules.assign(rules, many, made).has_value());
    many.items.push_back(many.items.front());
    CHECK(rules.assign(rules, many, made) == "has more than 1000 rules");
}
