#include "mcp_provider/mcp/stdio.hpp"
#include "mcp_provider/testing/run.hpp"

#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

class pipe_pair {
public:
    pipe_pair() { REQUIRE(::pipe(ends.data()) == 0); }
    pipe_pair(pipe_pair const&) = delete;
    pipe_pair& operator=(pipe_pair const&) = delete;
    ~pipe_pair() {
        close(0);
        close(1);
    }
    void close(std::size_t end) {
        if (ends[end] >= 0) ::close(std::exchange(ends[end], -1));
    }
    std::array<int, 2> ends{-1, -1};
};

asio::awaitable<void> pause(std::chrono::milliseconds time) {
    auto const executor = co_await asio::this_coro::executor;
    asio::steady_timer timer{executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

/// What a server says to `input`, which comes in pieces of `step` bytes; then the input ends.
std::vector<std::string> said_to(std::string_view input, std::size_t step = 1'000'000,
                                 mcp::server_limits limits = {}) {
    mcp::server offered{"test", "1", limits};
    offered.add(mcp::tool{"echo", "Says it again"},
                [](mcp::call& asked) { return json::to_text(asked.arguments()); });
    offered.add(mcp::tool{"slow", "Is slow"}, [](mcp::call& asked) -> asio::awaitable<std::string> {
        asked.progress(1);
        co_await pause(std::chrono::milliseconds{5});
        co_return "done";
    });
    offered.add(mcp::tool{"stuck", "Never ends"}, [](mcp::call&) -> asio::awaitable<std::string> {
        co_await pause(std::chrono::hours{1});
        co_return "never";
    });
    offered.add(mcp::tool{"change", "Changes"}, [&offered](mcp::call&) {
        offered.add(mcp::tool{"new", "New"}, [](mcp::call&) { return ""; });
        return "changed";
    });
    pipe_pair in;
    pipe_pair out;
    testing::run([](mcp::server& server, pipe_pair& to, pipe_pair& from, std::string_view rest,
                    std::size_t most) -> asio::awaitable<void> {
        auto const executor = co_await asio::this_coro::executor;
        mcp::stdio_transport transport{server, to.ends[0], from.ends[1],
                                       std::chrono::milliseconds{50}};
        bool ended = false;
        asio::co_spawn(executor, transport.run(),
                       [&ended](std::exception_ptr thrown) { ended = thrown == nullptr; });
        for (; !rest.empty(); rest.remove_prefix(std::min(most, rest.size()))) {
            auto const piece = rest.substr(0, most);
            REQUIRE(::write(to.ends[1], piece.data(), piece.size()) ==
                    static_cast<ssize_t>(piece.size()));
            co_await asio::post(executor, asio::use_awaitable);
        }
        co_await pause(std::chrono::milliseconds{20});
        to.close(1);
        while (!ended) co_await pause(std::chrono::milliseconds{1});
    }(offered, in, out, input, step));
    out.close(1);
    std::string all;
    std::array<char, 4096> piece;
    for (ssize_t got = 0; (got = ::read(out.ends[0], piece.data(), piece.size())) > 0;)
        all.append(piece.data(), static_cast<std::size_t>(got));
    std::vector<std::string> lines;
    for (std::size_t end = 0; (end = all.find('\n')) != std::string::npos; all.erase(0, end + 1))
        lines.push_back(all.substr(0, end));
    CHECK(all.empty());
    return lines;
}

std::string lines(std::initializer_list<std::string_view> all) {
    std::string out;
    for (std::string_view const one : all) (out += one) += '\n';
    return out;
}

constexpr std::string_view hello =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})";
constexpr std::string_view envelope =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"progressToken":"p"})";

} // namespace

TEST_CASE("stdio answers each line with one line, wherever its input is cut") {
    std::string const input = lines(
        {hello, R"({"jsonrpc":"2.0","method":"notifications/initialized"})", "", "  \r",
         R"({"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo","arguments":{"é":"\n"}}})",
         R"({"jsonrpc":"2.0","id":2,"method":"ping"})"});
    auto const whole = said_to(input);
    REQUIRE(whole.size() == 3);
    CHECK(whole[0].find(R"("protocolVersion":"2025-11-25")") != std::string::npos);
    CHECK(
        whole[1] ==
        R"({"jsonrpc":"2.0","id":"a","result":{"content":[{"type":"text","text":"{\"é\":\"\\n\"}"}]}})");
    CHECK(whole[2] == R"({"jsonrpc":"2.0","id":2,"result":{}})");
    for (std::size_t const step : {1, 2, 3, 7, 64}) CHECK(said_to(input, step) == whole);
}

TEST_CASE("stdio serves a modern client without a handshake") {
    std::string call = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"slow",)";
    (call += envelope) += "}}";
    std::string listen =
        R"({"jsonrpc":"2.0","id":2,"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},)";
    (listen += envelope) += "}}";
    std::string change =
        R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"change",)";
    (change += envelope) += "}}";

    auto const said = said_to(lines({listen, change, call}));

    REQUIRE(said.size() == 5);
    CHECK(said[0].find("subscriptions/acknowledged") != std::string::npos);
    CHECK(
        said[1].find(
            R"("notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":2}})") !=
        std::string::npos);
    CHECK(said[2].starts_with(R"({"jsonrpc":"2.0","id":3,"result":)"));
    CHECK(
        said[3] ==
        R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}})");
    CHECK(said[4].find(R"("resultType":"complete")") != std::string::npos);
}

TEST_CASE("stdio refuses what is no message, and goes on") {
    mcp::server_limits limits;
    limits.max_message_bytes = 200;
    std::string const ping = R"({"jsonrpc":"2.0","id":9,"method":"ping"})";
    std::string const fits = ping + std::string(200 - ping.size(), ' ');
    auto const said = said_to(lines({"{", "[" + ping + "]", fits, fits + " ",
                                     R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})",
                                     R"({"jsonrpc":"2.0","id":3,"result":{}})", ping}),
                              64, limits);
    REQUIRE(said.size() == 6);
    CHECK(said[0].find(R"("id":null,"error":{"code":-32700)") != std::string::npos);
    CHECK(said[1].find(R"("id":null,"error":{"code":-32600)") != std::string::npos);
    CHECK(said[2] == R"({"jsonrpc":"2.0","id":9,"result":{}})");
    CHECK(
        said[3] ==
        R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"a message may have 200 bytes"}})");
    CHECK(said[4].find(R"("id":1,"error":{"code":-32000,"message":"begin with initialize")") !=
          std::string::npos);
    CHECK(said[5] == R"({"jsonrpc":"2.0","id":9,"result":{}})");
}

TEST_CASE("stdio cancels what its client cancels, and what is left at the end") {
    std::string const stuck =
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stuck"}})";
    auto const said = said_to(
        lines({hello, stuck, stuck,
               R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})",
               R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"stuck"}})"}));
    REQUIRE(said.size() == 2);
    CHECK(said[1].find("a request with this id is in progress") != std::string::npos);
}
