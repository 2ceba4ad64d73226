#include "config/problem.hpp"

#include <sstream>

#include <doctest/doctest.h>

using namespace mcp_provider::server;

namespace {

problem const full{".env",        3, "ADAPTER_PROT", "1", "the key is not known", "a known key",
                   "ADAPTER_PORT"};

std::string printed(std::vector<problem> const& problems, bool colour) {
    std::ostringstream out;
    print(out, problems, colour);
    return out.str();
}

} // namespace

TEST_CASE("a problem is a block that leaves out what there is not") {
    CHECK(printed({full}, false) == "problem: .env:3: ADAPTER_PROT\n"
                                    "  value:   1\n"
                                    "  wrong:   the key is not known\n"
                                    "  allowed: a known key\n"
                                    "  nearest: did you mean ADAPTER_PORT?\n"
                                    "\n"
                                    "1 problem in the configuration\n");
    CHECK(printed({{"environment", 0, "AGENT", "", "is empty", "", ""}, full}, false)
              .starts_with("problem: environment: AGENT\n  wrong:   is empty\n\nproblem: .env:3"));
    CHECK(printed({{"", 0, "STATE_DIR", "", "is not set", "", ""}}, false)
              .starts_with("problem: STATE_DIR\n"));
    CHECK(printed({full, full}, false).ends_with("\n2 problems in the configuration\n"));
}

TEST_CASE("there are colours on a terminal only") {
    CHECK(printed({full}, false).find('\x1b') == std::string::npos);
    CHECK(printed({full}, true).find("\x1b[1;31mproblem\x1b[0m") != std::string::npos);
}

TEST_CASE("a value cannot steer the terminal") {
    CHECK(printed({{".env", 1, "KEY", "\x1b[2J\n", "is wrong", "", ""}}, false)
              .find("value:   \\x1b[2J\\x0a\n") != std::string::npos);
}

TEST_CASE("problems are one JSON object for machines") {
    CHECK(to_json({}) == R"({"problems":[]})");
    CHECK(
        to_json({full}) ==
        R"({"problems":[{"file":".env","line":3,"key":"ADAPTER_PROT","value":"1","message":"the key is not known",)"
        R"("allowed":"a known key","nearest":"ADAPTER_PORT"}]})");
}
