#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::crypto;

namespace {

std::string hex_sha256(std::string_view text) { return hex_encode(as_text(sha256(text))); }

} // namespace

TEST_CASE("sha256 agrees with the vectors of FIPS 180-4") {
    CHECK(hex_sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex_sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK(hex_sha256(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256_stream gives the digest of the whole, wherever the pieces are cut") {
    std::string const text = "The quick brown fox jumps over the lazy dog, and over a block of "
                             "sixty-four bytes as well.";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        sha256_stream stream;
        stream.update(std::string_view{text}.substr(0, cut));
        stream.update(std::string_view{text}.substr(cut));
        CHECK(stream.finish() == sha256(text));
    }
}

TEST_CASE("sha256_stream begins anew after finish") {
    sha256_stream stream;
    stream.update("something");
    (void)stream.finish();
    stream.update("abc");
    CHECK(stream.finish() == sha256("abc"));
}

TEST_CASE("sha256 may be called from many threads") {
    digest const expected = sha256("shared");
    std::vector<unsigned> wrong(4, 0);
    std::vector<std::thread> threads;
    for (unsigned& count : wrong)
        threads.emplace_back([&count, &expected] {
            for (int i = 0; i != 2'000; ++i)
                if (sha256("shared") != expected) ++count;
        });
    for (std::thread& one : threads) one.join();
    CHECK(wrong == std::vector<unsigned>(4, 0));
}
