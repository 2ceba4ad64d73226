#include "config/installation.hpp"
#include "config/load.hpp"

#include <unistd.h>

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

std::vector<std::string> keys_with_problems(loaded const& outcome) {
    std::vector<std::string> keys;
    for (problem const& one : outcome.problems) keys.push_back(one.key);
    return keys;
}

} // namespace

TEST_CASE("without any file every setting has the seed's value") {
    installation none;
    none.from.env_file.reset();
    none.from.security_file.reset();

    loaded const outcome = load(none.from, run_mode::serve);

    REQUIRE(outcome.settings != nullptr);
    config const& made = *outcome.settings;
    CHECK(made.adapter.listen.host == "127.0.0.1");
    CHECK(made.adapter.listen.port == 11434);
    CHECK(made.bridge.listen.port == 8787);
    CHECK(made.bridge.url == "ws://127.0.0.1:8787");
    CHECK(made.session.time_to_live == std::chrono::seconds{300});
    CHECK(made.rate.window == std::chrono::seconds{300});
    CHECK(made.request.max_body_bytes == 10485760);
    CHECK(made.audit.retention == std::chrono::days{30});
    CHECK(made.audit.file == none.state() / "audit.jsonl");
    CHECK(made.agent.kind == agent_kind::echo);
    CHECK(made.access.local_users == std::vector<std::uint32_t>{geteuid()});
}

