#include "keys/token_lookup.hpp"

#include "incident/control_file.hpp"
#include "mcp_provider/crypto/constant_time.hpp"

namespace mcp_provider::server {

token_lookup::token_lookup(std::shared_ptr<key_ring> keys,
                           std::shared_ptr<session_store<>> sessions, crypto::digest const& control)
    : keys_{std::move(keys)}, sessions_{std::move(sessions)}, control_{control} {
    auto who = std::make_shared<identity>();
    who->id = "control";
    who->label = "the operator's commands";
    who->known_by = identity::kind::key;
    who->may = scopes::all();
    operator_ = std::move(who);
}

std::shared_ptr<identity const> token_lookup::find(std::string_view token) const {
    if (token.starts_with(session_token_prefix)) {
        auto const owner = sessions_->owner_of_token(token);
        return owner ? owner->who() : nullptr;
    }
    if (token.starts_with(control_token_prefix))
        return crypto::constant_time_equal(crypto::sha256(token), control_) ? operator_ : nullptr;
    return keys_->find(token);
}

} // namespace mcp_provider::server
