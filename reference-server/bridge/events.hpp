// `/events`: what the server does, told to those who may watch it while it does it.
#pragma once

#include "bridge/permission_board.hpp"
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

/// `GET /events`: server-sent events, or a WebSocket where the client asks for one, over which it may answer questions as
/// well. *Errors*: `bad_request`; `overloaded` where there are too many listeners.
struct events_handler {
    std::shared_ptr<events::feed> feed;
    std::shared_ptr<permission_board> board;
    std::shared_ptr<key_ring const> keys;

    result<http::response> operator()(http::request const& asked, principal const& who) const;
};

/// `POST /events/answers`: answers a question that an agent has asked. *Errors*: `not_found`, `conflict` for one that is
/// over.
struct answer_handler {
    std::shared_ptr<permission_board> board;

    result<http::response> operator()(permission_answer const& given, principal const& who) const;
};

} // namespace mcp_provider::server::bridge
