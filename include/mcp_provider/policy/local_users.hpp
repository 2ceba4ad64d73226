// The local users that are let in without a token.
#pragma once

#include "mcp_provider/core/principal.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mcp_provider {

/// An allow-list of user ids, each with its identity made once. Immutable once shared.
class local_users {
public:
    /// Lets a user in. Precondition: `uid` was not added before.
    void add(std::uint32_t uid, std::string label = {},
             scopes may = scope::discover | scope::generate) {
        auto who = std::make_shared<identity>();
        who->id = "uid:" + std::to_string(uid);
        who->label = std::move(label);
        who->known_by = identity::kind::local_user;
        who->may = may;
        who->uid = uid;
        users_.push_back(std::move(who));
    }

    /// The identity of a user; null if it is not on the list.
    [[nodiscard]] std::shared_ptr<identity const> find(std::uint32_t uid) const noexcept {
        for (auto const& one : users_)
            if (one->uid == uid) return one;
        return nullptr;
    }

private:
    std::vector<std::shared_ptr<identity const>> users_;
};

} // namespace mcp_provider
