#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/results.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

boost::json::value parsed(std::string const& text, std::string const& name) {
    auto document = json::parse(text);
    REQUIRE_MESSAGE(document, name);
    return *std::move(document);
}

/// Whether what was read into a type and written again is the example.
void check_same(boost::json::value const& example, std::string const& written,
                std::string const& name) {
    CHECK_MESSAGE(parsed(written, name) == example, name << ": " << written);
}

template <class T>
std::string written(T const& one) {
    std::string out;
    one.append_to(out, mcp::latest_modern);
    return out;
}
std::string written(mcp::tool const& one) {
    std::string out;
    one.append_to(out, mcp::latest_modern, true);
    return out;
}

template <class T>
void check_type(boost::json::value const& example, std::string const& name) {
    json::reading pass{example};
    T const read = T::read(pass.root());
    CHECK_MESSAGE(pass.ok(), name);
    check_same(example, written(read), name);
}

void check_content(boost::json::value const& example, std::string const& name) {
    auto const read = mcp::content::read(example);
    REQUIRE_MESSAGE(read, name);
    check_same(example, read->json(), name);
}

/// A message of JSON-RPC, read and written again.
void check_message(boost::json::value const& example, std::string const& name) {
    auto const message = rpc::read(example);
    REQUIRE_MESSAGE(message, name);
    std::string out;
    std::string const params =
        message->params() != nullptr ? json::to_text(*message->params()) : "";
    switch (message->kind()) {
    case rpc::kind::request:
        rpc::append_request(out, message->id(), message->method(), params);
        break;
    case rpc::kind::notification: rpc::append_notification(out, message->method(), params); break;
    case rpc::kind::response:
        rpc::append_result(out, message->id(), json::to_text(*message->result()));
        break;
    case rpc::kind::error:
        rpc::append_error(out, message->id(), message->error_code(), message->error_message(),
                          message->error_data() != nullptr ? json::to_text(*message->error_data())
                                                           : "");
        break;
    }
    check_same(example, out, name);
}

void check_tool_result(boost::json::value const& example, std::string const& name) {
    auto const read = mcp::tool_result::read(example);
    REQUIRE_MESSAGE(read, name);
    std::string out = "{";
    read->append_members(out, mcp::latest_modern);
    auto again = parsed(out + '}', name);
    for (auto const& member : example.as_object())
        if (member.key() != "resultType" && member.key() != "isError")
            CHECK_MESSAGE(again.as_object()[member.key()] == member.value(), name);
}

} // namespace

TEST_CASE("each example of the specification is read, and written again the same") {
    char const* const tests = std::getenv("MCP_PROVIDER_TESTS");
    REQUIRE(tests != nullptr);
    auto const folder =
        std::filesystem::path{tests} / "../../shared/data/mcp-schema/2026-07-28/examples";
    if (!std::filesystem::is_directory(folder)) {
        MESSAGE("SKIPPED: the examples of the specification are not at " << folder.string());
        return;
    }
    std::size_t seen = 0;
    std::size_t typed = 0;
    for (auto const& entry : std::filesystem::recursive_directory_iterator{folder}) {
        if (!entry.is_regular_file()) continue;
        std::ifstream file{entry.path()};
        std::stringstream text;
        text << file.rdbuf();
        std::string const name = entry.path().filename().string();
        std::string const type = entry.path().parent_path().filename().string();
        auto const example = parsed(text.str(), name);
        ++seen;
        check_same(example, json::to_text(example), name);

        ++typed;
        if (type.ends_with("Content") || type == "EmbeddedResource" || type == "ResourceLink")
            check_content(example, name);
        else if (type == "Tool")
            check_type<mcp::tool>(example, name);
        else if (type == "Resource")
            check_type<mcp::resource>(example, name);
        else if (type == "CallToolResult")
            check_tool_result(example, name);
        else if (example.is_object() && example.as_object().contains("jsonrpc"))
            check_message(example, name);
        else
            --typed;
    }
    CHECK(seen >= 100);
    CHECK(typed >= 50);
}
