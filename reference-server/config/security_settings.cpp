// The keys of config/security.yaml.
#include "config/checks.hpp"
#include "config/codec.hpp"
#include "config/setting.hpp"

#include <vector>

namespace mcp_provider::server {

namespace {

constexpr std::string_view network = "security.allowed_hosts";
constexpr std::string_view session = "security.session";
constexpr std::string_view request = "security.request";
constexpr std::string_view rate = "security.rate_limiting";
constexpr std::string_view content = "security.content";
constexpr std::string_view audit = "security.audit";

constexpr std::int64_t day = 86'400; // seconds
constexpr std::int64_t gibibyte = 1'073'741'824;
constexpr std::int64_t million = 1'000'000;

std::vector<setting> callers_and_requests() {
    return {
        row([](auto& c) -> auto& { return c.access.allowed_hosts; },
            {.key = "security.allowed_hosts",
             .where = home::security,
             .section = network,
             .doc =
                 "Names that a Host field may carry, with our port; `ALLOWED_HOSTS` adds to them.",
             .allowed = "a list of hosts, with or without a port",
             .check = checks::host_field}),
        row([](auto& c) -> auto& { return c.session.max_concurrent; },
            {.key = "security.session.max_concurrent",
             .where = home::security,
             .section = session,
             .doc = "Live sessions at once; beyond it 503.",
             .least = 1,
             .most = million}),
        row([](auto& c) -> auto& { return c.session.cleanup_interval; },
            {.key = "security.session.cleanup_interval_seconds",
             .where = home::security,
             .section = session,
             .doc = "How often ended sessions are removed.",
             .least = 1,
             .most = day}),
        row([](auto& c) -> auto& { return c.session.token_rotation; },
            {.key = "security.session.token_rotation_enabled",
             .where = home::security,
             .section = session,
             .doc = "Whether a session's token is replaced at half of its life; the old one is "
                    "good for 30 s more."}),
        row([](auto& c) -> auto& { return c.request.max_body_bytes; },
            {.key = "security.request.max_size_bytes",
             .where = home::security,
             .section = request,
             .doc = "Largest body of a request, decoded; beyond it 413.",
             .least = 1,
             .most = gibibyte}),
        row([](auto& c) -> auto& { return c.request.max_headers; },
            {.key = "security.request.max_headers",
             .where = home::security,
             .section = request,
             .doc = "Most header fields of a request; beyond it 431.",
             .least = 1,
             .most = 10'000}),
        row([](auto& c) -> auto& { return c.request.max_query_params; },
            {.key = "security.request.max_query_params",
             .where = home::security,
             .section = request,
             .doc = "Most query parameters of a request; beyond it 400.",
             .least = 0,
             .most = 10'000}),
    };
}

std::vector<setting> rates() {
    return {
        row([](auto& c) -> auto& { return c.rate.enabled_by_file; },
            {.key = "security.rate_limiting.enabled",
             .where = home::security,
             .section = rate,
             .doc = "Whether rates are limited; `ENABLE_RATE_LIMITING` must say so as well."}),
        row([](auto& c) -> auto& { return c.rate.window; },
            {.key = "security.rate_limiting.window_seconds",
             .where = home::security,
             .section = rate,
             .doc = "Length of the sliding window.",
             .least = 1,
             .most = day}),
        row([](auto& c) -> auto& { return c.rate.max_requests; },
            {.key = "security.rate_limiting.max_requests",
             .where = home::security,
             .section = rate,
             .doc = "Most requests of one session and of one client in any such window; beyond it "
                    "429.",
             .least = 1,
             .most = million}),
        row([](auto& c) -> auto& { return c.rate.burst; },
            {.key = "security.rate_limiting.burst_allowance",
             .where = home::security,
             .section = rate,
             .doc = "Most requests in any one second.",
             .least = 1,
             .most = million}),
        row([](auto& c) -> auto& { return c.rate.block_time; },
            {.key = "security.rate_limiting.block_seconds",
             .where = home::security,
             .section = rate,
             .doc = "How long a caller is blocked who goes on after three refusals.",
             .least = 1,
             .most = 365 * day}),
        row([](auto& c) -> auto& { return c.rate.block_loopback; },
            {.key = "security.rate_limiting.block_loopback",
             .where = home::security,
             .section = rate,
             .doc = "Whether a loopback address may be blocked as a whole, and with it every local "
                    "user."}),
    };
}

std::vector<setting> content_and_audit() {
    return {
        row([](auto& c) -> auto& { return c.content.max_prompt_characters; },
            {.key = "security.content.max_prompt_length",
             .where = home::security,
             .section = content,
             .doc = "Most characters (code points) of a prompt.",
             .least = 1,
             .most = 100 * million}),
        row([](auto& c) -> auto& { return c.content.allowed_types; },
            {.key = "security.content.allowed_content_types",
             .where = home::security,
             .section = content,
             .doc = "Content types that a browser may send; other callers may also send none or "
                    "text/plain.",
             .allowed = "a list of media types such as application/json",
             .check = checks::media_type}),
        row([](auto& c) -> auto& { return c.content.model_pattern; },
            {.key = "security.content.model_pattern",
             .where = home::security,
             .section = content,
             .doc = "What the name of a model must look like.",
             .allowed = "a regular expression in RE2 syntax",
             .check = checks::pattern}),
        row([](auto& c) -> auto& { return c.content.scan_responses; },
            {.key = "security.content.scan_responses",
             .where = home::security,
             .section = content,
             .doc = "Whether the content rules look at answers too, streamed ones across the "
                    "borders of their chunks."}),
        row([](auto& c) -> auto& { return c.content.rules; },
            {.key = "security.content.rules",
             .where = home::security,
             .section = content,
             .doc = "Content rules beside the built-in ones: a `pattern` and an `action` each.",
             .most = 1000,
             .allowed =
                 "a list of mappings with pattern (RE2 syntax) and action (flag, reject, redact)"}),
        row([](auto& c) -> auto& { return c.audit.enabled; },
            {.key = "security.audit.enabled",
             .where = home::security,
             .section = audit,
             .doc = "Whether the audit log is written.",
             .reloadable = false}),
        row([](auto& c) -> auto& { return c.audit.log_requests; },
            {.key = "security.audit.log_requests",
             .where = home::security,
             .section = audit,
             .doc = "Whether requests are recorded."}),
        row([](auto& c) -> auto& { return c.audit.log_responses; },
            {.key = "security.audit.log_responses",
             .where = home::security,
             .section = audit,
             .doc = "Whether the content of answers is recorded; nothing else of an answer depends "
                    "on this."}),
        row([](auto& c) -> auto& { return c.audit.log_errors; },
            {.key = "security.audit.log_errors",
             .where = home::security,
             .section = audit,
             .doc = "Whether refused and failed requests are recorded."}),
        row([](auto& c) -> auto& { return c.audit.retention; },
            {.key = "security.audit.retention_days",
             .where = home::security,
             .section = audit,
             .doc = "Days after which rotated audit logs are removed.",
             .least = 1,
             .most = 36'500}),
    };
}

} // namespace

std::vector<setting> security_settings() {
    std::vector<setting> all;
    for (auto part : {callers_and_requests, rates, content_and_audit})
        for (setting const& one : part()) all.push_back(one);
    return all;
}

} // namespace mcp_provider::server
