// An API key as it is kept: everything but the token, of which only the SHA-256 is known.
#pragma once

#include "keys/moment.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// How every token begins, so that people and secret scanners recognise one.
inline constexpr std::string_view token_prefix = "mlp_";
/// Prefix and 32 random bytes as base64url.
inline constexpr std::size_t token_size = 47;

struct key_record {
    std::string id; ///< `key_` and 12 hexadecimal digits; not secret
    std::string label;
    crypto::digest token_digest{};
    scopes may;
    std::vector<std::string> models; ///< empty: all
    moment created{};
    std::optional<moment> expires; ///< from this moment on the key is good for nothing
    std::optional<moment> revoked;
    bool operator==(key_record const&) const = default;
};

/// The key file cannot be read, is not ours, or cannot be written. The message names the file and
/// the remedy. Never read as "no keys": who catches it must not let anybody in, or keep the keys
/// that it has.
class key_file_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace mcp_provider::server
