#include "config/token_strength.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/random.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

TEST_CASE("the alphabet that a token seems to use decides how many characters it needs") {
    struct {
        std::string_view name;
        std::string_view enough;
    } const cases[] = {
        {"hexadecimal", "3f8a91c07be54d26a1f09c8e73b5d042"},
        {"digits", "718293405619283740561923847056192837451"},
        {"lower case and digits", "k3v9x0q2m7w1z8r4t6y5u1p3s"},
        {"base64url", "Vp3xR7mQ2kZ8tB5nW1cY6h"},
        {"all printable", "V~3xR7m!2kZ8tB5nW$cY"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.name);
        CHECK(estimated_bits(one.enough) >= least_token_bits);
        CHECK(estimated_bits(one.enough.substr(1)) < least_token_bits);
    }
}

TEST_CASE("length alone does not make a token strong") {
    for (std::string const& token :
         {std::string(100, 'a'), std::string{"ababababababababababababababababababababab"},
          std::string{"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
          std::string{"Vp3xR7mQ2kVp3xR7mQ2kVp3xR7mQ2kVp3xR7mQ2k"},
          std::string{"secret" + std::string(40, '!')}}) {
        CAPTURE(token);
        CHECK(estimated_bits(token) < least_token_bits);
    }
    CHECK(estimated_bits("") == 0.0);
}

TEST_CASE("padding of base64 counts for nothing") {
    CHECK(estimated_bits("Vp3xR7mQ2kZ8tB5nW1cY6h==") == estimated_bits("Vp3xR7mQ2kZ8tB5nW1cY6h"));
}

TEST_CASE("no random token of ours is refused") {
    for (int i = 0; i < 2000; ++i) {
        auto const bytes = crypto::random_bytes<32>();
        CHECK(estimated_bits(crypto::base64url_encode(crypto::as_text(bytes))) >= least_token_bits);
        CHECK(estimated_bits(crypto::hex_encode(crypto::as_text(bytes))) >= least_token_bits);
    }
}
