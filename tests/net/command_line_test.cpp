#include "mcp_provider/net/command_line.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using mcp_provider::net::find_program;
using mcp_provider::net::split_command_line;
using words = std::vector<std::string>;

TEST_CASE("split_command_line splits at blanks and honours quotes") {
    CHECK(split_command_line("cursor-agent acp") == words{"cursor-agent", "acp"});
    CHECK(split_command_line("  a\t b\n c ") == words{"a", "b", "c"});
    CHECK(split_command_line("") == words{});
    CHECK(split_command_line(R"(a "b c" 'd e' f" "g)") == words{"a", "b c", "d e", "f g"});
    CHECK(split_command_line(R"(a '' "")") == words{"a", "", ""});
    CHECK(split_command_line(R"(a\ b "c\"d\\e\n" 'f\g')") == words{"a b", R"(c"d\e\n)", R"(f\g)"});
}

TEST_CASE("split_command_line gives no meaning to what a shell would run") {
    CHECK(split_command_line("a $HOME `id` $(id) *.txt ; b | c > d & ~") ==
          words{"a", "$HOME", "`id`", "$(id)", "*.txt", ";", "b", "|", "c", ">", "d", "&", "~"});
}

TEST_CASE("split_command_line refuses what has no end") {
    using namespace std::string_view_literals;
    for (std::string_view const text : {"a 'b"sv, "a \"b"sv, "a \\"sv, "\"a\\"sv, "a\0b"sv})
        CHECK_FALSE(split_command_line(text));
}

TEST_CASE("find_program looks in absolute folders only, and takes programs only") {
    CHECK(find_program("sh", "/nowhere:/bin") == "/bin/sh");
    CHECK(find_program("/bin/sh", "") == "/bin/sh");
    CHECK(find_program("sh", "") == "");
    CHECK(find_program("sh", ":.:bin") == "");
    CHECK(find_program("passwd", "/etc") == "");
    CHECK(find_program("bin", "/usr") == "");
    CHECK(find_program("", "/bin") == "");
    CHECK(find_program("/nowhere/sh", "/bin") == "");
}
