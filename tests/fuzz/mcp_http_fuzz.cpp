// Bodies of an MCP endpoint: whatever the bytes, in whatever era the fields say, the answer is a JSON-RPC message or nothing,
// under a status that the protocol has.
#include "expect.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/streamable_http.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/run.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace mcp_provider;

namespace {

class offered {
public:
    offered() : server{"fuzz", "1", limits()}, endpoint{server, std::chrono::milliseconds{0}} {
        server.add(
            mcp::tool{
                "echo", "Echoes",
                R"({"type":"object","properties":{"a":{"type":"string","x-mcp-header":"A"}}})"},
            [](mcp::call& asked) { return json::to_text(asked.arguments()); });
        server.add(mcp::tool{"ask", "Asks"},
                   [](mcp::call& asked) -> asio::awaitable<result<mcp::tool_result>> {
                       mcp::question one = mcp::question::form("k", "?", R"({"type":"object"})");
                       auto const got = co_await asked.ask(std::move(one));
                       if (!got) co_return got.error();
                       co_return mcp::tool_result{json::to_text(*got)};
                   });
        server.add(mcp::resource{"test://{id}", "Any"}, [](mcp::call& asked) {
            return mcp::resource_contents::text(asked.name(), "", asked.variable("id"));
        });
        server.add(mcp::prompt{"p", "Prompt"}.taking("x", "X"),
                   [](mcp::call& asked) { return std::string{asked.text("x")}; });
        server.complete("p", "x", [](mcp::call&) { return std::vector<std::string>{"y"}; });
    }

    static mcp::server_limits limits() {
        mcp::server_limits out;
        out.max_sessions = 4;
        out.answer_time = std::chrono::milliseconds{1};
        return out;
    }

    mcp::server server;
    mcp::streamable_http endpoint;
};

void check_message(std::string_view text) {
    auto const document = json::parse(text);
    expect(document.has_value(), "an answer is JSON: " + std::string{text});
    expect(rpc::read(*document).has_value(), "an answer is a message: " + std::string{text});
}

asio::awaitable<void> ask(mcp::streamable_http& endpoint, std::string_view body,
                          std::string_view session, bool modern) {
    testing::fake_request asked{"POST", "/mcp"};
    asked.with("Content-Type", "application/json").with("Accept", "*/*");
    std::string method;
    std::string name;
    if (modern) {
        asked.with("MCP-Protocol-Version", "2026-07-28");
        if (auto const document = json::parse(body); document && document->is_object()) {
            auto const text = [&](std::string_view pointer) {
                boost::json::error_code none;
                auto const* const found =
                    document->find_pointer({pointer.data(), pointer.size()}, none);
                return found != nullptr && found->is_string() ? std::string{found->get_string()}
                                                              : "";
            };
            method = text("/method");
            name = text(method == "resources/read" ? "/params/uri" : "/params/name");
            asked.with("Mcp-Method", method).with("Mcp-Name", name);
        }
    } else if (!session.empty()) {
        asked.with("Mcp-Session-Id", session);
    }
    auto const answer = co_await endpoint.serve(asked, body, "fuzz");
    std::uint16_t const status = answer.status();
    expect(status == 200 || status == 202 || status == 400 || status == 404 || status == 413,
           "a status that the protocol has: " + std::to_string(status));
    expect(status != 202 || answer.text().empty(), "202 has no body");
    if (answer.stream() == nullptr) {
        if (status != 202) check_message(answer.text());
        co_return;
    }
    std::string events;
    auto const step = co_await answer.stream()->next(events);
    expect(step.has_value(), "a stream does not fail");
    std::string_view rest = events;
    http::event_stream_parser parser;
    auto const event = parser.next(rest);
    expect(event.has_value(), "a stream is of events");
    if (*event && !(**event).data.empty()) check_message((**event).data);
}

asio::awaitable<void> ask_all(mcp::streamable_http& endpoint, std::string_view body) {
    co_await ask(endpoint, body, "", true);
    co_await ask(endpoint, body, "", false);
    testing::fake_request opening{"POST", "/mcp"};
    opening.with("Content-Type", "application/json").with("Accept", "*/*");
    auto const opened = co_await endpoint.serve(
        opening,
        R"({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"elicitation":{}},"clientInfo":{"name":"f","version":"1"}}})",
        "fuzz");
    std::string const session{opened.fields().get("Mcp-Session-Id")};
    expect(!session.empty(), "a session is opened");
    co_await ask(endpoint, body, session, false);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size) {
    offered here;
    testing::run(ask_all(here.endpoint, {reinterpret_cast<char const*>(bytes), size}));
    return 0;
}
