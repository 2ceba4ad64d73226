#include "mcp_provider/crypto/base64.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

TEST_CASE("base64 agrees with the vectors of RFC 4648") {
    for (auto const& [bytes, text] :
         std::array<std::pair<std::string_view, std::string_view>, 7>{{{"", ""},
                                                                       {"f", "Zg=="},
                                                                       {"fo", "Zm8="},
                                                                       {"foo", "Zm9v"},
                                                                       {"foob", "Zm9vYg=="},
                                                                       {"fooba", "Zm9vYmE="},
                                                                       {"foobar", "Zm9vYmFy"}}}) {
        CHECK(base64_encode(bytes) == text);
        CHECK(base64_decode(text) == bytes);
        CHECK(base64url_encode(bytes) == text.substr(0, text.find('=')));
    }
    CHECK(base64url_encode("\xfb\xff\xbf") == "-_-_");
    CHECK(base64_encode("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("base64_decode admits exactly one text for each value") {
    for (std::string_view text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm 8=", "Zm8=\n", "Zm8-",
                                  "=", "====", "Z===", "Zm8=Zm8="})
        CHECK_MESSAGE(!base64_decode(text), text);
    for (std::string_view text : {"Zg==", "Z", "Zh", "Zm9", "+/+/", "Zm 8", "Zg\n"})
        CHECK_MESSAGE(!base64url_decode(text), text);
}

TEST_CASE("base64url, base64 and hex give back what they were given") {
    std::mt19937 random{11};
    for (int round = 0; round != 500; ++round) {
        std::string bytes(random() % 50, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        CHECK(base64_decode(base64_encode(bytes)) == bytes);
        CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
        CHECK(hex_decode(hex_encode(bytes)) == bytes);
    }
}

TEST_CASE("hex is lower-case, whole bytes, and nothing else") {
    CHECK(hex_encode("\x01\xab") == "01ab");
    CHECK(hex_decode("01ab") == "\x01\xab");
    for (std::string_view text : {"0", "0g", "AB", "0 ", "01a"})
        CHECK_MESSAGE(!hex_decode(text), text);
    std::array<std::uint8_t, 2> bytes{};
    CHECK(hex_decode_into(bytes, "01ff"));
    CHECK(bytes == std::array<std::uint8_t, 2>{1, 255});
    CHECK(!hex_decode_into(bytes, "01ff00"));
}
