#include "mcp_provider/http/ndjson.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::http;

namespace {

/// The lines of `pieces`, each with `;` behind it, then `!` for an error or `~` and what is left.
std::string lines_of(std::vector<std::string> const& pieces,
                     std::size_t max_line_bytes = ndjson_splitter::default_max_line_bytes) {
    ndjson_splitter splitter{max_line_bytes};
    std::string out;
    for (std::string const& piece : pieces) {
        std::vector<char> const copy(piece.begin(),
                                     piece.end()); // dies with its turn: no view may outlive it
        std::string_view input{copy.data(), copy.size()};
        for (;;) {
            auto const line = splitter.next(input);
            if (!line) return out + "!" + std::to_string(line.error().status());
            if (!*line) break;
            out += std::string{**line} + ";";
        }
        CHECK(input.empty());
    }
    return splitter.rest().empty() ? out : out + "~" + std::string{splitter.rest()};
}

} // namespace

TEST_CASE("ndjson_splitter splits at LF, drops CR and skips empty lines") {
    CHECK(lines_of({"{\"a\":1}\n{\"b\":2}\r\n\n\r\n\n{\"c\":3}\n"}) ==
          "{\"a\":1};{\"b\":2};{\"c\":3};");
    CHECK(lines_of({""}) == "");
}

TEST_CASE("ndjson_splitter keeps a last line without LF as the rest") {
    CHECK(lines_of({"{}\n{\"done\":true}"}) == "{};~{\"done\":true}");
    CHECK(lines_of({"{}\n{}\r"}) == "{};~{}");
    CHECK(lines_of({"{", "}\n"}) == "{};");
}

TEST_CASE("ndjson_splitter gives the same lines wherever its input is cut") {
    std::string const text = "{\"a\":1}\r\n\r\n{\"b\":22}\n\n{\"c\":333}\n{\"d\"";
    for (std::size_t limit : {5U, 8U, 9U, 100U}) {
        std::string const expected = lines_of({text}, limit);
        std::vector<std::string> bytes;
        for (char c : text) bytes.emplace_back(1, c);
        CHECK(lines_of(bytes, limit) == expected);
        for (std::size_t at = 1; at < text.size(); ++at)
            CHECK(lines_of({text.substr(0, at), text.substr(at)}, limit) == expected);
    }
}

TEST_CASE("ndjson_splitter copies nothing where a line lies in one piece") {
    std::string const text = "{\"a\":1}\n";
    ndjson_splitter splitter;
    std::string_view input = text;

    auto const line = splitter.next(input);

    REQUIRE(line.has_value());
    REQUIRE(line->has_value());
    CHECK((**line).data() == text.data());
}

TEST_CASE("ndjson_splitter keeps its limit exactly, whether or not the line ends") {
    CHECK(lines_of({"12345\n"}, 5) == "12345;");
    CHECK(lines_of({"123456\n"}, 5) == "!502");
    CHECK(lines_of({"123456"}, 5) == "!502");
    CHECK(lines_of({"1234", "56"}, 5) == "!502");
    CHECK(lines_of({"123", "45\n12345\n"}, 5) == "12345;12345;");
}

TEST_CASE("append_ndjson writes one line a text, and no empty one") {
    std::string out = "{}\n";
    append_ndjson(out, "{\n  \"a\": \"b\\n\"\r\n}");
    append_ndjson(out, "");
    CHECK(out == "{}\n{   \"a\": \"b\\n\"  }\n");
}
