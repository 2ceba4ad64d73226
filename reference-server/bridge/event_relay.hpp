// Carries what an adapter's feed tells to the feed of the bridge, where those who watch listen.
#pragma once

#include "bridge/link_agent.hpp"
#include "mcp_provider/events/feed.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <string_view>

namespace mcp_provider::server::bridge {

/// Sends the events of a feed over a link, while somebody at the bridge listens. Before `link_agent::start`.
void relay_events(std::shared_ptr<events::feed> from, std::shared_ptr<link_agent> to,
                  asio::io_context& on);

/// Publishes an event that an adapter has sent, one JSON object; one that has no known type is dropped.
void publish_relayed(events::feed& to, std::string_view event);

} // namespace mcp_provider::server::bridge
