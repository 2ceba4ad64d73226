#include "scan/checks.hpp"
#include "scan/rules.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace mcp_provider::server::scan {

namespace {

/// The host of `scheme://host[:port][/path]`, of `host:port` or of `host`.
std::string_view host_in(std::string_view text) {
    if (auto const at = text.find("://"); at != std::string_view::npos) text.remove_prefix(at + 3);
    if (text.starts_with('[')) return text.substr(0, text.find(']') + 1);
    if (text == "::1") return text;
    return text.substr(0, text.find_first_of(":/"));
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

void check_lists(report& into, config const& settings) {
    for (auto const* const list : {&settings.access.allowed_hosts, &settings.access.more_hosts})
        for (std::string const& host : *list)
            if (!is_loopback(host_in(host)))
                into.add(rules::wide_host_list, "ALLOWED_HOSTS", host + " is no loopback name");
    for (std::string const& origin : settings.access.allowed_origins)
        if (!origin.starts_with("https://") && !is_loopback(host_in(origin)))
            into.add(rules::wide_origin_list, "ALLOWED_ORIGINS",
                     origin + " is neither encrypted nor local");
}

void check_limits(report& into, config const& settings) {
    if (!settings.rate.enabled())
        into.add(rules::rate_limit, "ENABLE_RATE_LIMITING", "rate limiting is off");
    constexpr std::uint32_t most_per_second = 200;
    if (settings.rate.enabled() &&
        settings.rate.max_requests /
                std::max<std::uint32_t>(static_cast<std::uint32_t>(settings.rate.window.count()),
                                        1) >
            most_per_second)
        into.add(rules::generous_limits, "security.rate_limiting.max_requests",
                 std::to_string(settings.rate.max_requests) + " in " +
                     std::to_string(settings.rate.window.count()) + " s");
    constexpr std::uint64_t most_bytes = 256ULL * 1024 * 1024;
    if (settings.request.max_body_bytes > most_bytes)
        into.add(rules::generous_limits, "security.request.max_size_bytes",
                 std::to_string(settings.request.max_body_bytes) + " bytes");
    constexpr std::chrono::hours longest_session{24 * 7};
    if (settings.session.time_to_live > longest_session)
        into.add(rules::generous_limits, "SESSION_TTL_SECONDS",
                 std::to_string(settings.session.time_to_live.count()) + " s");
}

} // namespace

void check_configuration(report& into, config const& settings) {
    check_lists(into, settings);
    check_limits(into, settings);
    if (settings.features.debug_endpoints)
        into.add(rules::debug_endpoints, "ENABLE_DEBUG_ENDPOINTS", "it is on");
    if (settings.audit.log_responses)
        into.add(rules::content_logging, "security.audit.log_responses",
                 "the content of answers is written");
    if (settings.features.events_content)
        into.add(rules::content_logging, "EVENTS_CONTENT", "prompts and answers are published");
    if (!settings.audit.enabled)
        into.add(rules::audit_off, "security.audit.enabled", "it is off");
    else if (!settings.audit.log_requests || !settings.audit.log_errors)
        into.add(rules::audit_off, "security.audit", "not all requests are recorded");
    if (settings.agent.kind == agent_kind::openai &&
        settings.agent.openai_url.starts_with("http://") &&
        !is_loopback(host_in(settings.agent.openai_url)))
        into.add(rules::plain_upstream, "AGENT_OPENAI_URL", "prompts travel in the clear");
    if (std::string const& url = settings.alert.webhook_url; !url.empty()) {
        if (url.starts_with("http://") && !is_loopback(host_in(url)))
            into.add(rules::plain_webhook, "ALERT_WEBHOOK_URL", "alerts travel in the clear");
        if (settings.alert.webhook_key.empty())
            into.add(rules::plain_webhook, "ALERT_WEBHOOK_KEY", "alerts are not signed");
    }
}

} // namespace mcp_provider::server::scan
