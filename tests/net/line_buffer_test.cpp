#include "mcp_provider/net/line_buffer.hpp"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using mcp_provider::net::line_buffer;

namespace {

void put(line_buffer& into, std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t const size = std::min(bytes.size(), line_buffer::read_bytes);
        std::memcpy(into.room(), bytes.data(), size);
        into.filled(size);
        bytes.remove_prefix(size);
    }
}

std::vector<std::string> lines_of(line_buffer& from, line_buffer::step ends_with) {
    std::vector<std::string> lines;
    std::string_view line;
    for (;;) {
        bool const promised = from.has_line();
        line_buffer::step const step = from.next(line);
        if (step != line_buffer::step::line) {
            CHECK(step == ends_with);
            return lines;
        }
        CHECK(promised);
        lines.emplace_back(line);
    }
}

} // namespace

TEST_CASE("line_buffer cuts at LF, wherever the bytes are split") {
    std::string_view const text = "one\ntwo\r\n\nthr\ree\n\r\nrest";
    std::vector<std::string> const wanted{"one", "two", "", "thr\ree", ""};

    for (std::size_t split = 0; split <= text.size(); ++split) {
        line_buffer buffer{100};
        std::vector<std::string> lines;
        for (std::string_view const part : {text.substr(0, split), text.substr(split)}) {
            put(buffer, part);
            for (auto& line : lines_of(buffer, line_buffer::step::more)) lines.push_back(line);
        }
        CHECK(lines == wanted);
        put(buffer, "\n");
        CHECK(lines_of(buffer, line_buffer::step::more) == std::vector<std::string>{"rest"});
    }
}

TEST_CASE("line_buffer takes a line of the most bytes, and none of one more") {
    line_buffer exact{5};
    put(exact, "12345\nabcde");
    CHECK(lines_of(exact, line_buffer::step::more) == std::vector<std::string>{"12345"});
    put(exact, "\n");
    CHECK(lines_of(exact, line_buffer::step::more) == std::vector<std::string>{"abcde"});

    line_buffer ended{5};
    put(ended, "123456\n");
    CHECK(lines_of(ended, line_buffer::step::too_long).empty());

    line_buffer endless{5};
    put(endless, "123456");
    CHECK(lines_of(endless, line_buffer::step::too_long).empty());
    CHECK(lines_of(endless, line_buffer::step::too_long).empty());
}

TEST_CASE("line_buffer holds lines that are larger than its reads, and keeps their bytes") {
    line_buffer buffer{4'000'000};
    for (std::size_t const size : {1'000'000U, 3U, 70'000U, 4'000'000U, 0U, 16'384U}) {
        std::string line(size, 'x');
        for (std::size_t i = 0; i < size; i += 7) line[i] = static_cast<char>('a' + i % 26);
        put(buffer, "before\n" + line + "\nafter");
        auto const lines = lines_of(buffer, line_buffer::step::more);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0] == "before");
        CHECK(lines[1] == line);
        put(buffer, "\n");
        CHECK(lines_of(buffer, line_buffer::step::more) == std::vector<std::string>{"after"});
    }
}