TEST_CASE("each key of .env reaches its member") {
    installation const given{"ADAPTER_HOST=::1\n"
                             "ADAPTER_PORT=1\n"
                             "ADAPTER_WORKERS=2\n"
                             "BRIDGE_HOST=localhost\n"
                             "BRIDGE_PORT=3\n"
                             "MCP_BRIDGE_URL=wss://bridge.example:8443/link\n"
                             "MCP_BRIDGE_TOKEN=Vp3xR7mQ2kZ8tB5nW1cY6h\n"
                             "SESSION_TTL_SECONDS=4\n"
                             "MAX_REQUESTS_PER_SESSION=5\n"
                             "MAX_TOKEN_LENGTH=6\n"
                             "ENABLE_RATE_LIMITING=false\n"
                             "LOG_LEVEL=warning\n"
                             "AUDIT_LOG_FILE=/log/audit\n"
                             "ERROR_LOG_FILE=/log/error\n"
                             "ACCESS_LOG_FILE=/log/access\n"
                             "REQUEST_TIMEOUT_SECONDS=7\n"
                             "STREAM_TIMEOUT_SECONDS=8\n"
                             "MAX_CONCURRENT_REQUESTS=9\n"
                             "ENABLE_STREAMING=off\n"
                             "ENABLE_OLLAMA_COMPAT=0\n"
                             "ENABLE_DEBUG_ENDPOINTS=yes\n"
                             "ENABLE_METRICS=no\n"
                             "AGENT=openai\n"
                             "AGENT_OPENAI_URL=http://127.0.0.1:8080/v1\n"
                             "AGENT_OPENAI_KEY=sk-key\n"
                             "AGENT_OPENAI_MODELS=gpt-4o, qwen3:8b\n"
                             "MODEL_ALIASES=local=gpt-4o,small=qwen3:8b\n"
                             "AGENT_COMMAND='cursor-agent acp'\n"
                             "AGENT_POOL=3\n"
                             "AGENT_QUEUE=4\n"
                             "AGENT_SESSIONS=5\n"
                             "AGENT_SESSION_TTL_SECONDS=6\n"
                             "AGENT_PERMISSIONS=ask,read\n"
                             "AGENT_ENVIRONMENT=AWS_PROFILE\n"
                             "AGENT_MCP_COMMAND='node server.js'\n"
                             "AGENT_MCP_URL=http://127.0.0.1:9000/mcp\n"
                             "AGENT_MCP_TOKEN=mcp-token-1\n"
                             "AGENT_MCP_TOOL=ask\n"
                             "AGENT_MCP_ARGUMENT=question\n"
                             "LOCAL_USERS=0,4711\n"
                             "ALLOWED_HOSTS=host.docker.internal:11434\n"
                             "ALLOWED_ORIGINS=https://chat.example,app://obsidian.md\n"
                             "DISCOVERY_OPEN=false\n"
                             "METRICS_OPEN=false\n"
                             "CONTENT_PROFILE=strict\n"
                             "ALERT_WEBHOOK_URL=https://hooks.example/T0/B0\n"
                             "ALERT_WEBHOOK_KEY=hook\n"
                             "AUDIT_KEY_FILE=/keys/audit\n"};

    loaded const outcome = load(given.from, run_mode::adapter);

    REQUIRE(outcome.settings != nullptr);
    config const& made = *outcome.settings;
    CHECK(made.adapter.listen == listen_settings{"::1", 1});
    CHECK(made.adapter.workers == 2);
    CHECK(made.bridge.listen == listen_settings{"localhost", 3});
    CHECK(made.bridge.url == "wss://bridge.example:8443/link");
    CHECK(made.bridge.token.reveal() == good_token);
    CHECK(made.session.time_to_live == std::chrono::seconds{4});
    CHECK(made.session.max_requests == 5);
    CHECK(made.request.max_tokens == 6);
    CHECK_FALSE(made.rate.enabled());
    CHECK(made.log.level == log_level::warning);
    CHECK(made.audit.file == "/log/audit");
    CHECK(made.log.error_file == "/log/error");
    CHECK(made.log.access_file == "/log/access");
    CHECK(made.request.timeout == std::chrono::seconds{7});
    CHECK(made.request.stream_timeout == std::chrono::seconds{8});
    CHECK(made.request.max_concurrent == 9);
    CHECK_FALSE(made.features.streaming);
    CHECK_FALSE(made.features.ollama_compat);
    CHECK(made.features.debug_endpoints);
    CHECK_FALSE(made.features.metrics);
    CHECK(made.agent.kind == agent_kind::openai);
    CHECK(made.agent.openai_url == "http://127.0.0.1:8080/v1");
    CHECK(made.agent.openai_key.reveal() == "sk-key");
    CHECK(made.agent.openai_models == std::vector<std::string>{"gpt-4o", "qwen3:8b"});
    CHECK(made.agent.aliases ==
          std::vector<model_alias>{{"local", "gpt-4o"}, {"small", "qwen3:8b"}});
    CHECK(made.agent.command == "cursor-agent acp");
    CHECK(made.agent.pool == 3);
    CHECK(made.agent.queue == 4);
    CHECK(made.agent.sessions == 5);
    CHECK(made.agent.session_time == std::chrono::seconds{6});
    CHECK(made.agent.permissions == std::vector<std::string>{"ask", "read"});
    CHECK(made.agent.environment == std::vector<std::string>{"AWS_PROFILE"});
    CHECK(made.agent.mcp_command == "node server.js");
    CHECK(made.agent.mcp_url == "http://127.0.0.1:9000/mcp");
    CHECK(made.agent.mcp_token.reveal() == "mcp-token-1");
    CHECK(made.agent.mcp_tool == "ask");
    CHECK(made.agent.mcp_argument == "question");
    CHECK(made.access.local_users == std::vector<std::uint32_t>{0, 4711});
    CHECK(made.access.more_hosts == std::vector<std::string>{"host.docker.internal:11434"});
    CHECK(made.access.allowed_origins ==
          std::vector<std::string>{"https://chat.example", "app://obsidian.md"});
    CHECK_FALSE(made.access.discovery_open);
    CHECK_FALSE(made.access.metrics_open);
    CHECK(made.content.profile == content_profile::strict);
    CHECK(made.alert.webhook_url == "https://hooks.example/T0/B0");
    CHECK(made.alert.webhook_key.reveal() == "hook");
    CHECK(made.audit.key_file == "/keys/audit");
}

