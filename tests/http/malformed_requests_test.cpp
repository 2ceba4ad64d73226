#include "http/outcomes.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;
using namespace std::string_literals;

namespace {

struct malformed {
    char const* what;
    int status;
    std::string bytes;
};

std::string const host = "Host: localhost:11434\r\n";
std::string const get = "GET /api/tags HTTP/1.1\r\n";
std::string const post = "POST /api/chat HTTP/1.1\r\n";

/// A request for `target`, right in all else.
std::string with_target(std::string const& target) {
    return "GET " + target + " HTTP/1.1\r\n" + host + "\r\n";
}
/// A GET with one more field line, as it is.
std::string with_line(std::string const& line) { return get + host + line + "\r\n\r\n"; }
std::string with_host(std::string const& value) { return get + "Host: " + value + "\r\n\r\n"; }
std::string with_coding(std::string const& value) {
    return post + host + "Transfer-Encoding:" + value + "\r\n\r\n0\r\n\r\n";
}
std::string with_length(std::string const& value) {
    return post + host + "Content-Length:" + value + "\r\n\r\n";
}

std::vector<malformed> const table = {
    // The request line.
    {"a bare LF before the request line", 400, "\n" + get + host + "\r\n"},
    {"a bare CR before the request line", 400, "\r" + get + host + "\r\n"},
    {"five empty lines before the request line", 400, "\r\n\r\n\r\n\r\n\r\n" + get + host + "\r\n"},
    {"a space before the request line", 400, " " + get + host + "\r\n"},
    {"a TLS ClientHello", 400, "\x16\x03\x01\x02\x00\x01\x00"s},
    {"a NUL first", 400, "\0"s},
    {"an SSH banner", 400, "SSH-2.0-OpenSSH_9.2\r\n"},
    {"the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
    {"a request of HTTP/0.9", 400, "GET /\r\n"},
    {"no target", 400, "GET HTTP/1.1\r\n" + host + "\r\n"},
    {"an empty target", 400, "GET  HTTP/1.1\r\n" + host + "\r\n"},
    {"two spaces before the target", 400, "GET  / HTTP/1.1\r\n" + host + "\r\n"},
    {"two spaces before the version", 400, "GET /  HTTP/1.1\r\n" + host + "\r\n"},
    {"a space after the version", 400, "GET / HTTP/1.1 \r\n" + host + "\r\n"},
    {"a tab for a space", 400, "GET\t/ HTTP/1.1\r\n" + host + "\r\n"},
    {"a tab before the version", 400, "GET /\tHTTP/1.1\r\n" + host + "\r\n"},
    {"a vertical tab for a space", 400, "GET\v/ HTTP/1.1\r\n" + host + "\r\n"},
    {"a bare LF after the request line", 400, "GET / HTTP/1.1\n" + host + "\r\n"},
    {"a bare CR after the request line", 400, "GET / HTTP/1.1\r" + host + "\r\n"},
    {"a method with a colon", 400, "GE:T / HTTP/1.1\r\n" + host + "\r\n"},
    {"a method in brackets", 400, "(GET) / HTTP/1.1\r\n" + host + "\r\n"},
    {"a method with obs-text", 400, "G\xc9T / HTTP/1.1\r\n" + host + "\r\n"},
    {"a method of 33 bytes", 501, std::string(33, 'M') + " / HTTP/1.1\r\n" + host + "\r\n"},
    {"CONNECT", 501, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"},
    {"a lower case version", 400, "GET / http/1.1\r\n" + host + "\r\n"},
    {"a version without a name", 400, "GET / 1.1\r\n" + host + "\r\n"},
    {"another protocol", 400, "GET / HTTQ/1.1\r\n" + host + "\r\n"},
    {"a version with a comma", 400, "GET / HTTP/1,1\r\n" + host + "\r\n"},
    {"a version without a minor part", 400, "GET / HTTP/1\r\n" + host + "\r\n"},
    {"a version without a dot", 400, "GET / HTTP/11\r\n" + host + "\r\n"},
    {"a version with a space in it", 400, "GET / HTTP/ 1.1\r\n" + host + "\r\n"},
    {"a version with two minor digits", 400, "GET / HTTP/1.10\r\n" + host + "\r\n"},
    {"a version with two major digits", 400, "GET / HTTP/01.1\r\n" + host + "\r\n"},
    {"a version of letters", 400, "GET / HTTP/x.y\r\n" + host + "\r\n"},
    {"HTTP/0.9 by name", 505, "GET / HTTP/0.9\r\n" + host + "\r\n"},
    {"HTTP/1.2", 505, "GET / HTTP/1.2\r\n" + host + "\r\n"},
    {"HTTP/2.0", 505, "GET / HTTP/2.0\r\n" + host + "\r\n"},
    {"HTTP/9.9", 505, "GET / HTTP/9.9\r\n" + host + "\r\n"},

    // The target.
    {"a target without a slash", 400, with_target("api/tags")},
    {"a target in authority form", 400, with_target("localhost:11434")},
    {"an asterisk for GET", 400, with_target("*")},
    {"an asterisk and more for OPTIONS", 400, "OPTIONS *a HTTP/1.1\r\n" + host + "\r\n"},
    {"a fragment", 400, with_target("/api#top")},
    {"a NUL in the target", 400, with_target("/a\0b"s)},
    {"a control byte in the target", 400,
     with_target("/a\x01"
                 "b")},
    {"a delete in the target", 400, with_target("/a\x7f")},
    {"a tab in the target", 400, with_target("/a\tb")},
    {"raw UTF-8 in the target", 400, with_target("/caf\xc3\xa9")},
    {"overlong UTF-8 in the target", 400, with_target("/\xc0\xaf")},
    {"overlong UTF-8, percent-encoded, in the path", 400, with_target("/a/%c0%af/b")},
    {"a percent-encoded NUL in the path", 400, with_target("/a%00b")},
    {"a percent-encoded byte of no UTF-8 in the path", 400, with_target("/a%FF")},
    {"a percent sign at the end", 400, with_target("/a%")},
    {"one hexadecimal digit after a percent sign", 400, with_target("/a%2")},
    {"no hexadecimal digits after a percent sign", 400, with_target("/a%zz")},
    {"a bad percent-encoding in the query", 400, with_target("/a?b=%2x")},
    {"a backslash", 400, with_target("/a\\b")},
    {"an angle bracket", 400, with_target("/<script>")},
    {"a quotation mark", 400, with_target("/a\"b")},
    {"a URL with another authority", 400, with_target("http://example.com/api/tags")},
    {"a URL with another port", 400, with_target("http://localhost:80/api/tags")},
    {"a URL with user information", 400, with_target("http://me@localhost:11434/api/tags")},
    {"a URL with another scheme", 400, with_target("ftp://localhost:11434/api/tags")},
    {"a URL without an authority", 400, with_target("http:///api/tags")},
    {"a URL with a query and no path", 400, with_target("http://localhost:11434?a=b")},
    {"a URL in HTTP/1.0 without Host", 400, "GET http://localhost/ HTTP/1.0\r\n\r\n"},
    {"a URL without an authority in HTTP/1.0", 400, "GET http:///a HTTP/1.0\r\n\r\n"},
    {"a target over its limit", 414, with_target("/" + std::string(8 * 1024, 'a'))},

    // Field lines.
    {"a line without a colon", 400, with_line("Accept")},
    {"a line without a name", 400, with_line(": value")},
    {"a space before the colon", 400, with_line("Accept : a")},
    {"a tab before the colon", 400, with_line("Accept\t: a")},
    {"a space in a name", 400, with_line("Ac cept: a")},
    {"a space before the first name", 400, get + " " + host + "\r\n"},
    {"a folded line", 400, with_line("Accept: a\r\n b")},
    {"a line folded with a tab", 400, with_line("Accept: a\r\n\tb")},
    {"a folded empty line", 400, with_line("Accept: a\r\n \r\nB: c")},
    {"a bare LF after a field", 400, get + "Host: localhost\nAccept: a\r\n\r\n"},
    {"a bare LF for the empty line", 400, get + host + "\n"},
    {"a bare CR in a value", 400, with_line("Accept: a\rb")},
    {"a bare CR for the empty line", 400, get + host + "\rX"},
    {"two CRs before LF", 400, with_line("Accept: a\r")},
    {"a NUL in a name", 400, with_line("Acc\0ept: a"s)},
    {"a NUL in a value", 400, with_line("Accept: a\0b"s)},
    {"a NUL at the end of a value", 400, with_line("Accept: a\0"s)},
    {"a control byte in a name", 400,
     with_line("Acc\x01"
               "ept: a")},
    {"a control byte in a value", 400, with_line("Accept: a\x02")},
    {"an escape in a value", 400, with_line("Accept: \x1b[31m")},
    {"a delete in a value", 400, with_line("Accept: a\x7f")},
    {"a delete deep in a long value", 400,
     with_line("Accept: 0123456789abcdef\x7f" + std::string(32, 'a'))},
    {"obs-text in a name", 400, with_line("Acc\xe9pt: a")},
    {"a bracket in a name", 400, with_line("Acc(ept: a")},
    {"a quotation mark in a name", 400, with_line("\"Accept\": a")},
    {"101 fields", 431,
     [] {
         std::string out = get + host;
         for (int i = 0; i < 100; ++i) out += "A: b\r\n";
         return out + "\r\n";
     }()},
    {"a head over its limit", 431, with_line("A: " + std::string(32 * 1024, 'b'))},
    {"a head without an end", 431, get + std::string(33 * 1024, 'n')},

    // Host.
    {"no Host in HTTP/1.1", 400, get + "\r\n"},
    {"two Hosts", 400, get + host + host + "\r\n"},
    {"two Hosts of different case", 400, get + host + "hOST: localhost:11434\r\n\r\n"},
    {"two Hosts in HTTP/1.0", 400, "GET / HTTP/1.0\r\n" + host + host + "\r\n"},
    {"an empty Host", 400, with_host("")},
    {"a Host of spaces", 400, with_host("  \t ")},
    {"an empty Host in HTTP/1.0", 400, "GET / HTTP/1.0\r\nHost:\r\n\r\n"},
    {"a Host with a comma", 400, with_host("localhost, example.com")},
    {"a Host with user information", 400, with_host("me@localhost")},
    {"a Host with a path", 400, with_host("localhost/api")},
    {"a Host with a query", 400, with_host("localhost?a")},
    {"a Host with a scheme", 400, with_host("http://localhost")},
    {"a Host with a space", 400, with_host("local host")},
    {"a Host with a percent sign", 400, with_host("local%68ost")},
    {"a Host with a backslash", 400, with_host("localhost\\a")},
    {"a Host with obs-text", 400, with_host("localh\xf6st")},
    {"a Host that is only a port", 400, with_host(":11434")},
    {"an empty port", 400, with_host("localhost:")},
    {"a port of letters", 400, with_host("localhost:http")},
    {"a port with a sign", 400, with_host("localhost:+80")},
    {"a port over 65535", 400, with_host("localhost:65536")},
    {"a port of zero", 400, with_host("localhost:0")},
    {"two ports", 400, with_host("localhost:80:81")},
    {"an IPv6 address without brackets", 400, with_host("::1")},
    {"an IPv6 address without its end", 400, with_host("[::1")},
    {"empty brackets", 400, with_host("[]")},
    {"brackets with a zone", 400, with_host("[fe80::1%25eth0]")},
    {"text after brackets", 400, with_host("[::1]a")},

    // Content-Length.
    {"an empty Content-Length", 400, with_length("")},
    {"a Content-Length of spaces", 400, with_length("   ")},
    {"a Content-Length with a plus sign", 400, with_length(" +1")},
    {"a negative Content-Length", 400, with_length(" -1")},
    {"a hexadecimal Content-Length", 400, with_length(" 0x10")},
    {"a Content-Length with letters", 400, with_length(" 1a")},
    {"a Content-Length with a dot", 400, with_length(" 1.0")},
    {"a Content-Length with an underscore", 400, with_length(" 1_0")},
    {"a Content-Length with a space in it", 400, with_length(" 1 0")},
    {"a Content-Length after a vertical tab", 400, with_length(" \v1")},
    {"a Content-Length with a leading zero", 400, with_length(" 010")},
    {"a Content-Length of 2^64", 400, with_length(" 18446744073709551616")},
    {"a Content-Length of 30 digits", 400, with_length(" 999999999999999999999999999999")},
    {"a list of equal Content-Lengths", 400, with_length(" 5, 5")},
    {"a list of different Content-Lengths", 400, with_length(" 5, 6")},
    {"two equal Content-Lengths", 400, with_length(" 5\r\nContent-Length: 5")},
    {"two different Content-Lengths", 400, with_length(" 5\r\nContent-Length: 6")},
    {"a Content-Length over the limit", 413, with_length(" 10485761")},
    {"a Content-Length of 2^64 - 1", 413, with_length(" 18446744073709551615")},

    // Transfer-Encoding.
    {"an empty Transfer-Encoding", 400, with_coding("")},
    {"a Transfer-Encoding of spaces", 400, with_coding("  ")},
    {"chunked after a vertical tab", 400, with_coding(" \vchunked")},
    {"chunked after a form feed", 400, with_coding(" \fchunked")},
    {"chunked before a form feed", 400, with_coding(" chunked\f")},
    {"chunked in quotes", 400, with_coding(" \"chunked\"")},
    {"chunked with a parameter", 400, with_coding(" chunked;a=b")},
    {"chunked before a comma", 400, with_coding(" chunked,")},
    {"chunked after a comma", 400, with_coding(" ,chunked")},
    {"chunked twice", 400, with_coding(" chunked, chunked")},
    {"chunked in two fields", 400, with_coding(" chunked\r\nTransfer-Encoding: chunked")},
    {"chunked not final", 400, with_coding(" chunked, gzip")},
    {"gzip before chunked", 400, with_coding(" gzip, chunked")},
    {"identity", 400, with_coding(" identity")},
    {"chunked and identity in two fields", 400,
     with_coding(" chunked\r\nTransfer-Encoding: identity")},
    {"a coding that nobody knows", 400, with_coding(" xchunked")},
    {"a coding that begins like chunked", 400, with_coding(" chunkedx")},
    {"Transfer-Encoding in HTTP/1.0", 400,
     "POST / HTTP/1.0\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"Transfer-Encoding after Content-Length", 400,
     with_length(" 5\r\nTransfer-Encoding: chunked")},
    {"Content-Length after Transfer-Encoding", 400, with_coding(" chunked\r\nContent-Length: 5")},
    {"Transfer-Encoding with a Content-Length of zero", 400,
     with_length(" 0\r\nTransfer-Encoding: chunked")},
    {"Transfer-Encoding with a space before the colon", 400,
     post + host + "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n\r\n"},

    // Connection and Expect.
    {"a connection option with a space", 400, with_line("Connection: keep alive")},
    {"a connection option with a parameter", 400, with_line("Connection: close;a=b")},
    {"a connection option with obs-text", 400, with_line("Connection: close, \x80")},
    {"another expectation", 417, with_line("Expect: 200-ok")},
    {"an empty expectation", 417, with_line("Expect:")},
    {"two expectations", 417, with_line("Expect: 100-continue, more")},
};

} // namespace

TEST_CASE(
    "request_parser refuses every malformed request of the table, with its status, and closes") {
    for (malformed const& one : table) {
        CAPTURE(one.what);
        std::string const outcome = outcomes::of_request(one.bytes, outcomes::whole(one.bytes));

        CHECK(outcome.substr(0, 10) == std::to_string(one.status) + " close ");
        CHECK_MESSAGE(outcome.size() > 25, "the message says something");
    }
}

TEST_CASE("request_parser gives a malformed request the same answer wherever it is cut") {
    for (malformed const& one : table) {
        CAPTURE(one.what);
        if (one.bytes.size() < 1024) {
            CHECK(outcomes::first_difference(one.bytes, [](auto input, auto const& lengths) {
                      return outcomes::of_request(input, lengths);
                  }) == "");
        } else {
            CHECK(outcomes::of_request(one.bytes,
                                       outcomes::cut_at(one.bytes, one.bytes.size() - 3)) ==
                  outcomes::of_request(one.bytes, outcomes::whole(one.bytes)));
        }
    }
}

TEST_CASE("request_parser refuses at the first byte that is wrong, and does not wait for the "
          "line's end") {
    for (std::string const& bytes :
         {"\x16"s, "GET\x01"s, "GET /\x80"s, "GET / HTTP/2.0\r\n"s, get + "A "s, get + "A:\0"s}) {
        CAPTURE(bytes);
        std::string const before = bytes.substr(0, bytes.size() - 1);
        CHECK(outcomes::of_request(before, outcomes::whole(before)) == "need more");
        CHECK(outcomes::of_request(bytes, outcomes::whole(bytes)) != "need more");
    }
}

TEST_CASE("request_parser tells a TLS client what is wrong") {
    std::string const outcome = outcomes::of_request("\x16\x03\x01", {3});
    CHECK(outcome.find("TLS") != std::string::npos);
    CHECK(outcome.find("http://") != std::string::npos);
}
