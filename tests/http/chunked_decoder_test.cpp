#include "http/outcomes.hpp"
#include "mcp_provider/http/chunked_decoder.hpp"

#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;
using namespace std::string_literals;

namespace {

std::string decoded(std::string const& bytes, limits const& limits = {}) {
    return outcomes::of_chunked(bytes, outcomes::whole(bytes), limits);
}

int status_of(std::string const& bytes, limits const& limits = {}) {
    return std::atoi(decoded(bytes, limits).c_str());
}

struct example {
    char const* what;
    int status;
    std::string bytes;
};

std::vector<example> const malformed = {
    {"no size", 400, "\r\nhello\r\n0\r\n\r\n"},
    {"a bare LF after the size", 400, "5\nhello\r\n0\r\n\r\n"},
    {"a bare CR after the size", 400, "5\rhello\r\n0\r\n\r\n"},
    {"a bare LF after the content", 400, "5\r\nhello\n0\r\n\r\n"},
    {"a bare CR after the content", 400, "5\r\nhello\rX0\r\n\r\n"},
    {"nothing after the content", 400, "5\r\nhello0\r\n\r\n"},
    {"content longer than its size", 400, "5\r\nhello!\r\n0\r\n\r\n"},
    {"content shorter than its size", 400, "5\r\nhell\r\n0\r\n\r\n"},
    {"a space before the size", 400, " 5\r\nhello\r\n0\r\n\r\n"},
    {"a space after the size", 400, "5 \r\nhello\r\n0\r\n\r\n"},
    {"a tab after the size", 400, "5\t\r\nhello\r\n0\r\n\r\n"},
    {"a space before an extension", 400, "5 ;a=b\r\nhello\r\n0\r\n\r\n"},
    {"a sign", 400, "+5\r\nhello\r\n0\r\n\r\n"},
    {"a minus", 400, "-5\r\nhello\r\n0\r\n\r\n"},
    {"a hexadecimal prefix", 400, "0x5\r\nhello\r\n0\r\n\r\n"},
    {"a decimal point", 400, "5.0\r\nhello\r\n0\r\n\r\n"},
    {"an underscore", 400, "0_5\r\nhello\r\n0\r\n\r\n"},
    {"a letter that is no digit", 400, "g\r\nhello\r\n0\r\n\r\n"},
    {"a comma", 400, "5,5\r\nhello\r\n0\r\n\r\n"},
    {"a NUL in the size", 400, "5\0\r\nhello\r\n0\r\n\r\n"s},
    {"a size of 2^64", 400, "10000000000000000\r\nhello\r\n0\r\n\r\n"},
    {"a size that wraps to 5", 400, "f0000000000000005\r\nhello\r\n0\r\n\r\n"},
    {"a size of 2^64 - 1", 413, "ffffffffffffffff\r\nhello\r\n0\r\n\r\n"},
    {"sizes that together wrap", 413, "5\r\nhello\r\nfffffffffffffffe\r\nhello\r\n0\r\n\r\n"},
    {"a bare semicolon", 400, "5;\r\nhello\r\n0\r\n\r\n"},
    {"two semicolons", 400, "5;;a\r\nhello\r\n0\r\n\r\n"},
    {"an extension without a name", 400, "5;=b\r\nhello\r\n0\r\n\r\n"},
    {"an extension without a value", 400, "5;a=\r\nhello\r\n0\r\n\r\n"},
    {"an extension with two values", 400, "5;a=b=c\r\nhello\r\n0\r\n\r\n"},
    {"a space in an extension", 400, "5; a=b\r\nhello\r\n0\r\n\r\n"},
    {"a bracket in an extension's name", 400, "5;a(=b\r\nhello\r\n0\r\n\r\n"},
    {"a bracket in an extension's value", 400, "5;a=b(\r\nhello\r\n0\r\n\r\n"},
    {"a control byte in an extension", 400, "5;a\x01\r\nhello\r\n0\r\n\r\n"},
    {"a bare LF in an extension", 400, "5;a\nhello\r\n0\r\n\r\n"},
    {"a NUL in an extension's value", 400, "5;a=b\0\r\nhello\r\n0\r\n\r\n"s},
    {"a CR in a quoted value", 400, "5;a=\"b\r\n\"\r\nhello\r\n0\r\n\r\n"},
    {"a LF in a quoted value", 400, "5;a=\"b\n\"\r\nhello\r\n0\r\n\r\n"},
    {"a control byte in a quoted value", 400, "5;a=\"b\x02\"\r\nhello\r\n0\r\n\r\n"},
    {"an escaped control byte", 400, "5;a=\"\\\x02\"\r\nhello\r\n0\r\n\r\n"},
    {"text after a quoted value", 400, "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n"},
    {"a bad last chunk", 400, "5\r\nhello\r\n0\rX\r\n"},
    {"a bare LF after the last chunk", 400, "5\r\nhello\r\n0\r\n\n"},
    {"content in the last chunk", 400, "0\r\nhello\r\n\r\n"},
    {"a trailer without a colon", 400, "0\r\nTrailer\r\n\r\n"},
    {"a trailer with a space before the colon", 400, "0\r\nA : b\r\n\r\n"},
    {"a folded trailer", 400, "0\r\nA: b\r\n c\r\n\r\n"},
    {"a control byte in a trailer", 400, "0\r\nA: b\x01\r\n\r\n"},
    {"a bare LF after a trailer", 400, "0\r\nA: b\n\r\n"},
    {"trailers over their limit", 431, "0\r\nA: " + std::string(8 * 1024, 'b') + "\r\n\r\n"},
    {"a chunk line over its limit", 400, "5;a=" + std::string(256, 'b') + "\r\nhello\r\n0\r\n\r\n"},
    {"a size without an end", 400, std::string(300, '0')},
};

} // namespace

