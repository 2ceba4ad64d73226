// Tells those who watch that a request was admitted, and how it ended.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/session/session.hpp"

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Publishes `request.begun` and `request.ended`. Place it last: what an earlier policy refuses has only an end.
/// No header, query, prompt or answer gets into an event. *Thread safety*: safe. *Complexity*: one relaxed load while
/// nobody listens.
class announce_requests {
public:
    static constexpr std::string_view name = "announce_requests";

    explicit announce_requests(std::shared_ptr<events::feed> to) noexcept : to_{std::move(to)} {}

    result<> on_request(http::request const& asked, principal const& who, session const& in) const {
        to_->publish(events::topic::request, "request.begun", [&](events::members& out) {
            add_request(out, asked);
            out.add("principal", who.id()).add("session", in.id());
        });
        return {};
    }

    void on_complete(exchange const& done, principal const* who, session const* in,
                     audited const* generation) const noexcept {
        to_->publish(events::topic::request, "request.ended", [&](events::members& out) {
            add_request(out, done.request());
            if (who != nullptr) out.add("principal", who->id());
            if (in != nullptr) out.add("session", in->id());
            out.add("status", done.status()).add("cause", name_of(done.cause()));
            if (rejection const* const refused = done.refusal())
                out.add("refused_by", done.refused_by())
                    .add("reason", refused->reason())
                    .add("message", refused->message());
            out.add("duration_ms", in_ms(done.ended() - done.started()));
            if (done.first_byte() < done.ended())
                out.add("first_byte_ms", in_ms(done.first_byte() - done.started()));
            out.add("request_bytes", done.request_bytes())
                .add("response_bytes", done.response_bytes());
            if (generation == nullptr) return;
            generation_notes const& notes = generation->notes();
            out.add("model", notes.model).add("finish_reason", notes.finish_reason);
            if (notes.prompt_tokens + notes.completion_tokens != 0)
                out.add("prompt_tokens", notes.prompt_tokens)
                    .add("completion_tokens", notes.completion_tokens);
        });
    }

private:
    static void add_request(events::members& out, http::request const& asked) {
        out.add("request_id", asked.id().text())
            .add("method", asked.method_name())
            .add("endpoint", asked.path());
    }
    static double in_ms(std::chrono::nanoseconds time) noexcept {
        return static_cast<double>(
                   std::chrono::duration_cast<std::chrono::microseconds>(time).count()) /
               1000.0;
    }

    std::shared_ptr<events::feed> to_;
};

static_assert(policy<announce_requests>);

} // namespace mcp_provider
