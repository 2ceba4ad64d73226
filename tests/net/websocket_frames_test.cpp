#include "mcp_provider/net/websocket.hpp"
#include "net/frames.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::net;
using namespace std::string_literals;

namespace {

struct seen {
    unsigned opcode;
    std::string payload;
    bool operator==(seen const&) const = default;
};

/// Reads bytes in pieces of a size; the messages that came, and the close code of the fault, 0 for none.
struct outcome {
    std::vector<seen> messages;
    std::uint16_t fault = 0;
    bool operator==(outcome const&) const = default;
};

outcome read(std::string_view bytes, std::size_t piece, bool is_server = true,
             std::size_t most = 1000) {
    detail::frame_reader reader{is_server, most};
    outcome out;
    for (std::size_t from = 0; from < bytes.size() && out.fault == 0; from += piece) {
        std::string part{bytes.substr(from, piece)};
        for (std::size_t at = 0; at != part.size() && out.fault == 0;) {
            at += reader.consume(part.data() + at, part.size() - at);
            out.fault = reader.fault();
            if (out.fault != 0) break;
            if (auto const message = reader.take())
                out.messages.push_back({static_cast<unsigned>(message->code), message->payload});
        }
    }
    return out;
}

/// However the bytes are cut, the same comes out.
outcome read_in_every_way(std::string const& bytes, bool is_server = true,
                          std::size_t most = 1000) {
    outcome const whole = read(bytes, bytes.size(), is_server, most);
    for (std::size_t piece = 1; piece < std::min<std::size_t>(bytes.size(), 300); ++piece) {
        CAPTURE(piece);
        CHECK(read(bytes, piece, is_server, most) == whole);
    }
    return whole;
}

std::string part(std::string_view text, unsigned opcode, bool fin) {
    return frame(text, {.opcode = opcode, .fin = fin});
}

} // namespace

TEST_CASE("messages come out whole, however their bytes are split") {
    auto const got = read_in_every_way(frame("Hello") + frame("", {.opcode = 2}) +
                                       frame(std::string(125, 'a')) + frame(std::string(126, 'b')));

    CHECK(got.fault == 0);
    CHECK(got.messages ==
          std::vector<seen>{
              {1, "Hello"}, {2, ""}, {1, std::string(125, 'a')}, {1, std::string(126, 'b')}});
}

TEST_CASE("the example frames of RFC 6455 section 5.7 are understood") {
    auto const from_server = read("\x81\x05\x48\x65\x6c\x6c\x6f"s, 100, false);
    auto const from_client = read("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s, 100, true);
    auto const in_two = read("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"s, 100, false);
    auto const ping = read("\x89\x05\x48\x65\x6c\x6c\x6f"s, 100, false);

    CHECK(from_server.messages == std::vector<seen>{{1, "Hello"}});
    CHECK(from_client.messages == std::vector<seen>{{1, "Hello"}});
    CHECK(in_two.messages == std::vector<seen>{{1, "Hello"}});
    CHECK(ping.messages == std::vector<seen>{{9, "Hello"}});
}

TEST_CASE("a control frame may come between the fragments of a message") {
    auto const got = read_in_every_way(part("Hel", 1, false) + part("ping", 9, true) +
                                       part("", 0, false) + part("lo", 0, true));

    CHECK(got.fault == 0);
    CHECK(got.messages == std::vector<seen>{{9, "ping"}, {1, "Hello"}});
}

TEST_CASE(
    "another message between the fragments of one, and a continuation of nothing, are faults") {
    CHECK(read_in_every_way(part("Hel", 1, false) + part("other", 1, true)).fault == 1002);
    CHECK(read_in_every_way(part("lo", 0, true)).fault == 1002);
    CHECK(read_in_every_way(part("a", 1, true) + part("lo", 0, true)).fault == 1002);
}

TEST_CASE("a client must mask its frames, a server must not") {
    CHECK(read_in_every_way(frame("a", {.masked = false}), true).fault == 1002);
    CHECK(read_in_every_way(frame("a", {.masked = true}), false).fault == 1002);
    CHECK(read(frame("a", {.masked = false}), 100, false).fault == 0);
}

TEST_CASE("reserved bits and opcodes are faults, since no extension was agreed to") {
    for (unsigned const bit : {0x40U, 0x20U, 0x10U})
        CHECK(read_in_every_way(frame("a", {.reserved = bit})).fault == 1002);
    for (unsigned const opcode : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U})
        CHECK(read_in_every_way(frame("a", {.opcode = opcode})).fault == 1002);
}

