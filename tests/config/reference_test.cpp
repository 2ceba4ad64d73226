#include "config/reference.hpp"
#include "mcp_provider/json/parse.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace mcp_provider::server;

namespace {

std::string committed(std::string_view path) {
    char const* const tests = std::getenv("MCP_PROVIDER_TESTS");
    std::filesystem::path const root =
        (tests != nullptr ? std::filesystem::path{tests}
                          : std::filesystem::path{__FILE__}.parent_path().parent_path())
            .parent_path();
    std::ifstream in{root / path, std::ios::binary};
    REQUIRE_MESSAGE(in.good(), (root / path).string());
    return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

// To bring them up to date: mcp-local-provider generate-reference [--format
// env-schema|security-schema].
TEST_CASE("the committed reference is what the table of settings says") {
    CHECK(committed("docs/configuration.md") == reference_page());
    CHECK(committed("docs/env.schema.json") == json_schema(home::env));
    CHECK(committed("docs/security.schema.json") == json_schema(home::security));
}

TEST_CASE("the page has a row for every key") {
    std::string const page = reference_page();
    for (home const file : {home::env, home::security})
        for (setting const& row : settings_of(file))
            CHECK(page.find("| `" + std::string{row.key} + "` |") != std::string::npos);
}

TEST_CASE("a schema describes every key where it stands") {
    auto const env = json::parse(json_schema(home::env));
    REQUIRE(env.has_value());
    auto const& keys = env->at("properties").as_object();
    CHECK(keys.size() == settings_of(home::env).size());
    CHECK(keys.at("ADAPTER_PORT").at("maximum") == 65535);
    CHECK(keys.at("ADAPTER_PORT").at("default") == 11434);
    CHECK(keys.at("MCP_BRIDGE_TOKEN").at("writeOnly") == true);

    auto const security = json::parse(json_schema(home::security));
    REQUIRE(security.has_value());
    auto const& root = security->at("properties").at("security");
    CHECK(root.at("additionalProperties") == false);
    CHECK(root.at("properties").at("session").at("properties").at("max_concurrent").at("minimum") ==
          1);
    CHECK(root.at("properties").at("allowed_hosts").at("default").as_array().size() == 3);
}