TEST_CASE("chunked_decoder joins chunks, and says where the body ends") {
    CHECK(decoded("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\nGET /") == "done at 26: hello world");
    CHECK(decoded("0\r\n\r\n") == "done at 5: ");
    CHECK(decoded("5\r\nhel") == "need more after 6: hel");
    CHECK(decoded("") == "need more after 0: ");
}

TEST_CASE("chunked_decoder reads sizes in either case, with zeros in front") {
    CHECK(decoded("0000000A\r\n0123456789\r\n00\r\n\r\n") == "done at 28: 0123456789");
    CHECK(decoded("a\r\n0123456789\r\n0\r\n\r\n") == "done at 20: 0123456789");
}

TEST_CASE("chunked_decoder keeps bytes of any value in the content") {
    CHECK(decoded("4\r\n\0\r\n\xff\r\n0\r\n\r\n"s) == "done at 14: \0\r\n\xff"s);
}

TEST_CASE("chunked_decoder skips extensions that are right") {
    for (std::string const extension : {";a", ";a=b", ";a=\"\"", ";a=\"b c\t\x80;\"",
                                        ";a=\"\\\"\\\\\"", ";a;b=c;d=\"e\"", ";ieof"}) {
        CAPTURE(extension);
        std::string const bytes = "2" + extension + "\r\nok\r\n0" + extension + "\r\n\r\n";
        CHECK(decoded(bytes) == "done at " + std::to_string(bytes.size()) + ": ok");
    }
}

TEST_CASE("chunked_decoder checks trailers, and drops them") {
    CHECK(decoded("2\r\nok\r\n0\r\nContent-Length: 9\r\nX-Sum: \t1\r\n\r\nrest") ==
          "done at 42: ok");
}

TEST_CASE("chunked_decoder refuses every malformed body of the table, and closes") {
    for (example const& one : malformed) {
        CAPTURE(one.what);
        CHECK(decoded(one.bytes).substr(0, 10) == std::to_string(one.status) + " close ");
    }
}

TEST_CASE("chunked_decoder gives the same answer wherever its input is cut") {
    auto bodies = malformed;
    bodies.push_back(
        {"a right one", 0, "5;a=\"b\\\"\"\r\nhello\r\n1\r\n!\r\n0;c\r\nA: b\r\nC:\r\n\r\nrest"});
    for (example const& one : bodies) {
        if (one.bytes.size() > 1024) continue;
        CAPTURE(one.what);
        CHECK(outcomes::first_difference(one.bytes, [](auto input, auto const& lengths) {
                  return outcomes::of_chunked(input, lengths);
              }) == "");
    }
}

