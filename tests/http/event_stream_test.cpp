#include "mcp_provider/http/event_stream.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;
using namespace std::string_literals;

namespace {

/// The events of `pieces`, each as `name|data|id;`, then `!` for an error or `~` for an end within an event.
std::string events_of(std::vector<std::string> const& pieces,
                      std::size_t max_event_bytes = event_stream_parser::default_max_event_bytes) {
    event_stream_parser parser{max_event_bytes};
    std::string out;
    for (std::string const& piece : pieces) {
        std::vector<char> const copy(piece.begin(),
                                     piece.end()); // dies with its turn: no view may outlive it
        std::string_view input{copy.data(), copy.size()};
        for (;;) {
            auto const event = parser.next(input);
            if (!event) return out + "!" + std::to_string(event.error().status());
            if (!*event) break;
            server_sent_event const& one = **event;
            out += std::string{one.name} + "|" + std::string{one.data} + "|" + std::string{one.id} +
                   ";";
        }
        CHECK(input.empty());
    }
    return parser.within_event() ? out + "~" : out;
}

std::string first_difference(std::string const& text, std::size_t max_event_bytes) {
    std::string const expected = events_of({text}, max_event_bytes);
    std::vector<std::string> bytes;
    for (char c : text) bytes.emplace_back(1, c);
    if (auto const other = events_of(bytes, max_event_bytes); other != expected)
        return "byte by byte: " + other;
    for (std::size_t at = 1; at < text.size(); ++at)
        if (auto const other = events_of({text.substr(0, at), text.substr(at)}, max_event_bytes);
            other != expected)
            return "cut at " + std::to_string(at) + ": " + other;
    return {};
}

} // namespace

TEST_CASE("event_stream_parser reads the stream of a chat completion") {
    CHECK(events_of({"data: {\"a\":1}\n\ndata: {\"b\":2}\n\ndata: [DONE]\n\n"}) ==
          "|{\"a\":1}|;|{\"b\":2}|;|[DONE]|;");
}

TEST_CASE("event_stream_parser follows the examples of the standard") {
    CHECK(events_of({"data: YHOO\ndata: +2\ndata: 10\n\n"}) == "|YHOO\n+2\n10|;");
    CHECK(events_of({": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  "
                     "third event\n\n"}) == "|first event|1;|second event|;| third event|;");
    CHECK(events_of({"data\n\ndata\ndata\n\ndata:"}) == "||;|\n|;~");
    CHECK(events_of({"data:test\n\ndata: test\n\n"}) == "|test|;|test|;");
    CHECK(events_of({"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n"}) ==
          "add|73857293|;remove|2153|;");
}

TEST_CASE("event_stream_parser takes LF, CR LF and CR for line ends, also mixed") {
    CHECK(events_of({"data: a\r\n\r\ndata: b\r\rdata: c\n\ndata: d\r\n\n"}) == "|a|;|b|;|c|;|d|;");
    CHECK(events_of({"data: a\r\ndata: b\rdata: c\ndata: d\r\n\r\n"}) == "|a\nb\nc\nd|;");
}

TEST_CASE(
    "event_stream_parser gives an event that CR ends at once, and skips a LF that comes later") {
    CHECK(events_of({"data: a\r\r", "\ndata: b\r\n\r", "\n"}) == "|a|;|b|;");
}

TEST_CASE("event_stream_parser skips a byte order mark at the start only") {
    CHECK(events_of({"\xef\xbb\xbf"
                     "data: a\n\n\xef\xbb\xbf"
                     "data: b\n\n"}) == "|a|;");
    CHECK(events_of({"\xef", "\xbb", "\xbf", "data: a\n\n"}) == "|a|;");
}

TEST_CASE("event_stream_parser drops an event without data, and its name with it") {
    CHECK(events_of({"event: ping\n\ndata: a\n\n\n\n"}) == "|a|;");
    CHECK(events_of({": comment\n\n:\n\n: ping\ndata: a\n\n"}) == "|a|;");
}

TEST_CASE("event_stream_parser keeps the last id, and no id with a NUL") {
    CHECK(events_of({"id: 7\ndata: a\n\ndata: b\n\nid: x\0y\ndata: c\n\n"s}) == "|a|7;|b|7;|c|7;");
}

TEST_CASE("event_stream_parser ignores fields that it does not know") {
    CHECK(events_of({"retry: 10\nfoo: bar\nDATA: x\n data: y\ndata: a\n\n"}) == "|a|;");
}

