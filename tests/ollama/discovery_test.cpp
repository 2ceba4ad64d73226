#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "ollama/asking.hpp"
#include "ollama/discovery.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace {

using namespace ollama_tests;
using namespace mcp_provider;
using namespace mcp_provider::server::ollama;

std::string digest_of(std::string_view name) {
    return crypto::hex_encode(crypto::as_text(crypto::sha256(name)));
}

boost::json::value parsed(http::response const& answer) { return *json::parse(answer.text()); }

boost::json::value shown(testing::fake_agent const& agents, std::string_view name) {
    return parsed(*show_handler{agents}(
        *read<show_request>(R"({"model":")" + std::string{name} + "\"}"), caller()));
}

/// Whether no member at any depth is null.
bool has_no_null(boost::json::value const& value) {
    if (value.is_null()) return false;
    if (auto const* const list = value.if_array())
        for (auto const& one : *list)
            if (!has_no_null(one)) return false;
    if (auto const* const object = value.if_object())
        for (auto const& member : *object)
            if (!has_no_null(member.value())) return false;
    return true;
}

} // namespace

TEST_CASE("the root says what scripts look for") {
    auto const answer = root_handler{}(http::request{});
    CHECK(answer.status() == 200);
    CHECK(answer.content_type() == "text/plain; charset=utf-8");
    CHECK(answer.text() == "Ollama is running");
}

TEST_CASE("the version is three numbers, from which Codex does not conclude that there is "
          "/v1/responses") {
    CHECK(version_handler{}(http::request{}).text() == R"({"version":"0.13.3"})");
}

TEST_CASE("tags describes each model with every field that some client needs") {
    testing::fake_agent const agents{models()};
    auto const answer = tags_handler{agents}(caller());

    CHECK(answer.content_type() == "application/json; charset=utf-8");
    CHECK(
        answer.text() ==
        R"({"models":[{"name":"all:latest","model":"all:latest","size":1,"digest":")" +
            digest_of("all:latest") +
            R"(","details":{"parent_model":"","format":"agent","family":"echo","families":["echo"],)"
            R"("parameter_size":"","quantization_level":"","context_length":131072},)"
            R"("modified_at":"1970-01-01T00:00:00.000000Z",)"
            R"("capabilities":["completion","tools","insert","vision","thinking"]},)"
            R"({"name":"plain:7b","model":"plain:7b","size":1,"digest":")" +
            digest_of("plain:7b") +
            R"(","details":{"parent_model":"","format":"agent","family":"agent","families":["agent"],)"
            R"("parameter_size":"","quantization_level":"","context_length":4096},)"
            R"("modified_at":"1970-01-01T00:00:00.000000Z","capabilities":["completion"]},)"
            R"({"name":"vectors:latest","model":"vectors:latest","size":1,"digest":")" +
            digest_of("vectors:latest") +
            R"(","details":{"parent_model":"","format":"agent","family":"echo","families":["echo"],)"
            R"("parameter_size":"","quantization_level":"","context_length":2048,"embedding_length":3},)"
            R"("modified_at":"1970-01-01T00:00:00.000000Z","capabilities":["embedding"]}]})");
}

TEST_CASE(
    "tags and ps list only what the caller may use, and an empty list where that is nothing") {
    testing::fake_agent const agents{models()};
    CHECK(parsed(tags_handler{agents}(caller({"plain:7b"}))).at("models").as_array().size() == 1);
    CHECK(parsed(ps_handler{agents}(caller({"all", "vectors"}))).at("models").as_array().size() ==
          2);
    CHECK(tags_handler{agents}(caller({"other"})).text() == R"({"models":[]})");
    testing::fake_agent const empty{{}};
    CHECK(tags_handler{empty}(caller()).text() == R"({"models":[]})");
    CHECK(ps_handler{empty}(caller()).text() == R"({"models":[]})");
}

TEST_CASE("ps describes each model as loaded, with its context") {
    testing::fake_agent const agents{models()};
    auto const one = parsed(ps_handler{agents}(caller({"all"}))).at("models").at(0);
    CHECK(one.at("name") == "all:latest");
    CHECK(one.at("model") == "all:latest");
    CHECK(one.at("size") == 1);
    CHECK(one.at("size_vram") == 1);
    CHECK(one.at("digest").as_string() == digest_of("all:latest"));
    CHECK(one.at("context_length") == 131'072);
    CHECK(one.at("details").at("family") == "echo");
    CHECK(one.at("expires_at").as_string() > "2100");
}

TEST_CASE("show gives Zed, VS Code and Koog what they insist on, and nothing that is null") {
    testing::fake_agent const agents{models()};
    for (std::string_view const name : {"all", "all:latest", "plain:7b", "vectors"}) {
        CAPTURE(name);
        auto const facts = shown(agents, name);
        CHECK(has_no_null(facts));
        auto const architecture =
            std::string{facts.at("model_info").at("general.architecture").as_string()};
        CHECK(facts.at("model_info").at(architecture + ".context_length").as_int64() > 0);
        CHECK(facts.at("capabilities").as_array().size() > 0);
        CHECK(facts.at("details").at("format").is_string());
        CHECK(facts.at("modified_at").is_string());
    }
    auto const all = shown(agents, "all");
    CHECK(all.at("model_info").at("general.architecture") == "echo");
    CHECK(all.at("model_info").at("general.basename") == "all");
    CHECK(shown(agents, "plain:7b").at("model_info").at("general.basename") == "plain:7b");
    CHECK(shown(agents, "vectors").at("model_info").at("echo.embedding_length") == 3);
    CHECK(all.at("parameters") == "num_ctx                        131072");
    CHECK(all.at("modelfile") == "FROM all:latest\n");
}

TEST_CASE("show has .Suffix in its template exactly where a model fills in the middle") {
    testing::fake_agent const agents{models()};
    auto const has_suffix = [&](std::string_view name) {
        return std::string{shown(agents, name).at("template").as_string()}.find(".Suffix") !=
               std::string::npos;
    };
    CHECK(has_suffix("all"));
    CHECK_FALSE(has_suffix("plain:7b"));
    CHECK_FALSE(has_suffix("vectors"));
}

TEST_CASE("show leaves out a context that nobody knows") {
    std::vector<agent::model> unknown;
    unknown.emplace_back("x", agent::capability::completion, 0, "f");
    testing::fake_agent const agents{std::move(unknown)};
    auto const facts = shown(agents, "x");
    CHECK_FALSE(facts.at("model_info").as_object().contains("f.context_length"));
    CHECK(facts.at("parameters") == "");
    CHECK(has_no_null(facts));
}

TEST_CASE("show refuses a model that is unknown or not the caller's") {
    testing::fake_agent const agents{models()};
    show_handler const handler{agents};
    auto const unknown = handler(*read<show_request>(R"({"name":"none"})"), caller());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().status() == 404);
    CHECK(unknown.error().message() == "model 'none' not found");
    auto const foreign = handler(*read<show_request>(R"({"name":"all"})"), caller({"plain:7b"}));
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().status() == 403);
}
