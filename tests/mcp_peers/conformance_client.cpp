// client URL: plays the client's part in a scenario of @modelcontextprotocol/conformance, which MCP_CONFORMANCE_SCENARIO
// names. Exits with 0 when everything it was to do went well.
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/client.hpp"
#include "mcp_provider/mcp/http_client_transport.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

using namespace mcp_provider;
namespace bj = boost::json;

namespace {

template <class T>
T checked(result<T> outcome, std::string_view what) {
    if (!outcome) throw std::runtime_error{std::string{what} + ": " + outcome.error().message()};
    if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

asio::awaitable<result<bj::object>> accept_form(bj::object const&) {
    bj::object answer;
    answer["action"] = "accept";
    answer["content"].emplace_object();
    co_return answer;
}

asio::awaitable<result<bj::object>> sample(bj::object const&) {
    bj::object answer;
    answer["role"] = "assistant";
    answer["model"] = "none";
    auto& content = answer["content"].emplace_object();
    content["type"] = "text";
    content["text"] = "a sample";
    co_return answer;
}

mcp::client make_client(std::string_view url) {
    auto to = net::origin::parse(url);
    if (!to) throw std::runtime_error{to.error().message()};
    mcp::client_options options;
    options.name = "mcp-local-provider-conformance";
    options.elicitation = accept_form;
    options.sampling = sample;
    options.roots = [] { return bj::array{}; };
    options.left_out = [](std::string const& tool, std::string const& why) {
        std::fprintf(stderr, "left out %s: %s\n", tool.c_str(), why.c_str());
    };
    return mcp::client{std::make_unique<mcp::http_client_transport>(*std::move(to)),
                       std::move(options)};
}

asio::awaitable<void> call(mcp::client& with, std::string name, bj::object arguments = {}) {
    std::string const said = name;
    auto answer = co_await with.call_tool(std::move(name), std::move(arguments));
    mcp::tool_answer const got = checked(std::move(answer), said);
    std::printf("%s: %s\n", said.c_str(), got.text().c_str());
}

/// Calls every tool that is listed, without arguments or with those of a small instance.
asio::awaitable<void> call_all(mcp::client& with) {
    auto listed = co_await with.list_tools();
    for (bj::value const& tool : checked(std::move(listed), "tools/list")) {
        bj::object arguments;
        bj::value const* const wanted =
            tool.at("inputSchema").as_object().if_contains("properties");
        if (wanted != nullptr)
            for (auto const& [name, schema] : wanted->as_object()) {
                bj::value const* const type = schema.as_object().if_contains("type");
                bool const is_text = type != nullptr && *type == "string";
                if (is_text) arguments[name] = "x";
                if (!is_text) arguments[name] = 2;
            }
        std::string name{tool.at("name").as_string().c_str()};
        co_await call(with, std::move(name), std::move(arguments));
    }
}

asio::awaitable<void> read_everything(mcp::client& with) {
    co_await call_all(with);
    auto resources = co_await with.list_resources();
    for (bj::value const& one : checked(std::move(resources), "resources/list")) {
        std::string uri{one.at("uri").as_string().c_str()};
        auto read = co_await with.read_resource(std::move(uri));
        checked(std::move(read), "resources/read");
    }
    auto prompts = co_await with.list_prompts();
    for (bj::value const& one : checked(std::move(prompts), "prompts/list")) {
        std::string name{one.at("name").as_string().c_str()};
        auto got = co_await with.get_prompt(std::move(name));
        checked(std::move(got), "prompts/get");
    }
}

/// The calls that the scenario wants, in MCP_CONFORMANCE_CONTEXT.
asio::awaitable<void> call_as_told(mcp::client& with) {
    char const* const context = std::getenv("MCP_CONFORMANCE_CONTEXT");
    bj::value const told = checked(json::parse(context != nullptr ? context : "{}"), "the context");
    auto listed = co_await with.list_tools();
    checked(std::move(listed), "tools/list");
    for (bj::value const& one : told.at("toolCalls").as_array()) {
        std::string name{one.at("name").as_string().c_str()};
        bj::object arguments = one.at("arguments").as_object();
        co_await call(with, std::move(name), std::move(arguments));
    }
}

/// Gives the schema of one tool to another, as it was received.
asio::awaitable<void> echo_schema(mcp::client& with) {
    auto listed = co_await with.list_tools();
    bj::object arguments;
    for (bj::value const& tool : checked(std::move(listed), "tools/list"))
        if (tool.at("name") == "json_schema_2020_12_tool")
            arguments["schema"] = tool.at("inputSchema");
    std::string name = "json_schema_echo";
    co_await call(with, std::move(name), std::move(arguments));
}

asio::awaitable<void> only_list(mcp::client& with) {
    auto listed = co_await with.list_tools();
    checked(std::move(listed), "tools/list");
}

using play = std::function<asio::awaitable<void>(mcp::client&)>;
std::map<std::string_view, play> const plays{
    {"initialize", only_list},
    {"tools_call", call_all},
    {"elicitation-sep1034-client-defaults", call_all},
    {"sse-retry", call_all},
    {"request-metadata", call_all},
    {"sep-2322-client-request-state", call_all},
    {"http-standard-headers", read_everything},
    {"http-custom-headers", call_as_told},
    {"http-invalid-tool-headers", call_all},
    {"json-schema-ref-no-deref", only_list},
    {"json-schema-2020-12-preservation", echo_schema},
};

asio::awaitable<void> take_part(play const& played, std::string_view url) {
    mcp::client with = make_client(url);
    auto connected = co_await with.connect();
    checked(std::move(connected), "connect");
    std::printf("speaking %s with %s\n", std::string{name_of(with.server().spoken)}.c_str(),
                with.server().name.c_str());
    co_await played(with);
    co_await with.close();
}

} // namespace

int main(int count, char** words) try {
    char const* const scenario = std::getenv("MCP_CONFORMANCE_SCENARIO");
    auto const found = plays.find(scenario != nullptr ? scenario : "");
    if (count < 2 || found == plays.end()) {
        std::fprintf(stderr, "usage: MCP_CONFORMANCE_SCENARIO=NAME %s URL\n", words[0]);
        return 2;
    }
    asio::io_context context{1};
    std::exception_ptr failed;
    asio::co_spawn(context, take_part(found->second, words[count - 1]),
                   [&](std::exception_ptr thrown) {
                       failed = std::move(thrown);
                       context.stop();
                   });
    context.run_for(std::chrono::seconds{25});
    if (failed) std::rethrow_exception(failed);
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