TEST_CASE("event_stream_parser keeps control bytes and text of any kind in data") {
    CHECK(events_of({"data: a\tb\0c\x7f\xc3\xa9: d\n\n"s}) == "|a\tb\0c\x7f\xc3\xa9: d|;"s);
}

TEST_CASE("event_stream_parser tells when a stream ends within an event") {
    CHECK(events_of({"data: a\n\n"}) == "|a|;");
    CHECK(events_of({"data: a\n"}) == "~");
    CHECK(events_of({"data: a\n\nda"}) == "|a|;~");
}

TEST_CASE("event_stream_parser gives the same events wherever its input is cut") {
    std::string const text =
        "\xef\xbb\xbf: hello\r\n\r\nevent: add\r\ndata: {\"a\":\r\ndata\r\ndata:  1}\r\nid: "
        "4\r\n\r\n"
        "data: b\rdata: c\r\rdata: long enough to be cut\n\nevent: none\n\ndata:\n\ndata: rest";
    CHECK(events_of({text}) == "add|{\"a\":\n\n 1}|4;|b\nc|4;|long enough to be cut|4;||4;~");
    CHECK(first_difference(text, 100) == "");
    for (std::size_t limit = 1; limit < 30; ++limit) CHECK(first_difference(text, limit) == "");
}

TEST_CASE("event_stream_parser copies nothing where an event lies in one piece") {
    std::string const text = "data: hello\n\n";
    event_stream_parser parser;
    std::string_view input = text;

    auto const event = parser.next(input);

    REQUIRE(event.has_value());
    REQUIRE(event->has_value());
    CHECK((**event).data.data() == text.data() + 6);
}

TEST_CASE("event_stream_parser keeps its limit exactly, for a line and for the data of an event") {
    CHECK(events_of({"data: 1234\n\n"}, 10) == "|1234|;");
    CHECK(events_of({"data: 12345\n\n"}, 10) == "!502");
    CHECK(events_of({"data: 12345"}, 10) == "!502");
    CHECK(events_of({": 90123456789"}, 10) == "!502");
    CHECK(events_of({"data:123\ndata:123\ndata:12\n\n"}, 10) == "|123\n123\n12|;");
    CHECK(events_of({"data:123\ndata:123\ndata:123\n\n"}, 10) == "!502");
    CHECK(events_of({"data: 1\n\ndata: 2\n\ndata: 3\n\n"}, 10) == "|1|;|2|;|3|;");
}

TEST_CASE("event_stream_parser knows from where a broken stream can be resumed, and when") {
    event_stream_parser parser;
    auto const feed = [&](std::string_view piece) {
        for (;;) {
            auto const event = parser.next(piece);
            REQUIRE(event.has_value());
            if (!*event) return;
        }
    };
    CHECK(parser.last_event_id().empty());
    CHECK_FALSE(parser.retry().has_value());
    feed("id: 1\nretry: 500\n"); // not ended yet: resuming from 1 would lose the event
    CHECK(parser.last_event_id().empty());
    CHECK(parser.retry() == std::chrono::milliseconds{500});
    feed("\n"); // no data, so no event, but its id counts
    CHECK(parser.last_event_id() == "1");
    feed("data: x\n\nid: 2\ndata: y\n\nid: 3\ndata: z");
    CHECK(parser.last_event_id() == "2");
    feed("\nretry: 5s\nretry: -1\nretry:\nretry: 4294967296\n");
    CHECK(parser.retry() == std::chrono::milliseconds{500});
    feed("retry:0\n");
    CHECK(parser.retry() == std::chrono::milliseconds{0});
}

TEST_CASE("append_event writes what event_stream_parser reads") {
    std::string out;
    append_event(out, "{}");
    append_event(out, "a\nb\r\nc\rd\n", "message_stop", "9");
    append_event(out, "");
    CHECK(out == "data: {}\n\n"
                 "event: message_stop\nid: 9\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
                 "data: \n\n");
    CHECK(events_of({out}) == "|{}|;message_stop|a\nb\nc\nd\n|9;||9;");
}

TEST_CASE("append_event lets no name or id split the event") {
    std::string out;
    append_event(out, "x", "a\ndata: injected", "1\r\n\r\ndata: injected");
    CHECK(events_of({out}) == "a data: injected|x|1    data: injected;");
}

TEST_CASE("append_comment writes what readers skip") {
    std::string out;
    append_comment(out);
    append_comment(out, " still\nhere");
    CHECK(out == ":\n\n: still here\n\n");
    CHECK(events_of({out}) == "");
}