TEST_CASE("each key of security.yaml reaches its member") {
    installation const given{
        "",
        "security:\n"
        "  allowed_hosts: [127.0.0.1]\n"
        "  session: {max_concurrent: 1, cleanup_interval_seconds: 2, token_rotation_enabled: "
        "true}\n"
        "  request: {max_size_bytes: 3, max_headers: 4, max_query_params: 5}\n"
        "  rate_limiting:\n"
        "    enabled: false\n"
        "    window_seconds: 6\n"
        "    max_requests: 7\n"
        "    burst_allowance: 8\n"
        "    block_seconds: 9\n"
        "    block_loopback: true\n"
        "  content:\n"
        "    max_prompt_length: 10\n"
        "    allowed_content_types: [application/json]\n"
        "    model_pattern: '^[a-z]+$'\n"
        "    scan_responses: true\n"
        "    rules:\n"
        "      - {pattern: 'AKIA[0-9A-Z]{16}', action: redact}\n"
        "      - pattern: password\n"
        "  audit: {enabled: false, log_requests: false, log_responses: true, log_errors: false, "
        "retention_days: 11}\n"};

    loaded const outcome = load(given.from, run_mode::serve);

    REQUIRE(outcome.settings != nullptr);
    config const& made = *outcome.settings;
    CHECK(made.access.allowed_hosts == std::vector<std::string>{"127.0.0.1"});
    CHECK(made.session.max_concurrent == 1);
    CHECK(made.session.cleanup_interval == std::chrono::seconds{2});
    CHECK(made.session.token_rotation);
    CHECK(made.request.max_body_bytes == 3);
    CHECK(made.request.max_headers == 4);
    CHECK(made.request.max_query_params == 5);
    CHECK_FALSE(made.rate.enabled());
    CHECK(made.rate.window == std::chrono::seconds{6});
    CHECK(made.rate.max_requests == 7);
    CHECK(made.rate.burst == 8);
    CHECK(made.rate.block_time == std::chrono::seconds{9});
    CHECK(made.rate.block_loopback);
    CHECK(made.content.max_prompt_characters == 10);
    CHECK(made.content.allowed_types == std::vector<std::string>{"application/json"});
    CHECK(made.content.model_pattern == "^[a-z]+$");
    CHECK(made.content.scan_responses);
    CHECK(made.content.rules == std::vector<content_rule>{{"AKIA[0-9A-Z]{16}", rule_action::redact},
                                                          {"password", rule_action::flag}});
    CHECK_FALSE(made.audit.enabled);
    CHECK_FALSE(made.audit.log_requests);
    CHECK(made.audit.log_responses);
    CHECK_FALSE(made.audit.log_errors);
    CHECK(made.audit.retention == std::chrono::days{11});
}

TEST_CASE("the process environment outvotes .env, and .env the default") {
    installation given{"ADAPTER_PORT=2222\nSESSION_TTL_SECONDS=9\n"};
    given.from.environment.emplace_back("ADAPTER_PORT", "3333");

    loaded const outcome = load(given.from, run_mode::serve);

    REQUIRE(outcome.settings != nullptr);
    CHECK(outcome.settings->adapter.listen.port == 3333);
    CHECK(outcome.settings->session.time_to_live == std::chrono::seconds{9});
    CHECK(outcome.settings->bridge.listen.port == 8787);
}

TEST_CASE("a wrong variable of the environment is a problem of the environment") {
    installation given{"ADAPTER_PORT=2222\n"};
    given.from.environment.emplace_back("ADAPTER_PORT", "65536");

    problem const told = only_problem(load(given.from, run_mode::serve));

    CHECK(told == problem{"environment", 0, "ADAPTER_PORT", "65536", "is greater than 65535",
                          "a whole number from 0 to 65535", ""});
}

TEST_CASE("a named file must be there, an unnamed one need not") {
    installation given;
    given.from.env_file = given.folder.path() / "absent.env";
    given.from.security_file.reset();

    problem const told = only_problem(load(given.from, run_mode::serve));

    CHECK(told.file == given.from.env_file->string());
    CHECK(told.message == "cannot be read: No such file or directory");
}

TEST_CASE("a folder in the place of a file is a problem") {
    installation given;
    given.from.security_file = given.folder.path();

    CHECK(only_problem(load(given.from, run_mode::serve)).message == "the file is no regular file");
}

