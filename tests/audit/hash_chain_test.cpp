#include "mcp_provider/audit/hash_chain.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

audit::chain_key counting_key() {
    audit::chain_key key;
    for (std::size_t i = 0; i != key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
    return key;
}

constexpr std::string_view members =
    R"("timestamp":"2026-11-23T02:44:45.123456Z","event_type":"REQUEST","x":1)";
constexpr std::string_view zeros =
    "0000000000000000000000000000000000000000000000000000000000000000";

} // namespace

// The macs were computed by Python's hmac and hashlib after the description in the header.
TEST_CASE("hash_chain writes the lines that its format describes") {
    audit::hash_chain chain{counting_key()};
    std::string out = "something before";
    chain.append(out, members);
    std::string const first_mac =
        "0ad31dc4feda72a0a5fa1f161684a42f78ffd57c1dc3018be1a3f90a4021838c";
    CHECK(out == "something before{\"v\":1,\"seq\":1," + std::string{members} + ",\"prev\":\"" +
                     std::string{zeros} + "\",\"mac\":\"" + first_mac + "\"}\n");

    out.clear();
    chain.append(out, members, crypto::sha256("{\"v\":"));
    CHECK(out.ends_with(
        ",\"prev\":\"" + first_mac +
        "\",\"mac\":\"f8492780e28af23e13a434c50f6aeebda706ef806d247c39eff97ebff36aceff\"}\n"));
    CHECK(chain.head().seq == 2);
}

TEST_CASE("hash_chain takes the next key with record 257") {
    audit::hash_chain chain{counting_key(), audit::anchor{256, {}}};
    std::string out;
    chain.append(out, members);
    CHECK(out.ends_with(
        "\"mac\":\"3e67602842a2c0c06258f8cd8e1f5e07897c16fae12aab2bf22042625882662c\"}\n"));
}

TEST_CASE("hash_chain goes on after an anchor as if it had never stopped") {
    audit::hash_chain whole{counting_key()};
    std::string expected;
    for (int i = 0; i != 600; ++i) whole.append(expected, members);

    std::string out;
    audit::anchor last;
    for (int part = 0; part != 6; ++part) {
        audit::hash_chain chain{counting_key(), last};
        for (int i = 0; i != 100; ++i) chain.append(out, members);
        last = chain.head();
    }
    CHECK(out == expected);
}

TEST_CASE("epoch_key walks the keys that the format describes") {
    audit::chain_key key = counting_key();
    for (int i = 0; i != 1000; ++i) key = audit::next_epoch_key(key);
    CHECK(crypto::hex_encode(crypto::as_text(key)) ==
          "c2a6cb0c653a5ba5e9bd2e5a722661a6b2c1208a33f9e248e91e95f458c839f6");

    audit::epoch_key walker{counting_key()};
    walker.advance_to(400);
    walker.advance_to(1000);
    CHECK(walker.mac("text") == crypto::hmac_sha256(crypto::as_text(key), "text}"));
    CHECK(audit::key_id(counting_key()) == "4c8497bc752113a2");
}

TEST_CASE("take_apart reads what hash_chain writes") {
    audit::hash_chain chain{counting_key()};
    std::string out;
    chain.append(out, members);
    audit::anchor const first = chain.head();
    out.clear();
    chain.append(out, members, crypto::sha256("torn"));
    out.pop_back();

    auto const parts = audit::take_apart(out);
    REQUIRE(parts);
    CHECK(parts->seq == 2);
    CHECK(parts->prev == first.mac);
    CHECK(parts->mac == chain.head().mac);
    CHECK(parts->torn == crypto::sha256("torn"));
    CHECK(out.starts_with(parts->sealed));
}

TEST_CASE("take_apart refuses every other shape") {
    audit::hash_chain chain{counting_key()};
    std::string line;
    chain.append(line, members);
    line.pop_back();
    REQUIRE(audit::take_apart(line));

    auto const refused = [](std::string const& text) { return !audit::take_apart(text); };
    auto const with = [&](std::string_view from, std::string_view to) {
        std::string text = line;
        text.replace(text.find(from), from.size(), to);
        return text;
    };
    CHECK(refused(""));
    CHECK(refused("{}"));
    CHECK(refused(line + " "));
    CHECK(refused(" " + line));
    CHECK(refused(with("\"v\":1", "\"v\":2")));
    CHECK(refused(with("\"seq\":1", "\"seq\":0")));
    CHECK(refused(with("\"seq\":1", "\"seq\":01")));
    CHECK(refused(with("\"seq\":1", "\"seq\":-1")));
    CHECK(refused(with("\"seq\":1", "\"seq\":25600000001")));
    CHECK(refused(with("\"seq\":1", "\"seq\":99999999999999999999")));
    CHECK(refused(with("\"prev\"", "\"Prev\"")));
    CHECK(refused(with("\"mac\":\"0ad3", "\"mac\":\"0AD3")));
    CHECK(refused(with("\"mac\":\"0ad3", "\"mac\":\"0ad")));
    for (std::size_t size = 0; size != line.size(); ++size) CHECK(refused(line.substr(0, size)));
}
