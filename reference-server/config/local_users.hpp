// The local users that need no token: `self`, `none`, or a list of user ids and names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// The ids of a list, each once, or what is wrong with it.
struct local_user_list {
    std::vector<std::uint32_t> ids;
    std::string complaint; ///< empty when the list is right
};

/// Reads `self`, `none` or `1000,alice`; names are looked up in the user database. `self` is the
/// effective user.
[[nodiscard]] local_user_list read_local_users(std::string_view text);

} // namespace mcp_provider::server