TEST_CASE("a file of exactly 1 MiB is read, one byte more is refused") {
    std::string comment(1024 * 1024, '#');
    installation const exact{comment};
    CHECK(load(exact.from, run_mode::serve).settings != nullptr);

    comment += '#';
    installation const more{comment};
    CHECK(only_problem(load(more.from, run_mode::serve)).message ==
          "the file is larger than 1 MiB");
}

TEST_CASE("all problems of both files are told at once") {
    installation given{"ADAPTER_PORT=x\nADAPTER_PROT=1\nLOG_LEVEL=LOUD\n",
                       "security:\n  session:\n    max_concurrent: 0\n  sesion: {}\n"};
    given.from.environment.emplace_back("BRIDGE_HOST", "0.0.0.0");

    loaded const outcome = load(given.from, run_mode::serve);

    CHECK(outcome.settings == nullptr);
    CHECK(keys_with_problems(outcome) ==
          std::vector<std::string>{"ADAPTER_PORT", "ADAPTER_PROT", "LOG_LEVEL", "BRIDGE_HOST",
                                   "security.session.max_concurrent", "security.sesion"});
    CHECK(outcome.problems[1].nearest == "ADAPTER_PORT");
    CHECK(outcome.problems[1].line == 2);
    CHECK(outcome.problems[3].message.find("TLS") != std::string::npos);
}

TEST_CASE("the value of an unknown key is never shown") {
    installation const given{"MCP_BRIDGE_TOKN=Vp3xR7mQ2kZ8tB5nW1cY6h\n"};

    problem const told = only_problem(load(given.from, run_mode::serve));

    CHECK(told.nearest == "MCP_BRIDGE_TOKEN");
    CHECK(told.value.empty());
}

TEST_CASE("the strict profile makes the audit log durable and closed unless the operator says "
          "otherwise") {
    installation const strict{"CONTENT_PROFILE=strict\n"};
    loaded const by_profile = load(strict.from, run_mode::serve);
    REQUIRE(by_profile.settings != nullptr);
    CHECK(by_profile.settings->audit.mode == audit_mode::durable);
    CHECK(by_profile.settings->audit.on_failure == audit_failure::closed);

    installation const said{"CONTENT_PROFILE=strict\nAUDIT_MODE=fast\nAUDIT_ON_FAILURE=open\n"};
    loaded const by_word = load(said.from, run_mode::serve);
    REQUIRE(by_word.settings != nullptr);
    CHECK(by_word.settings->audit.mode == audit_mode::fast);
    CHECK(by_word.settings->audit.on_failure == audit_failure::open);
}

TEST_CASE("local users are this one for serve and nobody for adapter and bridge") {
    installation const given{"MCP_BRIDGE_TOKEN=" + std::string{good_token} + "\n"};

    CHECK(load(given.from, run_mode::serve).settings->access.local_users ==
          std::vector<std::uint32_t>{geteuid()});
    CHECK(load(given.from, run_mode::adapter).settings->access.local_users.empty());
    CHECK(load(given.from, run_mode::bridge).settings->access.local_users.empty());
}

TEST_CASE("the openai agent needs its URL, and the acp agent its command") {
    installation const bare{"AGENT=openai\n"};
    CHECK(only_problem(load(bare.from, run_mode::serve)).key == "AGENT_OPENAI_URL");

    installation const empty{"AGENT=openai\nAGENT_OPENAI_URL=\n"};
    CHECK(only_problem(load(empty.from, run_mode::serve)).line == 2);

    installation const nameless{"AGENT=acp\n"};
    CHECK(only_problem(load(nameless.from, run_mode::serve)).key == "AGENT_COMMAND");
}

