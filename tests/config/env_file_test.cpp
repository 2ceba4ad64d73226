#include "config/env_file.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

std::string value_of(std::string_view line) {
    env_lines const lines = read_env_file(line, ".env");
    REQUIRE(lines.problems.empty());
    REQUIRE(lines.entries.size() == 1);
    CHECK(lines.entries.front().key == "KEY");
    return lines.entries.front().value.text;
}

std::string problem_of(std::string_view line) {
    env_lines const lines = read_env_file(line, ".env");
    CHECK(lines.entries.empty());
    REQUIRE(lines.problems.size() == 1);
    CHECK(lines.problems.front().file == ".env");
    CHECK(lines.problems.front().value.empty());
    return lines.problems.front().message;
}

} // namespace

TEST_CASE("a value is what docker compose and systemd take it for") {
    struct {
        std::string_view line;
        std::string_view value;
    } const cases[] = {
        {"KEY=value", "value"},
        {"KEY=", ""},
        {"KEY=a=b", "a=b"},
        {"KEY=value\r", "value"},
        {"KEY=value\r\n", "value"},
        {"  KEY=value  ", "value"},
        {"KEY = value", "value"},
        {"KEY\t=\tvalue\t", "value"},
        {"export KEY=value", "value"},
        {"export\tKEY=value", "value"},
        {"KEY=two words", "two words"},
        {"KEY=value # comment", "value"},
        {"KEY=value\t# comment", "value"},
        {"KEY=value#no comment", "value#no comment"},
        {"KEY=#comment", ""},
        {"KEY='single'", "single"},
        {"KEY='a # b'", "a # b"},
        {"KEY='a\\nb'", "a\\nb"},
        {"KEY='a\"b'", "a\"b"},
        {"KEY='a' # comment", "a"},
        {"KEY=\"double\"", "double"},
        {"KEY=\"a # b\"", "a # b"},
        {"KEY=\"a\\\"b\"", "a\"b"},
        {"KEY=\"a\\\\b\"", "a\\b"},
        {"KEY=\"a\\nb\\tc\\rd\"", "a\nb\tc\rd"},
        {"KEY=\"it's\"", "it's"},
        {"KEY=it's", "it's"},
        {"KEY=C:\\path", "C:\\path"},
        {"KEY=$HOME/${x}", "$HOME/${x}"},
        {"KEY=\"$HOME \\$x\"", "$HOME $x"},
        {"KEY='$HOME'", "$HOME"},
        {"KEY=\xC3\xBC", "\xC3\xBC"},
        {"\xEF\xBB\xBFKEY=value", "value"},
        {"# comment\n\n   \n\t# another\nKEY=value\n", "value"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.line);
        CHECK(value_of(one.line) == one.value);
    }
}

TEST_CASE("a line that is no assignment is a problem, and its text is not repeated") {
    struct {
        std::string_view line;
        std::string_view message;
    } const cases[] = {
        {"KEY", "the line has no ="},
        {"export", "the line has no ="},
        {"=value", "the text before the = is no key"},
        {"1KEY=value", "the text before the = is no key"},
        {"KEY-A=value", "the text before the = is no key"},
        {"KEY A=value", "the text before the = is no key"},
        {"K\xC3\x9CY=value", "the text before the = is no key"},
        {"KEY='value", "the value has no closing quote"},
        {"KEY=\"value", "the value has no closing quote"},
        {"KEY=\"value\\", "the value has no closing quote"},
        {"KEY=\"value\\\"", "the value has no closing quote"},
        {"KEY='a'b", "the value goes on after its closing quote"},
        {"KEY=\"a\" b", "the value goes on after its closing quote"},
        {"KEY=\"\\x\"",
         "the value has an unknown escape; in double quotes \\\\ stands for a backslash"},
        {"KEY=a\rb", "the line contains a control character"},
        {"KEY=a\x1b[31m", "the line contains a control character"},
        {"KEY=\x7f", "the line contains a control character"},
        {"KEY=\xff", "the line is not valid UTF-8"},
        {"KEY=\xC3", "the line is not valid UTF-8"},
        {"KEY=\xC0\x80", "the line is not valid UTF-8"},
        {"KEY=\xED\xA0\x80", "the line is not valid UTF-8"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.line);
        CHECK(problem_of(one.line) == one.message);
    }
    CHECK(problem_of(std::string_view{"KEY=a\0b", 7}) == "the line contains a NUL byte");
}

TEST_CASE("a key that stands twice is a problem that names both lines, and the first one counts") {
    env_lines const lines = read_env_file("A=1\n# comment\nB=2\nA=3\nA=4\n", ".env");

    REQUIRE(lines.entries.size() == 2);
    CHECK(lines.entries[0].value.text == "1");
    REQUIRE(lines.problems.size() == 2);
    CHECK(lines.problems[0].line == 4);
    CHECK(lines.problems[0].key == "A");
    CHECK(lines.problems[0].message == "the key stands in line 1 already");
    CHECK(lines.problems[1].line == 5);
}

TEST_CASE(
    "lines are counted from one, blank and foreign ones too, and reading goes on after a problem") {
    env_lines const lines = read_env_file("\n\r\nrubbish\nA=1\n\nrubbish\nB=2", ".env");

    REQUIRE(lines.problems.size() == 2);
    CHECK(lines.problems[0].line == 3);
    CHECK(lines.problems[1].line == 6);
    REQUIRE(lines.entries.size() == 2);
    CHECK(lines.entries[0].line == 4);
    CHECK(lines.entries[1].line == 7);
}
