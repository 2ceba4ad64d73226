#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/signature.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

namespace {

struct vector {
    std::string_view seed;
    std::string_view public_key;
    std::string_view text;
    std::string_view signature;
};

ed25519_seed seed_of(vector const& one) {
    ed25519_seed seed;
    REQUIRE(hex_decode_into(seed, one.seed));
    return seed;
}

} // namespace

TEST_CASE("signing_key agrees with the vectors of RFC 8032") {
    for (vector const& one : {
             vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33b"
                    "acc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
             vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e1599"
                    "6e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
         }) {
        signing_key const key{seed_of(one)};
        std::string const text = hex_decode(one.text).value();
        CHECK(hex_encode(as_text(key.public_key())) == one.public_key);
        CHECK(hex_encode(as_text(key.sign(text))) == one.signature);
        CHECK(verify_signature(key.public_key(), text, key.sign(text)));
    }
}

TEST_CASE("verify_signature refuses another text, another key and another signature") {
    ed25519_seed kept{};
    signing_key const key = signing_key::generate([&](ed25519_seed const& seed) { kept = seed; });
    signing_key const other = signing_key::generate([](ed25519_seed const&) {});
    ed25519_signature const signature = key.sign("checkpoint 17");

    CHECK(signing_key{kept}.public_key() == key.public_key());
    CHECK(verify_signature(key.public_key(), "checkpoint 17", signature));
    CHECK(!verify_signature(key.public_key(), "checkpoint 18", signature));
    CHECK(!verify_signature(other.public_key(), "checkpoint 17", signature));
    for (std::size_t i = 0; i != signature.size(); ++i) {
        ed25519_signature forged = signature;
        forged[i] ^= 1U;
        CHECK(!verify_signature(key.public_key(), "checkpoint 17", forged));
    }
}
