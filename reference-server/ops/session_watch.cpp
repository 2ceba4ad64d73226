#include "ops/session_watch.hpp"

#include <utility>

namespace mcp_provider::server {

void session_watch::compare(std::vector<session_record> const& sessions) {
    std::map<std::string, seen> now;
    for (session_record const& one : sessions)
        now.emplace(one.id, seen{one.principal_id, one.state, one.request_count});
    for (auto const& [id, one] : now) {
        auto const was = before_.find(id);
        if (was == before_.end())
            tell("session.begun", id, one);
        else if (was->second.state != one.state)
            tell("session.changed", id, one);
    }
    for (auto const& [id, one] : before_)
        if (!now.contains(id)) tell("session.ended", id, one);
    before_ = std::move(now);
}

void session_watch::tell(std::string_view type, std::string const& id, seen const& one) {
    to_->publish(events::topic::session, type, [&](events::members& out) {
        out.add("session", id)
            .add("principal", one.principal)
            .add("state", name_of(one.state))
            .add("requests", one.requests);
    });
}

} // namespace mcp_provider::server