TEST_CASE("the mcp-tool agent needs a tool, and one server to find it at") {
    installation const whole{"AGENT=mcp-tool\nAGENT_MCP_COMMAND=server\nAGENT_MCP_TOOL=ask\n"};
    loaded const good = load(whole.from, run_mode::serve);
    REQUIRE(good.settings != nullptr);
    CHECK(good.settings->agent.mcp_argument == "prompt");

    installation const nowhere{"AGENT=mcp-tool\nAGENT_MCP_TOOL=ask\n"};
    CHECK(only_problem(load(nowhere.from, run_mode::serve)).key == "AGENT_MCP_COMMAND");

    installation const twice{"AGENT=mcp-tool\nAGENT_MCP_TOOL=ask\nAGENT_MCP_COMMAND=server\n"
                             "AGENT_MCP_URL=http://127.0.0.1:1/mcp\n"};
    CHECK(only_problem(load(twice.from, run_mode::serve)).key == "AGENT_MCP_URL");

    installation const toolless{"AGENT=mcp-tool\nAGENT_MCP_URL=http://127.0.0.1:1/mcp\n"};
    CHECK(only_problem(load(toolless.from, run_mode::serve)).key == "AGENT_MCP_TOOL");
}

TEST_CASE("serve refuses one port for both parts, save for 0") {
    installation const same{
        "ADAPTER_PORT=4000\nBRIDGE_PORT=4000\nMCP_BRIDGE_TOKEN=" + std::string{good_token} + "\n"};
    CHECK(only_problem(load(same.from, run_mode::serve)).key == "BRIDGE_PORT");
    CHECK(load(same.from, run_mode::adapter).settings != nullptr);

    installation const any{"ADAPTER_PORT=0\nBRIDGE_PORT=0\n"};
    CHECK(load(any.from, run_mode::serve).settings != nullptr);
}

TEST_CASE("a password in a URL is not shown") {
    installation const given{"AGENT_OPENAI_URL=https://alice:hunter2@models.example/v1\n"};

    problem const told = only_problem(load(given.from, run_mode::serve));

    CHECK(told.message == "carries a user name or password");
    CHECK(told.value == "https://********@models.example/v1");
}

TEST_CASE("restart_needed names the keys that a reload cannot change, and no others") {
    installation const before{"ADAPTER_PORT=1000\nLOG_LEVEL=INFO\nAGENT_OPENAI_KEY=one\n"};
    installation const after{"ADAPTER_PORT=1001\nLOG_LEVEL=DEBUG\nAGENT_OPENAI_KEY=two\n"};
    sources from = after.from;
    from.environment = before.from.environment;

    loaded const running = load(before.from, run_mode::serve);
    loaded const wanted = load(from, run_mode::serve);

    CHECK(restart_needed(*running.settings, *wanted.settings) ==
          std::vector<std::string>{"ADAPTER_PORT", "AGENT_OPENAI_KEY"});
    CHECK(restart_needed(*running.settings, *running.settings).empty());
}

TEST_CASE("an empty security file and empty sections mean the defaults") {
    for (std::string_view const text :
         {"", "# nothing\n", "security:\n", "security:\n  session:\n  audit: {}\n"}) {
        CAPTURE(text);
        installation const given{"", text};
        CHECK(load(given.from, run_mode::serve).settings != nullptr);
    }
}

TEST_CASE("docker compose's own keys may stand in .env") {
    installation const given{"COMPOSE_PROJECT_NAME=provider\nCOMPOSE_FILE=compose.yaml\n"};

    CHECK(load(given.from, run_mode::serve).settings != nullptr);
}

TEST_CASE(
    "load_only tells the problems of the keys that are needed, misspelt ones and broken files") {
    installation const given{
        "ADAPTER_PORT=x\nSTATE_DIR=relative\nSTATEDIR=/x\nLOG_LVL=y\nrubbish\n"};

    loaded const outcome = load_only(given.from, {"STATE_DIR"});

    CHECK(outcome.settings == nullptr);
    CHECK(keys_with_problems(outcome) == std::vector<std::string>{"STATE_DIR", "STATEDIR", ""});
    installation const others{"ADAPTER_PORT=x\nMCP_BRIDGE_TOKEN=weak\n"};
    CHECK(load_only(others.from, {"STATE_DIR"}).settings->state_directory == others.state());
}
