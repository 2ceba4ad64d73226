// A feed with a listener, whose events are looked at as text.
#pragma once

#include "mcp_provider/events/feed.hpp"

#include <memory>
#include <string_view>

namespace mcp_provider::testing {

/// Listens from its beginning on.
class overheard {
public:
    overheard();
    ~overheard();
    overheard(overheard const&) = delete;
    overheard& operator=(overheard const&) = delete;

    [[nodiscard]] std::shared_ptr<events::feed> const& get() const noexcept { return feed_; }
    /// Whether the last event that came says this.
    [[nodiscard]] bool tells(std::string_view part);
    [[nodiscard]] bool is_silent();

private:
    struct ear;
    std::shared_ptr<events::feed> feed_;
    std::unique_ptr<ear> ear_;
};

} // namespace mcp_provider::testing
