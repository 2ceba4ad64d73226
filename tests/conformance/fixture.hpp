// What the conformance suite wants a server to offer.
#pragma once

namespace mcp_provider::mcp {
class server;
} // namespace mcp_provider::mcp

namespace mcp_provider::conformance {

/// Adds every tool, resource and prompt that the scenarios of the suite use.
void offer_everything(mcp::server& to);

} // namespace mcp_provider::conformance
