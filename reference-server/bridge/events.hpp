// `/events`: what the server does, told to those who may watch it while it does it.
#pragma once

#include "keys/key_ring.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/events/event.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/http/request.hpp"
#include "mcp_provider/http/response.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace mcp_provider::server::bridge {

/// What a listener asks for: `?topics=request,security` (all, where there is none) and the last event that it has seen,
/// from `?after=ID` or the field `Last-Event-ID` that an EventSource sends when it comes back.
struct listening {
    events::topics topics = events::topics::all();
    std::optional<std::uint64_t> after;

    /// *Errors*: `bad_request` for a topic that there is not.
    [[nodiscard]] static result<listening> of(http::request const& asked, events::feed const& in);
};

/// Says why a principal may not listen any longer: its key was revoked, or has expired. Empty while it may.
[[nodiscard]] std::function<std::string_view()> objection_to(principal who,
                                                             std::shared_ptr<key_ring const> keys);

/// `GET /events` as server-sent events. *Errors*: `bad_request`; `overloaded` where there are too many listeners.
struct events_handler {
    std::shared_ptr<events::feed> feed;
    std::shared_ptr<key_ring const> keys;

    result<http::response> operator()(http::request const& asked, principal const& who) const;
};

/// The refusal of one listener too many.
[[nodiscard]] rejection too_many_listeners();

} // namespace mcp_provider::server::bridge