TEST_CASE("chunked_decoder keeps each limit exactly") {
    limits small;
    small.max_body_bytes = 10;
    small.max_chunk_line_bytes = 8;
    small.max_trailer_bytes = 12;

    CHECK(status_of("5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", small) == 0);
    CHECK(status_of("5\r\nhello\r\n6\r\nhello!\r\n0\r\n\r\n", small) == 413);
    CHECK(status_of("a\r\n0123456789\r\n0\r\n\r\n", small) == 0);
    CHECK(status_of("b\r\n", small) == 413); // before the content comes
    CHECK(status_of("1;aaaaaa\r\nx\r\n0\r\n\r\n", small) == 0);
    CHECK(status_of("1;aaaaaaa\r\nx\r\n0\r\n\r\n", small) == 400);
    CHECK(status_of("0\r\nA: 12345\r\n\r\n", small) == 0);
    CHECK(status_of("0\r\nA: 123456\r\n\r\n", small) == 431);
    CHECK(status_of("0\r\nA:\r\nB:\r\nC\r\n", small) == 400);
    std::string const over = "0\r\nA: 123456\r\n\r\n";
    CHECK(outcomes::first_difference(over, [&](auto input, auto const& lengths) {
              return outcomes::of_chunked(input, lengths, small);
          }) == "");
}

TEST_CASE("chunked_decoder bounds the extensions of a whole body") {
    std::string const chunk =
        "1;" + std::string(250, 'a') + "\r\nx\r\n"; // 251 bytes of extension each
    std::string body;
    for (int i = 0; i < 65; ++i) body += chunk;

    CHECK(status_of(body + "0\r\n\r\n") == 0);
    CHECK(status_of(body + chunk + "0\r\n\r\n") == 400);
}

TEST_CASE("chunked_decoder blames an upstream with 502") {
    std::string const bytes = "5\r\nhello!";
    limits small;
    small.max_body_bytes = 4;
    auto const refusal = [&](limits const& limits) {
        return outcomes::of_chunked(bytes, outcomes::whole(bytes), limits, sender::upstream)
            .substr(0, 10);
    };
    CHECK(refusal(limits{}) == "502 close ");
    CHECK(refusal(small) == "502 close ");
}

TEST_CASE("chunked_decoder gives slices of its input without a copy") {
    std::string const bytes = "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    chunked_decoder decoder{limits{}};
    std::vector<std::string_view> slices;

    auto const progress =
        decoder.feed_slices(bytes, [&](std::string_view slice) { slices.push_back(slice); });

    REQUIRE(progress.has_value());
    CHECK(progress->done);
    REQUIRE(slices.size() == 2);
    CHECK(slices[0].data() == bytes.data() + 3);
    CHECK(slices[1].data() == bytes.data() + 13);
    CHECK(decoder.body_bytes() == 11);
}

TEST_CASE("chunked_decoder reads another body once reset, whatever came before") {
    chunked_decoder decoder{limits{}};
    std::string body;
    REQUIRE_FALSE(decoder.feed("5\r\nhello\r\n0\r\nA\x01", body).has_value());

    decoder.reset();
    body.clear();

    auto const progress = decoder.feed("2\r\nok\r\n0\r\n\r\n", body);
    REQUIRE(progress.has_value());
    CHECK(progress->done);
    CHECK(body == "ok");
    CHECK(decoder.body_bytes() == 2);
}

TEST_CASE("chunked_decoder gives a mutated body the same answer wherever it is cut") {
    std::mt19937 random{3};
    std::string const right = "5;a=\"b\"\r\nhello\r\n00B\r\nhello world\r\n0\r\nA: b\r\n\r\n";
    for (int i = 0; i < 500; ++i) {
        std::string bytes = right;
        for (std::size_t edits = 1 + random() % 3; edits != 0; --edits) {
            std::size_t const at = random() % bytes.size();
            if (random() % 2 == 0)
                bytes[at] = "\r\n;=\"\\05fF \t\0x"[random() % 14];
            else
                bytes.insert(at, 1, "\r\n;=\"\\05fF \t\0x"[random() % 14]);
        }
        CAPTURE(bytes);
        CHECK(outcomes::first_difference(bytes, [](auto input, auto const& lengths) {
                  return outcomes::of_chunked(input, lengths);
              }) == "");
    }
}
