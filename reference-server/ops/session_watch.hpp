// Tells those who watch which sessions begin, change and end.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// Compares the sessions that there are with those of the last look, so that a request pays nothing for it: an event
/// comes as late as the looks are apart. *Thread safety*: used from one thread.
class session_watch {
public:
    explicit session_watch(std::shared_ptr<events::feed> to) noexcept : to_{std::move(to)} {}

    template <class Clock>
    void look(session_store<Clock> const& at) {
        compare(at.list());
    }

private:
    struct seen {
        std::string principal;
        session_state state;
        std::uint32_t requests;
    };

    void compare(std::vector<session_record> const& sessions);
    void tell(std::string_view type, std::string const& id, seen const& one);

    std::shared_ptr<events::feed> to_;
    std::map<std::string, seen> before_; ///< by id
};

} // namespace mcp_provider::server
