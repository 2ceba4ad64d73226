#include "config/security_file.hpp"

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

problem problem_of(std::string_view text) {
    security_tree const tree = read_security_file(text, "security.yaml");
    REQUIRE(tree.problems.size() == 1);
    CHECK(tree.root.is == node::shape::nothing);
    CHECK(tree.problems.front().file == "security.yaml");
    return tree.problems.front();
}

/// `depth` lists in one another.
std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

} // namespace

TEST_CASE("a document becomes a tree that knows its lines and its quotes") {
    security_tree const tree = read_security_file("# comment\n"
                                                  "security:\n"
                                                  "  plain: 1\n"
                                                  "  quoted: '1'\n"
                                                  "  double: \"1\"\n"
                                                  "  none:\n"
                                                  "  tilde: ~\n"
                                                  "  list: [a, b]\n"
                                                  "  hosts:\n"
                                                  "    - ::1\n",
                                                  "security.yaml");

    REQUIRE(tree.problems.empty());
    REQUIRE(tree.root.members.size() == 1);
    member const& security = tree.root.members.front();
    CHECK(security.key == "security");
    CHECK(security.line == 2);
    std::vector<member> const& keys = security.value.members;
    REQUIRE(keys.size() == 7);
    CHECK(keys[0].value.is == node::shape::scalar);
    CHECK(keys[0].value.text == "1");
    CHECK(keys[1].value.is == node::shape::quoted);
    CHECK(keys[2].value.is == node::shape::quoted);
    CHECK(keys[3].value.is == node::shape::nothing);
    CHECK(keys[4].value.is == node::shape::nothing);
    CHECK(keys[5].value.items.size() == 2);
    CHECK(keys[6].line == 9);
    REQUIRE(keys[6].value.items.size() == 1);
    CHECK(keys[6].value.items.front().text == "::1");
}

TEST_CASE("a file without a document is nothing, and no problem") {
    for (std::string_view const text :
         {"", "\n\n", "# comment\n", "---\n", "--- # nothing\n...\n"}) {
        CAPTURE(text);
        security_tree const tree = read_security_file(text, "security.yaml");
        CHECK(tree.problems.empty());
        CHECK(tree.root.is == node::shape::nothing);
    }
}

TEST_CASE("what is not one plain document is refused with its line") {
    struct {
        std::string_view text;
        int line;
        std::string_view message;
    } const cases[] = {
        {"a: 1\n---\nb: 2\n", 2, "a second document begins here"},
        {"a: &x 1\nb: *x\n", 1, "an anchor stands here"},
        {"b: *x\n", 1, "the file is not YAML"},
        {"a: &x [1]\n", 1, "an anchor stands here"},
        {"a: !!str 1\n", 1, "a tag stands here"},
        {"a: !local {b: 1}\n", 1, "a tag stands here"},
        {"a: 1\n\n[1]: 2\n", 3, "a key is a list or a mapping"},
        {"? {a: 1}\n: 2\n", 1, "a key is a list or a mapping"},
        {"a: 1\n b: 2\n", 2, "the file is not YAML"},
        {"a: [1\n", 1, "the file is not YAML"},
        {"a: \"x\n", 1, "the file is not YAML"},
        {"a: 'x", 1, "the file is not YAML"},
        {"a: 1\n\tb: 2\n", 2, "the file is not YAML"},
        {"a: \"\\x07\"\n", 1, "the text contains a control character"},
        {"a: \"one\\ntwo\"\n", 1, "the text contains a control character"},
        {"a: 1\nb: \xff\n", 2, "the line is not valid UTF-8"},
        {"a: \x1b[31m\n", 1, "the line contains a control character"},
    };
    for (auto const& one : cases) {
        CAPTURE(one.text);
        problem const told = problem_of(one.text);
        CHECK(told.line == one.line);
        CHECK(told.message.substr(0, one.message.size()) == one.message);
    }
    CHECK(problem_of(std::string_view{"a: 1\0", 5}).message == "the line contains a NUL byte");
}

TEST_CASE("a bomb of aliases is refused at its first anchor") {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; ++i) {
        std::string const before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + "," +
                before + "," + before + "]\n";
    }

    problem const told = problem_of(bomb);

    CHECK(told.message == "an anchor stands here");
    CHECK(told.line == 1);
}

TEST_CASE("every key that stands twice is a problem with its path") {
    security_tree const tree = read_security_file("security:\n"
                                                  "  session: {a: 1, a: 2}\n"
                                                  "  audit:\n"
                                                  "    enabled: true\n"
                                                  "    enabled: false\n"
                                                  "  session: {}\n",
                                                  "security.yaml");

    REQUIRE(tree.problems.size() == 3);
    CHECK(tree.problems[0].key == "security.session.a");
    CHECK(tree.problems[1] == problem{"security.yaml", 5, "security.audit.enabled", "",
                                      "the key stands in line 4 already", "each key once", ""});
    CHECK(tree.problems[2].key == "security.session");
    CHECK(tree.problems[2].line == 6);
}

TEST_CASE("nesting is bounded, exactly") {
    CHECK(read_security_file(nested(max_yaml_depth), "security.yaml").problems.empty());
    CHECK(problem_of(nested(max_yaml_depth + 1)).message ==
          "lists and mappings are nested too deeply");
    CHECK(problem_of(nested(100'000)).message == "lists and mappings are nested too deeply");
}

TEST_CASE("the number of values is bounded, exactly") {
    std::string most = "[";
    for (std::size_t i = 1; i < max_yaml_nodes; ++i) most += "1,"; // the list itself is one
    CHECK(read_security_file(most + "]", "security.yaml").problems.empty());
    CHECK(problem_of(most + "1]").message == "the file has too many values");
}
