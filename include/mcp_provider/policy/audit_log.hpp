// Leaves one record of every exchange, refusals included, and proves to generation that it will.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/audit/record.hpp"
#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/fields.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/trace_context.hpp"
#include "mcp_provider/session/session.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Which exchanges are recorded. What is a matter of security always is.
struct audit_choice {
    bool requests = true; ///< answered ones
    bool errors = true;   ///< refused, failed and broken-off ones
};

/// Must be outermost; provides `audited`. Writes one record when an exchange is over, whatever became of it.
/// No token, query or prompt gets into it: of a target only the path is written, of a prompt only its hash.
/// *Errors*: `overloaded` while the sink does not accept new work.
/// *Lifetime*: the sink must outlive the policy. *Thread safety*: safe.
template <class Clock = real_clock>
class audit_log {
public:
    static constexpr std::string_view name = "audit_log";
    static constexpr bool outermost = true;

    explicit audit_log(audit::sink& to, audit_choice what = {}, Clock clock = {})
        : sink_{&to}, what_{what}, clock_{std::move(clock)} {}

    result<audited> on_request(http::request const& asked) const {
        if (sink_->accepting()) return audited{asked.id()};
        return rejection{rejection_code::overloaded,
                         "the audit log cannot keep up, so no new work is taken"}
            .because("audit_unavailable")
            .come_again_in(std::chrono::seconds{5});
    }

    void on_complete(exchange const& done, principal const* who, session const* in,
                     audited const* generation) const noexcept {
        rejection const* const refused = done.refusal();
        bool const is_security = refused != nullptr && !refused->security_event().empty();
        audit::record out;
        out.type = audit::type_of(done.status(), done.cause() == end_cause::completed, is_security);
        if (out.type == audit::event_type::request ? !what_.requests
                                                   : !is_security && !what_.errors)
            return;

        http::request const& asked = done.request();
        out.timestamp = clock_.system();
        out.client_ip = asked.peer().address();
        out.local_uid = asked.peer().user();
        out.request_id = asked.id().text();
        out.endpoint = asked.path();
        out.method = asked.method_name();
        for (http::field_view const& one : asked.fields()) {
            if (http::equals_ignoring_case(one.name, "user-agent"))
                out.user_agent = one.value;
            else if (http::equals_ignoring_case(one.name, "traceparent"))
                out.trace_id = trace_id_of(one.value);
        }
        out.status_code = done.status();
        out.processing_time = done.ended() - done.started();
        out.request_size_bytes = done.request_bytes();
        out.response_size_bytes = done.response_bytes();
        out.cause = name_of(done.cause());
        out.refused_by = done.refused_by();
        if (refused != nullptr) {
            out.error_details = refused->message();
            out.reason = refused->reason();
            out.security_flags.add(refused->security_event());
        }
        if (!done.fault().empty()) out.error_details = done.fault();
        if (who != nullptr) out.principal_id = who->id();
        if (in != nullptr) out.session_id = in->id();
        if (generation != nullptr) add_notes(out, generation->notes());
        sink_->try_write(out);
    }

private:
    static void add_notes(audit::record& out, generation_notes const& notes) noexcept {
        out.model = notes.model;
        out.prompt_hash = notes.prompt_hash;
        if (notes.prompt_tokens + notes.completion_tokens != 0) {
            out.prompt_tokens = notes.prompt_tokens;
            out.completion_tokens = notes.completion_tokens;
        }
        http::for_each_element(notes.security_flags,
                               [&](std::string_view flag) { out.security_flags.add(flag); });
    }

    audit::sink* sink_;
    audit_choice what_;
    [[no_unique_address]] Clock clock_;
};

static_assert(policy<audit_log<>>);

} // namespace mcp_provider
