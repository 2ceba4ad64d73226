// What the operator has decided, typed: one immutable value that every part of the server is built
// from.
#pragma once

#include "mcp_provider/core/secret.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// Which parts of the system one process runs.
enum class run_mode : std::uint8_t { serve, adapter, bridge };

/// What answers the prompts: `AGENT`.
enum class agent_kind : std::uint8_t {
    echo,
    openai,
    acp,
    codex,
    claude,
    mcp_pull,
    mcp_sampling,
    mcp_tool
};

enum class log_level : std::uint8_t { trace, debug, info, warning, error, critical };

/// What a match of a content rule leads to where the rule does not say: `editor` flags, `strict`
/// rejects.
enum class content_profile : std::uint8_t { editor, strict };

/// How far an audit record must have come before its request is acknowledged: page cache, or disk.
enum class audit_mode : std::uint8_t { fast, durable };

/// What happens to new work while the audit log cannot be written: it goes on and the loss is
/// counted, or it is refused.
enum class audit_failure : std::uint8_t { open, closed };

enum class rule_action : std::uint8_t { flag, reject, redact };

/// Where one part listens.
struct listen_settings {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0; ///< 0: any free one

    /// The numeric addresses to bind, most important first. `127.0.0.1` and `localhost` stand for
    /// the loopback of both families: an unbound ::1 could be taken by another local user, and
    /// clients ask for `localhost`.
    [[nodiscard]] std::vector<std::string> addresses() const {
        if (host == "127.0.0.1" || host == "localhost") return {"127.0.0.1", "::1"};
        return {host};
    }
    bool operator==(listen_settings const&) const = default;
};

struct adapter_settings {
    listen_settings listen{"127.0.0.1", 11434};
    std::uint32_t workers = 1; ///< threads; 0: one a core
};

struct bridge_settings {
    listen_settings listen{"127.0.0.1", 8787};
    std::string url = "ws://127.0.0.1:8787"; ///< where the adapter finds the bridge
    secret token;                            ///< empty only until `make_own_secrets` has run
    bool token_is_configured =
        false; ///< by MCP_BRIDGE_TOKEN, which outvotes STATE_DIR/bridge.token
    std::filesystem::path token_file; ///< where a replaced token is found while the server runs;
                                      ///< empty where it stands in the configuration itself
};

struct session_settings {
    std::chrono::seconds time_to_live{300}; ///< after the last activity
    std::uint64_t max_requests = 100;
    std::uint32_t max_concurrent = 5;
    std::chrono::seconds cleanup_interval{60};
    bool token_rotation = false;
};

struct rate_settings {
    bool enabled_by_env = true;  ///< ENABLE_RATE_LIMITING
    bool enabled_by_file = true; ///< security.rate_limiting.enabled
    std::chrono::seconds window{300};
    std::uint32_t max_requests = 100;
    std::uint32_t burst = 10; ///< at most that many in any one second
    std::chrono::seconds block_time{900};
    bool block_loopback = false; ///< whether all of loopback may be blocked as one caller

    [[nodiscard]] bool enabled() const noexcept { return enabled_by_env && enabled_by_file; }
};

struct request_settings {
    std::uint64_t max_body_bytes = 10'485'760;
    std::uint32_t max_headers = 100;
    std::uint32_t max_query_params = 50;
    std::uint32_t max_tokens = 8192; ///< upper bound of max_tokens / num_predict
    std::uint32_t max_concurrent = 10;
    std::chrono::seconds timeout{30};        ///< to the first byte
    std::chrono::seconds stream_timeout{60}; ///< between two deltas
};

/// A content rule of the operator's own, in RE2 syntax.
struct content_rule {
    std::string pattern;
    rule_action action = rule_action::flag;
    bool operator==(content_rule const&) const = default;
};

struct content_settings {
    content_profile profile = content_profile::editor;
    std::uint64_t max_prompt_characters = 8192;
    std::vector<std::string> allowed_types{"application/json", "text/event-stream"};
    std::string model_pattern = R"(^[a-zA-Z0-9\-_.:/]+$)";
    bool scan_responses = false;
    std::vector<content_rule> rules;
};

