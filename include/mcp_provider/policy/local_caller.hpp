// The fact that a request came from this machine, from an origin that may.
#pragma once

#include "mcp_provider/http/peer.hpp"

#include <string_view>

namespace mcp_provider {

/// A caller on this machine whose Host, Origin and Sec-Fetch-Site were checked; only `local_origin` makes one.
/// *Lifetime*: that of the exchange. *Thread safety*: used on the connection's thread only.
class local_caller {
public:
    /// The other end of the connection; its `user()` is the local user, where the kernel names one.
    [[nodiscard]] http::peer const& peer() const noexcept { return *peer_; }
    /// The allowed origin that asks; empty where the caller sent none.
    [[nodiscard]] std::string_view origin() const noexcept { return origin_; }
    /// Whether a browser asks: it sent an Origin or Sec-Fetch-Site. `Sec-Fetch-Mode` says nothing, Node's fetch sends it.
    [[nodiscard]] bool is_browser() const noexcept { return is_browser_; }

private:
    friend class local_origin;
    local_caller(http::peer const& peer, std::string_view origin, bool is_browser) noexcept
        : peer_{&peer}, origin_{origin}, is_browser_{is_browser} {}

    http::peer const* peer_;
    std::string_view origin_;
    bool is_browser_;
};

} // namespace mcp_provider
