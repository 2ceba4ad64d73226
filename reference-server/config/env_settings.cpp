// The keys of `.env` and of the process environment.
#include "config/checks.hpp"
#include "config/codec.hpp"
#include "config/setting.hpp"

#include <vector>

namespace mcp_provider::server {

namespace {

constexpr std::string_view adapter = "Adapter";
constexpr std::string_view bridge = "Bridge";
constexpr std::string_view agent = "Agent";
constexpr std::string_view access = "Who may talk";
constexpr std::string_view limits = "Sessions and limits";
constexpr std::string_view content = "Content";
constexpr std::string_view logs = "Audit and logs";
constexpr std::string_view features = "Features";
constexpr std::string_view alerts = "Alerts";

constexpr std::string_view loopback = "127.0.0.1 or localhost (both loopback families), or ::1";
constexpr std::string_view log_path = "an absolute path";
constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t year = 31'536'000; // seconds

std::vector<setting> listeners_and_bridge() {
    return {
        row([](auto& c) -> auto& { return c.adapter.listen.host; },
            {.key = "ADAPTER_HOST",
             .section = adapter,
             .doc = "Address of the adapter, the part that editors talk to.",
             .allowed = loopback,
             .check = checks::loopback_host,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.adapter.listen.port; },
            {.key = "ADAPTER_PORT",
             .section = adapter,
             .doc = "Port of the adapter; 0 takes a free one, which the `ready` line names.",
             .least = 0,
             .most = 65535,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.adapter.workers; },
            {.key = "ADAPTER_WORKERS",
             .section = adapter,
             .doc = "Threads that serve connections; 0 means one a core.",
             .least = 0,
             .most = 256,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.state_directory; },
            {.key = "STATE_DIR",
             .section = adapter,
             .doc =
                 "Folder of tokens, sessions, blocks, keys and the audit log, made with mode 0700.",
             .allowed = "an absolute path",
             .check = checks::absolute_path,
             .default_note =
                 "`$STATE_DIRECTORY` of systemd (`/var/lib/mcp-local-provider` as a service), else "
                 "`$XDG_STATE_HOME/mcp-local-provider`, else `~/.local/state/mcp-local-provider`",
             .reloadable = false,
             .never_empty = true}),
        row([](auto& c) -> auto& { return c.bridge.listen.host; },
            {.key = "BRIDGE_HOST",
             .section = bridge,
             .doc = "Address of the bridge, the part that agents talk to.",
             .allowed = loopback,
             .check = checks::loopback_host,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.bridge.listen.port; },
            {.key = "BRIDGE_PORT",
             .section = bridge,
             .doc = "Port of the bridge; 0 takes a free one, which the `ready` line names.",
             .least = 0,
             .most = 65535,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.bridge.url; },
            {.key = "MCP_BRIDGE_URL",
             .section = bridge,
             .doc =
                 "Where `adapter` finds the bridge; `serve` needs no such hop and does not use it.",
             .allowed = "a ws:// URL on loopback, or a wss:// URL",
             .check = checks::bridge_url,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.bridge.token; },
            {.key = "MCP_BRIDGE_TOKEN",
             .section = bridge,
             .doc = "Secret that adapter and bridge share.",
             .allowed = "a random token of at least 128 bits, or file:PATH",
             .check = checks::strong_token,
             .default_note = "the content of `STATE_DIR/bridge.token`, which `serve` makes when it "
                             "is not there",
             .never_empty = true}),
    };
}

std::vector<setting> agents() {
    return {
        row([](auto& c) -> auto& { return c.agent.kind; },
            {.key = "AGENT",
             .section = agent,
             .doc = "What answers the prompts.",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.openai_url; },
            {.key = "AGENT_OPENAI_URL",
             .section = agent,
             .doc = "Base URL of the OpenAI-compatible server behind `AGENT=openai`.",
             .allowed = "an http:// or https:// URL that ends in /v1",
             .check = checks::upstream_url,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.openai_key; },
            {.key = "AGENT_OPENAI_KEY",
             .section = agent,
             .doc = "Key that is sent to that server as a bearer token.",
             .allowed = "printable ASCII without spaces, or file:PATH",
             .check = checks::field_text,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.openai_ca_file; },
            {.key = "AGENT_OPENAI_CA_FILE",
             .section = agent,
             .doc = "PEM file with the certificates that may vouch for that server.",
             .allowed = "an absolute path",
             .check = checks::absolute_path,
             .default_note = "the system's certificates",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.openai_models; },
            {.key = "AGENT_OPENAI_MODELS",
             .section = agent,
             .doc = "The models of that server that are offered.",
             .allowed = "model names, separated by commas",
             .check = checks::model_name,
             .default_note = "all that the server lists",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.aliases; },
            {.key = "MODEL_ALIASES",
             .section = agent,
             .doc = "Further names of models, such as `local=gpt-4o`: clients ask for `local`, the "
                    "agent gets `gpt-4o`.",
             .allowed = "name=model pairs, separated by commas",
             .check = checks::alias,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.command; },
            {.key = "AGENT_COMMAND",
             .section = agent,
             .doc =
                 "Command line of an agent process, such as `cursor-agent acp`; it runs without a "
                 "shell. For `AGENT=claude`, what the bridge relies on goes behind it.",
             .allowed = "a program and its arguments; quotes as in a shell",
             .check = checks::command_line,
             .default_note = "`codex app-server` for `AGENT=codex`, `claude` for `AGENT=claude`",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.pool; },
            {.key = "AGENT_POOL",
             .section = agent,
             .doc = "Agent processes that are kept running.",
             .least = 1,
             .most = 64,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.queue; },
            {.key = "AGENT_QUEUE",
             .section = agent,
             .doc = "Requests that may wait for an agent process; beyond it 503 with Retry-After.",
             .least = 0,
             .most = 10'000,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.sessions; },
            {.key = "AGENT_SESSIONS",
             .section = agent,
             .doc = "Conversations that agents keep in mind, so that one that goes on need not be "
                    "told again; each is only its caller's.",
             .least = 0,
             .most = 10'000,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.session_time; },
            {.key = "AGENT_SESSION_TTL_SECONDS",
             .section = agent,
             .doc = "A conversation is forgotten by its agent so long after its last answer.",
             .least = 1,
             .most = year,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.lease_time; },
            {.key = "AGENT_LEASE_SECONDS",
             .section = agent,
             .doc = "With `AGENT=mcp-pull`, how long an MCP host may be silent about a prompt that "
                    "it has fetched, before the next host gets it as well.",
             .least = 1,
             .most = 86400,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.permissions; },
            {.key = "AGENT_PERMISSIONS",
             .section = agent,
             .doc = "What agents may do beside answering: `refuse` nothing, `ask` what somebody at "
                    "`/events` allows, or what is named, by its kind (`read`, `search`, `fetch`, "
                    "`edit`, `execute`, ...) or by the tool's name.",
             .allowed = "refuse, ask, and names, separated by commas",
             .check = checks::permission,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.environment; },
            {.key = "AGENT_ENVIRONMENT",
             .section = agent,
             .doc =
                 "Environment variables that agents get beside those that programs need (such as "
                 "`HOME`, `PATH`, `LANG`, `XDG_*`) and the known agents' own (such as `CURSOR_*`, "
                 "`OPENAI_*`, `ANTHROPIC_*`).",
             .allowed = "names of variables, separated by commas",
             .check = checks::variable_name,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.mcp_command; },
            {.key = "AGENT_MCP_COMMAND",
             .section = agent,
             .doc = "Command line of the MCP server behind `AGENT=mcp-tool`; it runs without a "
                    "shell.",
             .allowed = "a program and its arguments; quotes as in a shell",
             .check = checks::command_line,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.mcp_url; },
            {.key = "AGENT_MCP_URL",
             .section = agent,
             .doc = "URL of that MCP server, in place of a command.",
             .allowed = "an http:// or https:// URL without a query",
             .check = checks::mcp_url,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.mcp_token; },
            {.key = "AGENT_MCP_TOKEN",
             .section = agent,
             .doc = "Token that is sent to that URL as a bearer token.",
             .allowed = "printable ASCII without spaces, or file:PATH",
             .check = checks::field_text,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.mcp_tool; },
            {.key = "AGENT_MCP_TOOL",
             .section = agent,
             .doc = "The tool of that MCP server that answers the prompts.",
             .allowed = "a name of 1 to 128 letters, digits and any of _ - . /",
             .check = checks::tool_name,
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.agent.mcp_argument; },
            {.key = "AGENT_MCP_ARGUMENT",
             .section = agent,
             .doc = "The argument of that tool that takes the prompt: the whole conversation, as "
                    "text.",
             .allowed = "a name of 1 to 128 letters, digits and any of _ - . /",
             .check = checks::tool_name,
             .reloadable = false,
             .never_empty = true}),
    };
}

std::vector<setting> callers() {
    return {
        row([](auto& c) -> auto& { return c.access.local_users_text; },
            {.key = "LOCAL_USERS",
             .section = access,
             .doc = "Local users who need no token on loopback; the kernel tells who they are.",
             .allowed = "self, none, or user ids and names of users, separated by commas",
             .check = checks::local_users,
             .default_note = "`self` for `serve`, `none` for `adapter` and `bridge`",
             .never_empty = true}),
        row([](auto& c) -> auto& { return c.access.more_hosts; },
            {.key = "ALLOWED_HOSTS",
             .section = access,
             .doc = "Names that a Host field may carry beside those of `security.allowed_hosts`; "
                    "without a port, ours is meant.",
             .allowed = "host or host:port, separated by commas",
             .check = checks::host_field}),
        row([](auto& c) -> auto& { return c.access.allowed_origins; },
            {.key = "ALLOWED_ORIGINS",
             .section = access,
             .doc = "Web origins that may call us beside the server's own, compared exactly.",
             .allowed = "origins such as https://example.org, separated by commas",
             .check = checks::origin}),
        row([](auto& c) -> auto& { return c.access.discovery_open; },
            {.key = "DISCOVERY_OPEN",
             .section = access,
             .doc = "Whether loopback callers that are not browsers may list models without a "
                    "token."}),
        row([](auto& c) -> auto& { return c.access.metrics_open; },
            {.key = "METRICS_OPEN",
             .section = access,
             .doc = "Whether loopback callers that are not browsers may read `/metrics` without a "
                    "token."}),
    };
}

std::vector<setting> sessions_and_limits() {
    return {
        row([](auto& c) -> auto& { return c.session.time_to_live; },
            {.key = "SESSION_TTL_SECONDS",
             .section = limits,
             .doc = "A session ends so long after its last activity.",
             .least = 1,
             .most = year}),
        row([](auto& c) -> auto& { return c.session.max_requests; },
            {.key = "MAX_REQUESTS_PER_SESSION",
             .section = limits,
             .doc = "Requests a session may make in its life; then 429 until it ends.",
             .least = 1,
             .most = 1000 * million}),
        row([](auto& c) -> auto& { return c.request.max_tokens; },
            {.key = "MAX_TOKEN_LENGTH",
             .section = limits,
             .doc = "Upper bound of `max_tokens` and `num_predict`.",
             .least = 1,
             .most = 1000 * million}),
        row([](auto& c) -> auto& { return c.rate.enabled_by_env; },
            {.key = "ENABLE_RATE_LIMITING",
             .section = limits,
             .doc = "Whether rates are limited; `security.rate_limiting.enabled` must say so as "
                    "well."}),
        row([](auto& c) -> auto& { return c.request.timeout; },
            {.key = "REQUEST_TIMEOUT_SECONDS",
             .section = limits,
             .doc = "Time to the first byte of an answer; then 504.",
             .least = 1,
             .most = 86400}),
        row([](auto& c) -> auto& { return c.request.stream_timeout; },
            {.key = "STREAM_TIMEOUT_SECONDS",
             .section = limits,
             .doc = "Time between two deltas of a stream; then it ends with an error event.",
             .least = 1,
             .most = 86400}),
        row([](auto& c) -> auto& { return c.request.max_concurrent; },
            {.key = "MAX_CONCURRENT_REQUESTS",
             .section = limits,
             .doc = "Requests in progress at once; beyond it 503 with Retry-After.",
             .least = 1,
             .most = million}),
    };
}

std::vector<setting> content_and_logs() {
    return {
        row([](auto& c) -> auto& { return c.content.profile; },
            {.key = "CONTENT_PROFILE",
             .section = content,
             .doc = "What the seed's content rules do: `editor` flags, since `import os` is "
                    "everyday text there; "
                    "`strict` rejects."}),
        row([](auto& c) -> auto& { return c.audit.file; },
            {.key = "AUDIT_LOG_FILE",
             .section = logs,
             .doc = "The audit log, one JSON object a line.",
             .allowed = log_path,
             .check = checks::absolute_path,
             .default_note = "`STATE_DIR/audit.jsonl`; `STATE_DIR/bridge-audit.jsonl` for `bridge`",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.audit.key_file; },
            {.key = "AUDIT_KEY_FILE",
             .section = logs,
             .doc = "File of mode 0600 with the first key of the audit log's hash chain; made when "
                    "it is not there.",
             .allowed = log_path,
             .check = checks::absolute_path,
             .default_note = "`STATE_DIR/audit.key`",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.audit.mode; },
            {.key = "AUDIT_MODE",
             .section = logs,
             .doc = "How far a record has come before its request is acknowledged: `fast` the page "
                    "cache, `durable` the "
                    "disk.",
             .default_note = "`fast`; `durable` with `CONTENT_PROFILE=strict`",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.audit.on_failure; },
            {.key = "AUDIT_ON_FAILURE",
             .section = logs,
             .doc = "While the audit log cannot be written: `open` goes on and counts the loss, "
                    "`closed` refuses new work.",
             .default_note = "`open`; `closed` with `CONTENT_PROFILE=strict`",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.log.level; },
            {.key = "LOG_LEVEL",
             .section = logs,
             .doc = "The least important messages that the error log takes."}),
        row([](auto& c) -> auto& { return c.log.error_file; },
            {.key = "ERROR_LOG_FILE",
             .section = logs,
             .doc = "The error log.",
             .allowed = log_path,
             .check = checks::absolute_path,
             .default_note = "stderr",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.log.access_file; },
            {.key = "ACCESS_LOG_FILE",
             .section = logs,
             .doc = "The access log, one line a request.",
             .allowed = log_path,
             .check = checks::absolute_path,
             .default_note = "none: the audit log has every request",
             .reloadable = false}),
    };
}

std::vector<setting> features_and_alerts() {
    return {
        row([](auto& c) -> auto& { return c.features.streaming; },
            {.key = "ENABLE_STREAMING",
             .section = features,
             .doc = "Whether answers may be streamed."}),
        row([](auto& c) -> auto& { return c.features.ollama_compat; },
            {.key = "ENABLE_OLLAMA_COMPAT",
             .section = features,
             .doc = "Whether the Ollama API under `/api` is there."}),
        row([](auto& c) -> auto& { return c.features.debug_endpoints; },
            {.key = "ENABLE_DEBUG_ENDPOINTS",
             .section = features,
             .doc = "Whether endpoints for debugging are there; they need the scope `admin`."}),
        row([](auto& c) -> auto& { return c.features.metrics; },
            {.key = "ENABLE_METRICS", .section = features, .doc = "Whether `/metrics` is there."}),
        row([](auto& c) -> auto& { return c.features.events_content; },
            {.key = "EVENTS_CONTENT",
             .section = features,
             .doc = "Whether `/events` carries prompts and answers, to those who may listen there.",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.alert.webhook_url; },
            {.key = "ALERT_WEBHOOK_URL",
             .section = alerts,
             .doc = "Where incident alerts are posted; never shown, since such URLs often carry a "
                    "token.",
             .allowed = "an http:// or https:// URL, or file:PATH",
             .check = checks::webhook_url,
             .is_secret = true}),
        row([](auto& c) -> auto& { return c.alert.webhook_key; },
            {.key = "ALERT_WEBHOOK_KEY",
             .section = alerts,
             .doc = "Key with which alerts are signed (HMAC-SHA-256).",
             .allowed = "printable ASCII without spaces, or file:PATH",
             .check = checks::field_text}),
    };
}

} // namespace

std::vector<setting> env_settings() {
    std::vector<setting> all;
    for (auto part : {listeners_and_bridge, agents, callers, sessions_and_limits, content_and_logs,
                      features_and_alerts})
        for (setting const& one : part()) all.push_back(one);
    return all;
}

} // namespace mcp_provider::server
