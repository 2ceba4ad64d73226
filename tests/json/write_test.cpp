#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/write.hpp"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

std::string quoted(std::string_view text) {
    std::string out;
    json::append_quoted(out, text);
    return out;
}

template <class Number>
std::string number(Number n) {
    std::string out;
    json::append_number(out, n);
    return out;
}

constexpr std::string_view replacement = "\xEF\xBF\xBD";

} // namespace

TEST_CASE("append_quoted escapes what RFC 8259 demands and nothing else") {
    CHECK(quoted("") == R"("")");
    CHECK(quoted("plain text / with 'quotes' and \x7f") ==
          "\"plain text / with 'quotes' and \x7f\"");
    CHECK(quoted("\"\\\b\f\n\r\t") == R"("\"\\\b\f\n\r\t")");
    CHECK(quoted(std::string_view{"\0\x01\x1f", 3}) == R"("\u0000\u0001\u001f")");
    CHECK(quoted("h\xC3\xA9llo \xF0\x9F\x98\x80") == "\"h\xC3\xA9llo \xF0\x9F\x98\x80\"");
}

TEST_CASE("append_quoted finds an escape at every place of a long run") {
    for (std::size_t size = 1; size != 40; ++size)
        for (std::size_t at = 0; at != size; ++at)
            for (char const special : {'"', '\\', '\n', '\x01'}) {
                std::string text(size, 'a');
                text[at] = special;
                auto const parsed = json::parse(quoted(text));
                REQUIRE(parsed);
                CHECK(std::string_view{parsed->as_string()} == text);
            }
}

TEST_CASE("append_quoted replaces each byte of invalid UTF-8 by U+FFFD") {
    std::string const one{replacement};
    for (std::string_view bad : {"\xFF", "\x80", "\xC2", "\xC0", "\xF5"})
        CHECK(quoted(bad) == '"' + one + '"');
    CHECK(quoted("\xC0\xAF") == '"' + one + one + '"');
    CHECK(quoted("\xE0\x9F\xBF") == '"' + one + one + one + '"');
    CHECK(quoted("\xED\xA0\x80") == '"' + one + one + one + '"');
    CHECK(quoted("\xF4\x90\x80\x80") == '"' + one + one + one + one + '"');
    CHECK(quoted("a\xE2\x82z") == "\"a" + one + one + "z\"");
    CHECK(quoted("\xF0\x9F\x98") == '"' + one + one + one + '"');
}

TEST_CASE("append_quoted makes text of random bytes that parses") {
    std::mt19937 random{7};
    for (int round = 0; round != 20'000; ++round) {
        std::string bytes(random() % 40, '\0');
        for (char& c : bytes) c = static_cast<char>(random());
        CHECK_MESSAGE(json::parse(quoted(bytes)), round);
    }
}

TEST_CASE("utf8_sequence_length knows the borders of RFC 3629") {
    for (std::string_view good :
         {"\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
          "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
        CHECK(json::utf8_sequence_length(good) == good.size());
}

TEST_CASE("append_number writes the shortest text that reads back") {
    CHECK(number(0) == "0");
    CHECK(number(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(number(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
    CHECK(number(0.1) == "0.1");
    CHECK(number(1e300) == "1e+300");
    CHECK(number(-0.0) == "-0");
    CHECK(number(std::numeric_limits<double>::infinity()) == "null");
    CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "null");
}