TEST_CASE("a control frame has at most 125 bytes and one fragment") {
    CHECK(read(frame(std::string(125, 'p'), {.opcode = 9}), 1000).fault == 0);
    CHECK(read_in_every_way(frame(std::string(126, 'p'), {.opcode = 9})).fault == 1002);
    CHECK(read_in_every_way(part("p", 9, false)).fault == 1002);
    CHECK(read_in_every_way(part("", 8, false)).fault == 1002);
}

TEST_CASE("a length in more bytes than it needs is a fault") {
    CHECK(read_in_every_way(frame("a", {.length_bytes = 2})).fault == 1002);
    CHECK(read_in_every_way(frame("a", {.length_bytes = 8})).fault == 1002);
    CHECK(read_in_every_way(frame(std::string(0xFFFF, 'a'), {.length_bytes = 8}), true, 100'000)
              .fault == 1002);
}

TEST_CASE(
    "a message may have as many bytes as the limit, and not one more, in one fragment or in many") {
    CHECK(read(frame(std::string(1000, 'a')), 5000).messages.size() == 1);
    CHECK(read_in_every_way(frame(std::string(1001, 'a'))).fault == 1009);
    std::string const half(500, 'a');
    CHECK(read(part(half, 1, false) + part(half, 0, true), 5000).messages.size() == 1);
    CHECK(read_in_every_way(part(half, 1, false) + part(half + "a", 0, true)).fault == 1009);
}

TEST_CASE("a length that no memory holds is refused from its header alone") {
    std::string const header = "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04"s;

    CHECK(read_in_every_way(header).fault == 1009);
}

TEST_CASE("fragments that carry nothing come to an end") {
    std::string bytes = part("a", 1, false);
    for (int i = 0; i < 20'000; ++i) bytes += part("", 0, false);

    CHECK(read(bytes, 997).fault == 1009);
}

TEST_CASE("pings between the fragments of a message do not count as its fragments") {
    std::string bytes = part("a", 1, false);
    for (int i = 0; i < 20'000; ++i) bytes += part("ping", 9, true);
    bytes += part("b", 0, true);

    auto const got = read(bytes, 997);
    CHECK(got.fault == 0);
    CHECK(got.messages.back() == seen{1, "ab"});
}

TEST_CASE("a text must be UTF-8, also where its characters are cut by fragments") {
    std::string const euro = "\xe2\x82\xac";
    for (std::string const& wrong :
         {"\xff"s, "\xc0\xaf"s, "\xed\xa0\x80"s, "\xf4\x90\x80\x80"s, "a\x80"s, "\xe2\x82"s}) {
        CAPTURE(wrong);
        CHECK(read_in_every_way(frame(wrong)).fault == 1007);
    }
    for (std::size_t cut = 1; cut < euro.size(); ++cut) {
        auto const good = read_in_every_way(part(euro.substr(0, cut), 1, false) +
                                            part(euro.substr(cut), 0, true));
        CHECK(good.messages == std::vector<seen>{{1, euro}});
        CHECK(read_in_every_way(part(euro.substr(0, cut), 1, false) + part("", 0, true)).fault ==
              1007);
        CHECK(read_in_every_way(part(euro.substr(0, cut), 1, false) + part("ping", 9, true) +
                                part("x", 0, true))
                  .fault == 1007);
    }
    CHECK(read(frame("\xff", {.opcode = 2}), 100).fault == 0); // binary may be anything
}

TEST_CASE("a text after one of several fragments is checked from its own beginning") {
    auto const got =
        read_in_every_way(part("\xe2\x82", 1, false) + part("\xac", 0, true) + frame("plain") +
                          frame("\xff\xfe", {.opcode = 2}) + frame("more"));

    CHECK(got.fault == 0);
    CHECK(got.messages.size() == 4);
}
