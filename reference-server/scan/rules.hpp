// Every rule of the security scan: the checklist of the seed, as far as a program can check it.
#pragma once

#include "scan/finding.hpp"

#include <array>
#include <span>

namespace mcp_provider::server::scan {

namespace rules {

inline constexpr rule configuration{
    "configuration.valid", severity::high,
    "the configuration is valid, and no secret is a placeholder or weak",
    "run `mcp-local-provider check-config`, and mend what it names"};
inline constexpr rule state_folder{"files.state-folder", severity::high,
                                   "STATE_DIR is for its owner alone", "chmod 700 STATE_DIR"};
inline constexpr rule secret_file{
    "files.secret", severity::high, "files with secrets and state are for their owner alone",
    "chmod 600 the file, and make the secret anew if others could read it"};
inline constexpr rule configuration_file{
    "files.configuration", severity::high,
    "configuration files can be written by their owner only, and read only where they hold no "
    "secret",
    "chmod 600 the file, or move secrets out of it with file:PATH"};
inline constexpr rule wide_bind{"network.bind", severity::high,
                                "the server listens on loopback only",
                                "set ADAPTER_HOST and BRIDGE_HOST to 127.0.0.1, and start again"};
inline constexpr rule stranger{"network.stranger", severity::high,
                               "the ports of this installation are held by this program",
                               "find out who holds the port, and stop it, or move this server"};
inline constexpr rule rebinding{"network.rebinding", severity::high,
                                "a Host that is not the server's own is refused",
                                "remove the name from ALLOWED_HOSTS and security.allowed_hosts"};
inline constexpr rule foreign_origin{"network.origin", severity::high,
                                     "a web page of another origin is refused",
                                     "remove the origin from ALLOWED_ORIGINS"};
inline constexpr rule open_admin{"access.admin", severity::high,
                                 "the playbook answers to scope admin only",
                                 "report this: it is a fault of the server"};
inline constexpr rule management{"access.management", severity::high,
                                 "models cannot be managed through the API",
                                 "report this: it is a fault of the server"};
inline constexpr rule wide_host_list{
    "access.hosts", severity::medium, "Host names beyond loopback are not accepted",
    "remove the name from ALLOWED_HOSTS or security.allowed_hosts"};
inline constexpr rule wide_origin_list{
    "access.origins", severity::medium, "only encrypted or local web origins are accepted",
    "use https:// for the origin, or remove it from ALLOWED_ORIGINS"};
inline constexpr rule endless_admin_key{"tokens.admin", severity::medium,
                                        "keys with scope admin expire",
                                        "make a new one with --expires, and revoke the old one"};
inline constexpr rule old_key{"tokens.age", severity::low, "keys are replaced within a year",
                              "make a new key, and revoke the old one"};
inline constexpr rule rate_limit{
    "limits.rate", severity::high, "rates are limited",
    "set ENABLE_RATE_LIMITING=true and security.rate_limiting.enabled: true"};
inline constexpr rule generous_limits{"limits.generous", severity::medium,
                                      "limits are low enough to stop a runaway program",
                                      "lower the limit that is named"};
inline constexpr rule debug_endpoints{"features.debug", severity::medium, "debug endpoints are off",
                                      "set ENABLE_DEBUG_ENDPOINTS=false"};
inline constexpr rule content_logging{
    "features.content", severity::medium, "prompts and answers are neither logged nor published",
    "set security.audit.log_responses: false and EVENTS_CONTENT=false"};
inline constexpr rule audit_off{"audit.enabled", severity::high, "the audit log is written",
                                "set security.audit.enabled, log_requests and log_errors to true"};
inline constexpr rule audit_chain{
    "audit.chain", severity::high, "the audit chain is whole",
    "run `mcp-local-provider audit verify`, keep the files, and treat it as an incident"};
inline constexpr rule audit_retention{"audit.retention", severity::low,
                                      "rotated audit logs are removed when their time is over",
                                      "remove them, or have logrotate do so"};
inline constexpr rule plain_upstream{"secrets.upstream", severity::high,
                                     "prompts and keys leave this machine encrypted only",
                                     "use https:// in AGENT_OPENAI_URL"};
inline constexpr rule plain_webhook{"secrets.webhook", severity::medium,
                                    "alerts leave this machine encrypted, and are signed",
                                    "use https:// in ALERT_WEBHOOK_URL, and set ALERT_WEBHOOK_KEY"};
inline constexpr rule core_dumps{"process.core-dumps", severity::medium,
                                 "the server leaves no core dump",
                                 "start it again as it is shipped"};
inline constexpr rule other_version{"process.version", severity::low,
                                    "the server that runs is of the installed version",
                                    "start the server again"};
inline constexpr rule little_room{"process.disk", severity::medium,
                                  "the disk of STATE_DIR has room for the audit log",
                                  "make room, or move STATE_DIR"};

} // namespace rules

/// All of them, for SARIF and documentation.
inline constexpr std::array<rule const*, 26> all_rules{
    &rules::configuration,      &rules::state_folder,    &rules::secret_file,
    &rules::configuration_file, &rules::wide_bind,       &rules::stranger,
    &rules::rebinding,          &rules::foreign_origin,  &rules::open_admin,
    &rules::management,         &rules::wide_host_list,  &rules::wide_origin_list,
    &rules::endless_admin_key,  &rules::old_key,         &rules::rate_limit,
    &rules::generous_limits,    &rules::debug_endpoints, &rules::content_logging,
    &rules::audit_off,          &rules::audit_chain,     &rules::audit_retention,
    &rules::plain_upstream,     &rules::plain_webhook,   &rules::core_dumps,
    &rules::other_version,      &rules::little_room};

} // namespace mcp_provider::server::scan
