#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/hmac.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

namespace {

std::string hex_tag(std::string_view key, std::string_view text) {
    return hex_encode(as_text(hmac_sha256(key, text)));
}

} // namespace

TEST_CASE("hmac_sha256 agrees with the vectors of RFC 4231") {
    CHECK(hex_tag(std::string(20, '\x0b'), "Hi There") ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(hex_tag("Jefe", "what do ya want for nothing?") ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(hex_tag(std::string(20, '\xaa'), std::string(50, '\xdd')) ==
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    CHECK(hex_tag(std::string(131, '\xaa'),
                  "Test Using Larger Than Block-Size Key - Hash Key First") ==
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    CHECK(hex_tag(std::string(131, '\xaa'),
                  "This is a test using a larger than block-size key and a larger than block-size "
                  "data. The key needs to be hashed before being used by the HMAC algorithm.") ==
          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST_CASE("hmac_key gives the same tag however often it is used, and after a move") {
    hmac_key key{std::string_view{"Jefe"}};
    digest const first = key.tag("what do ya want for nothing?");
    (void)key.tag("something else");
    CHECK(key.tag("what do ya want for nothing?") == first);

    hmac_key moved = std::move(key);
    CHECK(moved.tag("what do ya want for nothing?") == first);
    CHECK(moved.tag("what do ya want for nothing!") != first);
}
