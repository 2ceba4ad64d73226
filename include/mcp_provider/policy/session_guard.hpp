// Gives every principal a session, and lets nobody outlive theirs.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/credentials.hpp"
#include "mcp_provider/session/session.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider {

/// Needs `principal`, provides `session`: the one whose token the request carries, else the principal's implicit one,
/// which its first request makes. Counts the request; the TTL begins anew when the exchange is over.
/// *Errors*: `rate_limited` when the session is used up, `overloaded` when there are too many, `forbidden` while it is
/// suspended, `unauthenticated` when it was revoked, or when its token is another principal's. *Thread safety*: safe.
template <class Clock = real_clock>
class session_guard {
public:
    static constexpr std::string_view name = "session_guard";

    explicit session_guard(std::shared_ptr<session_store<Clock>> sessions, Clock clock = {})
        : sessions_{std::move(sessions)}, clock_{std::move(clock)} {}

    result<session> on_request(http::request const& asked, principal const& who) const {
        result<credentials> const sent = credentials::of(asked);
        if (!sent || !sent->token().starts_with(session_token_prefix)) return sessions_->admit(who);
        auto const owner = sessions_->owner_of_token(sent->token());
        if (owner && owner->id() != who.id())
            return rejection{rejection_code::unauthenticated,
                             "this session belongs to somebody else"}
                .because("invalid_session_token")
                .as_security_event("invalid_token");
        return sessions_->admit_token(sent->token());
    }

    /// Hands over the token that replaces the caller's, where one does.
    void on_response(http::request const&, http::response& answer, session const* in) const {
        if (in != nullptr && in->replacement())
            answer.fields().set("X-Session-Token", in->replacement()->reveal());
    }

    void on_complete(exchange const&, session const* in) const noexcept {
        if (in != nullptr) in->touch(clock_.steady());
    }

private:
    std::shared_ptr<session_store<Clock>> sessions_;
    [[no_unique_address]] Clock clock_;
};

static_assert(policy<session_guard<>>);

} // namespace mcp_provider
