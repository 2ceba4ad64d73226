// A second independent opinion, that of the parser which most HTTP servers of editors use: see llhttp_differential.mjs.
#include "http/valid_requests.hpp"
#include "mcp_provider/http/request_parser.hpp"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include <doctest/doctest.h>

using namespace mcp_provider::http;

namespace {

std::string hex(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (char c : text) {
        out += digits[static_cast<unsigned char>(c) >> 4U];
        out += digits[static_cast<unsigned char>(c) & 15U];
    }
    return out + "\"";
}

std::string line_of(request const& in, std::string_view bytes) {
    std::string out = "{\"bytes\":" + hex(bytes.substr(0, in.head_bytes())) +
                      ",\"method\":" + hex(in.method_name()) + ",\"target\":" + hex(in.target()) +
                      ",\"minor\":" + std::to_string(in.minor_version()) +
                      ",\"keep\":" + (in.keep_alive() ? "true" : "false") + ",\"fields\":[";
    for (field_view const& one : in.fields())
        out += (out.back() == '[' ? "" : ",") + hex(one.name) + "," + hex(one.value);
    return out + "]}\n";
}

/// A file of its own for each run, which goes with the object.
class scratch_file {
public:
    scratch_file()
        : path_{std::filesystem::temp_directory_path() /
                ("llhttp_differential." + std::to_string(getpid()))} {}
    scratch_file(scratch_file const&) = delete;
    scratch_file& operator=(scratch_file const&) = delete;
    ~scratch_file() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

private:
    std::filesystem::path path_;
};

} // namespace

TEST_CASE("llhttp accepts and reads alike every mutated request that request_parser accepts") {
    char const* const tests = std::getenv("MCP_PROVIDER_TESTS");
    REQUIRE_MESSAGE(tests != nullptr, "MCP_PROVIDER_TESTS names the folder of the tests");
    if (std::system("node --version > /dev/null 2>&1") != 0) {
        MESSAGE("left out: there is no node");
        return;
    }
    scratch_file const accepted;
    std::size_t count = 0;
    {
        std::ofstream out{accepted.path(), std::ios::binary};
        request_parser parser{limits{}};
        request in;
        valid_requests::mutator mutator{6};
        for (int i = 0; i < 20'000; ++i) {
            std::string const bytes = mutator.next();
            parser.reset();
            auto const state = parser.feed(bytes);
            if (!state || *state == parse_state::need_more) continue;
            parser.fill(in, bytes);
            out << line_of(in, bytes);
            ++count;
        }
    }
    CHECK(count > 2'000);

    std::string const command = "node '" + std::string{tests} + "/http/llhttp_differential.mjs' '" +
                                accepted.path() + "' 2>&1";
    std::FILE* const node = popen(command.c_str(), "r");
    REQUIRE(node != nullptr);
    std::string said;
    std::array<char, 4096> piece{};
    while (std::size_t const read = std::fread(piece.data(), 1, piece.size(), node))
        said.append(piece.data(), read);

    CHECK(pclose(node) == 0);
    CHECK(said.substr(0, 2000) == "");
}
