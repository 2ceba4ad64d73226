#include "parameters.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

http::limits limits_of(config const& from) {
    http::limits out;
    out.max_body_bytes = from.request.max_body_bytes;
    out.max_header_fields = from.request.max_headers;
    return out;
}

time_limits time_limits_of(config const& from) {
    return {.to_first_byte = from.request.timeout, .between_bytes = from.request.stream_timeout};
}

std::shared_ptr<local_users const> users_of(config const& from, scopes may) {
    auto out = std::make_shared<local_users>();
    for (std::uint32_t const uid : from.access.local_users)
        if (!out->find(uid)) out->add(uid, {}, may);
    return out;
}

std::shared_ptr<origin_rules const> origins_of(config const& from) {
    std::vector<std::string> hosts = from.access.allowed_hosts;
    hosts.insert(hosts.end(), from.access.more_hosts.begin(), from.access.more_hosts.end());
    return std::make_shared<origin_rules const>(std::move(hosts), from.access.allowed_origins);
}

std::shared_ptr<request_rules const> request_rules_of(config const& from) {
    request_rules out;
    out.max_header_fields = from.request.max_headers;
    out.max_query_params = from.request.max_query_params;
    out.max_body_bytes = from.request.max_body_bytes;
    out.content_types = from.content.allowed_types;
    return std::make_shared<request_rules const>(std::move(out));
}

block_rules block_rules_of(config const& from) {
    block_rules out;
    out.refusal_block = from.rate.block_time;
    out.whole_loopback = from.rate.block_loopback;
    return out;
}

rate_rules rate_rules_of(config const& from) {
    rate_rules out;
    out.enabled = from.rate.enabled();
    out.max_requests = from.rate.max_requests;
    out.window = from.rate.window;
    out.burst = from.rate.burst;
    return out;
}

session_limits session_limits_of(config const& from) {
    session_limits out;
    out.ttl = from.session.time_to_live;
    out.max_requests =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(from.session.max_requests, UINT32_MAX));
    out.max_concurrent = from.session.max_concurrent;
    return out;
}

std::shared_ptr<generation_rules const> generation_rules_of(config const& from) {
    generation_rules out;
    out.model_pattern =
        std::make_shared<re2::RE2 const>(from.content.model_pattern, re2::RE2::Quiet);
    out.model_pattern_text = from.content.model_pattern;
    if (!out.model_pattern->ok())
        throw std::invalid_argument{"the model pattern is no regular expression: " +
                                    out.model_pattern->error()};
    out.max_tokens = from.request.max_tokens;
    out.max_prompt_characters = from.content.max_prompt_characters;
    out.streaming = from.features.streaming;
    return std::make_shared<generation_rules const>(std::move(out));
}

std::shared_ptr<content_rule_set const> content_rules_of(config const& from) {
    bool const strict = from.content.profile == content_profile::strict;
    std::vector<mcp_provider::content_rule> out =
        default_content_rules(strict ? content_action::reject : content_action::flag);
    std::size_t number = 0;
    for (content_rule const& one : from.content.rules) {
        auto pattern = std::make_shared<re2::RE2 const>(one.pattern, re2::RE2::Quiet);
        if (!pattern->ok())
            throw std::invalid_argument{"a content rule is no regular expression: " +
                                        pattern->error()};
        mcp_provider::content_rule added;
        added.name = "operator_" + std::to_string(++number);
        added.action =
            one.action == rule_action::flag ? content_action::flag : content_action::reject;
        added.search = [pattern = std::move(pattern)](std::string_view text) {
            return re2::RE2::PartialMatch({text.data(), text.size()}, *pattern);
        };
        out.push_back(std::move(added));
    }
    return std::make_shared<content_rule_set const>(std::move(out));
}

audit_choice audit_choice_of(config const& from) {
    return {.requests = from.audit.log_requests, .errors = from.audit.log_errors};
}

audit::json_lines_options audit_options_of(config const& from) {
    audit::json_lines_options out;
    out.log_file = from.audit.file.string();
    out.key_file = from.audit.key_file.string();
    out.head_file = from.audit_head_file().string();
    out.on_full = from.audit.on_failure == audit_failure::closed ? audit::when_full::fail_closed
                                                                 : audit::when_full::fail_open;
    return out;
}

} // namespace mcp_provider::server
