#include "agents/agent_environment.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider::server::agents;

TEST_CASE("an agent gets what it needs of our environment, and none of our secrets") {
    char const* const ours[] = {"HOME=/h",
                                "PATH=/bin",
                                "MCP_BRIDGE_TOKEN=t",
                                "AGENT_OPENAI_KEY=k",
                                "ANTHROPIC_API_KEY=a",
                                "LC_ALL=C",
                                "AWS_SECRET=s",
                                "GITHUB_TOKEN=g",
                                "LD_PRELOAD=/x.so",
                                "HOMEX=1",
                                "odd",
                                nullptr};
    CHECK(agent_environment(ours, {}) ==
          std::vector<std::string>{"HOME=/h", "PATH=/bin", "ANTHROPIC_API_KEY=a", "LC_ALL=C"});
    CHECK(agent_environment(ours, {"GITHUB_TOKEN", "NONE"}) ==
          std::vector<std::string>{"HOME=/h", "PATH=/bin", "ANTHROPIC_API_KEY=a", "LC_ALL=C",
                                   "GITHUB_TOKEN=g"});
    CHECK(agent_environment(nullptr, {}).empty());
}

TEST_CASE("set_default leaves what is set") {
    std::vector<std::string> environment{"A=1"};
    set_default(environment, "A", "2");
    set_default(environment, "B", "3");
    CHECK(environment == std::vector<std::string>{"A=1", "B=3"});
}

TEST_CASE("without_secrets leaves out the values of secret variables, and cuts at characters") {
    std::vector<std::string> const environment{"API_KEY=sk-123456", "TOKEN=short", "HOME=/home/me"};
    CHECK(without_secrets("key sk-123456, again sk-123456; /home/me\n\x1b[1m", environment, 100) ==
          "key ***, again ***; /home/me  [1m");
    CHECK(without_secrets("short", environment, 100) == "short");
    CHECK(without_secrets("12345", {}, 5) == "12345");
    CHECK(without_secrets("123456", {}, 5) == "23456");
    CHECK(without_secrets("a\xC3\xA4"
                          "bc",
                          {}, 3) == "bc");
}
