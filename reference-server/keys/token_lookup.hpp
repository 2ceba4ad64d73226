// Every kind of token that this server knows: API keys, tokens of sessions, and the operator's control token.
#pragma once

#include "keys/key_ring.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/session/session_store.hpp"

#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider::server {

/// Told apart by their prefixes. *Thread safety*: `find` from every worker.
class token_lookup {
public:
    /// `control` is the digest of the token in the control file, which may do everything.
    token_lookup(std::shared_ptr<key_ring> keys, std::shared_ptr<session_store<>> sessions,
                 crypto::digest const& control);

    /// A `key_lookup`: whose token it is, or null. All comparisons are of digests and in constant time.
    [[nodiscard]] std::shared_ptr<identity const> find(std::string_view token) const;

private:
    std::shared_ptr<key_ring> keys_;
    std::shared_ptr<session_store<>> sessions_;
    crypto::digest control_;
    std::shared_ptr<identity const> operator_;
};

} // namespace mcp_provider::server
