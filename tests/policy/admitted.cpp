#include "admitted.hpp"

#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

template class mcp_provider::session_store<mcp_provider::testing::manual_clock>;

namespace mcp_provider::testing {

std::shared_ptr<identity const> key_identity(std::string id, std::optional<system_time> expires) {
    auto who = std::make_shared<identity>();
    who->id = std::move(id);
    who->known_by = identity::kind::key;
    who->may = scope::generate;
    who->expires = expires;
    return who;
}

principal someone(std::string id) { return principal{key_identity(std::move(id))}; }

std::shared_ptr<local_users const> only_user(std::uint32_t uid) {
    auto users = std::make_shared<local_users>();
    users->add(uid);
    return users;
}

std::shared_ptr<block_table> new_block_table(block_rules rules) {
    return std::make_shared<block_table>(rules);
}

local_caller admitted_caller(http::request const& asked) {
    return local_origin{std::make_shared<origin_rules const>()}.on_request(asked).value();
}

result<throttled> throttled_caller(std::shared_ptr<block_table> const& blocks,
                                   local_caller const& caller, manual_clock const& clock) {
    return address_block<manual_clock>{blocks, clock}.on_request(caller);
}

result<throttled> throttled_user(std::shared_ptr<block_table> const& blocks,
                                 std::optional<std::uint32_t> user, manual_clock const& clock) {
    fake_peer const peer{user};
    fake_request asked;
    asked.from(peer);
    return throttled_caller(blocks, admitted_caller(asked), clock);
}

session session_of(principal const& who) {
    session_limits limits;
    limits.max_requests = std::numeric_limits<std::uint32_t>::max();
    limits.max_concurrent = 1000;
    static session_store<> sessions{limits};
    return sessions.admit(who).value();
}

} // namespace mcp_provider::testing