struct audit_settings {
    bool enabled = true;
    bool log_requests = true;
    bool log_responses = false; ///< whether content is written
    bool log_errors = true;
    std::chrono::days retention{30};
    audit_mode mode = audit_mode::fast;
    audit_failure on_failure = audit_failure::open;
    std::filesystem::path file;     ///< never empty once loaded; STATE_DIR/audit.jsonl by default,
                                    ///< STATE_DIR/bridge-audit.jsonl for `bridge`
    std::filesystem::path key_file; ///< never empty once loaded: STATE_DIR/audit.key by default
};

struct log_settings {
    log_level level = log_level::info;
    std::filesystem::path error_file;  ///< empty: stderr
    std::filesystem::path access_file; ///< empty: no access log; the audit log has every request
};

struct access_settings {
    std::string local_users_text;           ///< as written; empty: `self` for serve, else `none`
    std::vector<std::uint32_t> local_users; ///< user ids let in without a token
    std::vector<std::string> allowed_hosts{"127.0.0.1", "::1",
                                           "localhost"}; ///< security.allowed_hosts
    std::vector<std::string> more_hosts;                 ///< ALLOWED_HOSTS; `name` or `name:port`
    std::vector<std::string>
        allowed_origins; ///< beside the server's own; `scheme://host[:port]`, lower case
    bool discovery_open = true;
    bool metrics_open = true;
};

struct feature_settings {
    bool streaming = true;
    bool ollama_compat = true;
    bool debug_endpoints = false;
    bool metrics = true;
    bool events_content = false; ///< whether the event feed carries prompts and answers
};

/// A name under which a model of the agent is offered.
struct model_alias {
    std::string name;
    std::string model;
    bool operator==(model_alias const&) const = default;
};

struct agent_settings {
    agent_kind kind = agent_kind::echo;
    std::string openai_url; ///< base URL ending in /v1
    secret openai_key;
    std::filesystem::path openai_ca_file;   ///< empty: the system's certificates
    std::vector<std::string> openai_models; ///< offered ones; empty: all that the upstream lists
    std::vector<model_alias> aliases;
    std::string command;         ///< command line of an agent process
    std::uint32_t pool = 2;      ///< agent processes that are kept running
    std::uint32_t queue = 64;    ///< requests that may wait for one
    std::uint32_t sessions = 64; ///< conversations that are kept in the agents to be continued
    std::chrono::seconds session_time{1'800};
    std::chrono::seconds lease_time{20}; ///< that an MCP host may be silent about a prompt
    std::vector<std::string> permissions{"refuse"};
    std::vector<std::string> environment; ///< names of further variables that agents get
    std::string mcp_command; ///< command line of an MCP server; empty where `mcp_url` is set
    std::string mcp_url;
    secret mcp_token;
    std::string mcp_tool;
    std::string mcp_argument = "prompt"; ///< of that tool; takes the prompt
};

struct alert_settings {
    std::string webhook_url; ///< empty: no alerts
    secret webhook_key;
};

/// Everything configurable. Made by `load`, never changed afterwards; share it as
/// `std::shared_ptr<config const>`. It holds secrets, so it moves but does not copy. *Thread
/// safety*: safe while const.
struct config {
    std::filesystem::path state_directory;
    adapter_settings adapter;
    bridge_settings bridge;
    session_settings session;
    rate_settings rate;
    request_settings request;
    content_settings content;
    audit_settings audit;
    log_settings log;
    access_settings access;
    feature_settings features;
    agent_settings agent;
    alert_settings alert;

    [[nodiscard]] std::filesystem::path keys_file() const { return state_directory / "keys.json"; }
    /// Follows the head of the audit chain, so that cutting off the end of the log is noticed. Named
    /// after the log, since adapter and bridge may keep one each in one folder.
    [[nodiscard]] std::filesystem::path audit_head_file() const {
        return state_directory / (audit.file.stem().string() + ".head");
    }
    [[nodiscard]] std::filesystem::path bridge_token_file() const {
        return state_directory / "bridge.token";
    }
};

} // namespace mcp_provider::server
