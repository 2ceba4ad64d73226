#include "mcp_provider/mcp/header_value.hpp"

#include <string>

#include <doctest/doctest.h>

using namespace mcp_provider::mcp;

TEST_CASE("a header value of printable ASCII stays as it is") {
    for (std::string const text : {"", "us-west1", "us west 1", "file:///a%20b", "=?base64?", "?="})
        CHECK(encode_header_value(text) == text);
}

TEST_CASE("a header value that HTTP could not carry travels in base64") {
    CHECK(encode_header_value("h\xc3\xa9llo") == "=?base64?aMOpbGxv?=");
    CHECK(encode_header_value(" padded ") == "=?base64?IHBhZGRlZCA=?=");
    CHECK(encode_header_value("line1\nline2") == "=?base64?bGluZTEKbGluZTI=?=");
    CHECK(encode_header_value("\tindented") == "=?base64?CWluZGVudGVk?=");
    CHECK(encode_header_value("a\x7f") == "=?base64?YX8=?=");
    CHECK(encode_header_value("=?base64?literal?=") == "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=");
}

TEST_CASE("a header value reads back as the text it was made from, whatever its bytes") {
    std::string all;
    for (int byte = 0; byte != 256; ++byte) {
        all += static_cast<char>(byte);
        for (std::string const& text : {std::string(1, static_cast<char>(byte)), all}) {
            std::string const value = encode_header_value(text);
            CHECK(value.find_first_of("\r\n") == std::string::npos);
            CHECK(decode_header_value(value) == text);
        }
    }
}

TEST_CASE("a header value that claims to be base64 and is not is refused") {
    CHECK(decode_header_value("=?base64?aMOpbGxv?=") == "h\xc3\xa9llo");
    CHECK(decode_header_value("=?BASE64?x?=") == "=?BASE64?x?=");
    for (std::string const value :
         {"=?base64?aMOpbGx?=", "=?base64?a?=", "=?base64?aMOp bGx?=", "=?base64?YX9=?="})
        CHECK_FALSE(decode_header_value(value).has_value());
    CHECK(decode_header_value("=?base64?"
                              "?=") == "");
}
