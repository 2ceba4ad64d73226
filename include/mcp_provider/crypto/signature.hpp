// Ed25519 signatures: who has the public key can check, only who has the seed can sign.
#pragma once

#include "mcp_provider/core/secret.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace mcp_provider::crypto {

using ed25519_seed = std::array<std::uint8_t, 32>;       ///< secret
using ed25519_public_key = std::array<std::uint8_t, 32>; ///< not secret
using ed25519_signature = std::array<std::uint8_t, 64>;

namespace detail {

struct free_key {
    void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};

} // namespace detail

/// Signs (RFC 8032). *Thread safety*: distinct objects safe, shared objects safe for `sign`.
class signing_key {
public:
    /// Makes the key of a seed; the caller wipes the seed.
    explicit signing_key(ed25519_seed const& seed) noexcept
        : key_{EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size())} {
        detail::require(key_ != nullptr, "no Ed25519 key");
    }

    /// Makes a new key. `keep(seed)` may store the seed, which is wiped afterwards.
    template <class Keep>
    [[nodiscard]] static signing_key generate(Keep&& keep) {
        ed25519_seed seed = random_bytes<32>();
        signing_key made{seed};
        std::forward<Keep>(keep)(std::as_const(seed));
        wipe(seed.data(), seed.size());
        return made;
    }

    [[nodiscard]] ed25519_public_key public_key() const noexcept {
        ed25519_public_key out;
        std::size_t size = out.size();
        detail::require(EVP_PKEY_get_raw_public_key(key_.get(), out.data(), &size) == 1,
                        "no public key");
        return out;
    }

    /// Returns the signature of `text`. *Complexity*: about 50 µs.
    [[nodiscard]] ed25519_signature sign(std::string_view text) const noexcept {
        detail::digest_context const context = detail::make_digest_context();
        ed25519_signature out;
        std::size_t size = out.size();
        detail::require(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) ==
                                1 &&
                            EVP_DigestSign(context.get(), out.data(), &size,
                                           reinterpret_cast<unsigned char const*>(text.data()),
                                           text.size()) == 1,
                        "cannot sign");
        return out;
    }

private:
    std::unique_ptr<EVP_PKEY, detail::free_key> key_;
};

/// Whether `signature` is that of `text` under the key. False too where the key is no point of the curve.
/// *Complexity*: about 100 µs. *Thread safety*: safe.
[[nodiscard]] inline bool verify_signature(ed25519_public_key const& key, std::string_view text,
                                           ed25519_signature const& signature) noexcept {
    std::unique_ptr<EVP_PKEY, detail::free_key> const made{
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size())};
    if (made == nullptr) return false;
    detail::digest_context const context = detail::make_digest_context();
    return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, made.get()) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(),
                            reinterpret_cast<unsigned char const*>(text.data()), text.size()) == 1;
}

} // namespace mcp_provider::crypto
