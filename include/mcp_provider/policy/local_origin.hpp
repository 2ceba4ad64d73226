// Admits callers of this machine and of allowed web origins, before anything else is asked.
#pragma once

#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/local_caller.hpp"
#include "mcp_provider/policy/origin_rules.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Provides `local_caller`. Refuses peers that are not loopback, hosts that are not ours (a rebound name), origins that
/// are not on the list, and what a browser sends for another site without an Origin (images, forms, navigation).
/// An allowed origin gets its CORS fields, on errors of later policies too; put an OPTIONS route with `preflight` beside.
/// *Errors*: `forbidden`, each a security event; `unsupported_media` for a page's body that is not JSON.
/// *Thread safety*: safe.
class local_origin {
public:
    static constexpr std::string_view name = "local_origin";

    explicit local_origin(std::shared_ptr<origin_rules const> rules) noexcept
        : rules_{std::move(rules)} {}

    result<local_caller> on_request(http::request const& asked) const {
        http::peer const& peer = asked.peer();
        if (!peer.is_loopback())
            return rejection{rejection_code::forbidden,
                             "access denied: this server answers its own machine only"}
                .as_security_event("external_access_attempt");

        seen const got = look_at(asked);
        if (got.hosts != 1 || !rules_->allows_host(got.host, peer.local_port()))
            return rejection{rejection_code::forbidden,
                             "the Host field must name this server: 127.0.0.1, localhost or [::1] "
                             "with its port, or a "
                             "configured host"}
                .at("host")
                .as_security_event("foreign_host");
        if (got.origins > 1 ||
            (got.origins == 1 && !rules_->allows_origin(got.origin, peer.local_port())))
            return rejection{rejection_code::forbidden,
                             "pages of this origin may not use this server; the operator can "
                             "add the origin to the allowed ones"}
                .at("origin")
                .as_security_event("foreign_origin");
        if (got.origins == 0 && got.other_site)
            return rejection{rejection_code::forbidden,
                             "a page of another site may not use this server"}
                .at("sec-fetch-site")
                .as_security_event("cross_site_request");
        if (got.origins == 1 && asked.framing().has_body() && !got.is_json)
            return rejection{rejection_code::unsupported_media,
                             "a browser must send its body as application/json"}
                .at("content-type")
                .with_field("Access-Control-Allow-Origin", std::string{got.origin})
                .with_field("Vary", "Origin");
        return local_caller{peer, got.origin, got.origins != 0 || got.sec_fetch_site};
    }

    void on_response(http::request const&, http::response& answer,
                     local_caller const* caller) const {
        if (caller == nullptr || caller->origin().empty()) return;
        http::fields& fields = answer.fields();
        fields.set("Access-Control-Allow-Origin", caller->origin());
        fields.add("Vary", "Origin");
        fields.set(
            "Access-Control-Expose-Headers",
            "x-request-id, request-id, retry-after, x-should-retry, x-ratelimit-limit-requests, "
            "x-ratelimit-remaining-requests, x-ratelimit-reset-requests");
    }

private:
    struct seen {
        std::string_view host;
        std::string_view origin;
        unsigned hosts = 0;
        unsigned origins = 0;
        bool sec_fetch_site = false;
        bool other_site = false;
        bool is_json = false;
    };

    static seen look_at(http::request const& asked) noexcept {
        seen got;
        for (http::field_view const& one : asked.fields()) {
            switch (one.name.size()) {
            case 4:
                if (http::equals_ignoring_case(one.name, "host")) got.host = one.value, ++got.hosts;
                break;
            case 6:
                if (http::equals_ignoring_case(one.name, "origin"))
                    got.origin = one.value, ++got.origins;
                break;
            case 12:
                if (http::equals_ignoring_case(one.name, "content-type"))
                    got.is_json = http::equals_ignoring_case(
                        http::trimmed(one.value.substr(0, one.value.find(';'))),
                        "application/json");
                break;
            case 14:
                if (http::equals_ignoring_case(one.name, "sec-fetch-site")) {
                    got.sec_fetch_site = true;
                    if (one.value == "cross-site" || one.value == "same-site")
                        got.other_site = true;
                }
                break;
            default: break;
            }
        }
        return got;
    }

    std::shared_ptr<origin_rules const> rules_;
};

static_assert(policy<local_origin>);

} // namespace mcp_provider
