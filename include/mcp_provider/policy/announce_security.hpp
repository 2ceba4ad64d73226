// Tells those who watch that somebody was refused for a reason of security, or said something suspicious.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Publishes `security.refused` for a refusal that is a security event, and `security.flagged` where content rules
/// matched. Place it behind `audit_log` in every pipeline: it sees the refusals of all policies.
/// No token, query or content gets into an event. *Thread safety*: safe.
class announce_security {
public:
    static constexpr std::string_view name = "announce_security";

    explicit announce_security(std::shared_ptr<events::feed> to) noexcept : to_{std::move(to)} {}

    void on_complete(exchange const& done, principal const* who,
                     audited const* generation) const noexcept {
        rejection const* const refused = done.refusal();
        if (refused != nullptr && !refused->security_event().empty())
            to_->publish(events::topic::security, "security.refused", [&](events::members& out) {
                out.add("event", refused->security_event());
                add_who(out, done.request(), who);
                out.add("status", done.status())
                    .add("refused_by", done.refused_by())
                    .add("message", refused->message());
            });
        if (generation != nullptr && !generation->notes().security_flags.empty())
            to_->publish(events::topic::security, "security.flagged", [&](events::members& out) {
                out.add("event", "suspicious_content");
                add_who(out, done.request(), who);
                out.add("status", done.status()).add("rules", generation->notes().security_flags);
            });
    }

private:
    static void add_who(events::members& out, http::request const& asked, principal const* who) {
        out.add("request_id", asked.id().text())
            .add("method", asked.method_name())
            .add("endpoint", asked.path())
            .add("client_ip", asked.peer().address());
        if (auto const uid = asked.peer().user()) out.add("local_uid", *uid);
        if (who != nullptr) out.add("principal", who->id());
    }

    std::shared_ptr<events::feed> to_;
};

static_assert(policy<announce_security>);

} // namespace mcp_provider
