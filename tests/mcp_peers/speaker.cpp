// speaker URL | speaker COMMAND…: an MCP client that does what the lines of its standard input say, one JSON object each, and
// writes what comes of it, one JSON object a line. What mcp_peers' tests talk to servers with.
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/mcp/client.hpp"
#include "mcp_provider/mcp/http_client_transport.hpp"
#include "mcp_provider/mcp/stdio_client_transport.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace mcp_provider;
namespace bj = boost::json;

namespace {

void say(bj::object const& line) {
    std::string const text = bj::serialize(line) + "\n";
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

std::string text_at(bj::object const& in, std::string_view name) {
    return std::string{mcp::detail::text_at(in, name)};
}

template <class T>
void tell(result<T> outcome) {
    bj::object line;
    if (!outcome) {
        line["error"] = outcome.error().message();
        line["reason"] = std::string{outcome.error().reason()};
    } else if constexpr (std::is_void_v<T>) {
        line["result"].emplace_object();
    } else {
        line["result"] = *std::move(outcome);
    }
    say(line);
}

asio::awaitable<result<bj::object>> fill_in(bj::object const& params) {
    bj::object asked;
    asked["asked"] = "elicitation";
    asked["params"] = params;
    say(asked);
    bj::object answer;
    answer["action"] = "accept";
    answer["content"].emplace_object()["name"] = "Ada";
    co_return answer;
}

asio::awaitable<result<bj::object>> sample(bj::object const& params) {
    bj::object asked;
    asked["asked"] = "sampling";
    asked["params"] = params;
    say(asked);
    bj::object answer;
    answer["role"] = "assistant";
    answer["model"] = "speaker";
    answer["stopReason"] = "endTurn";
    auto& content = answer["content"].emplace_object();
    content["type"] = "text";
    content["text"] = "a sample";
    co_return answer;
}

bj::array roots() {
    bj::object one;
    one["uri"] = "file:///srv/speaker";
    one["name"] = "speaker";
    bj::array all;
    all.push_back(std::move(one));
    return all;
}

std::unique_ptr<mcp::client_transport> way_to(int count, char** words) {
    std::string_view const first = words[1];
    if (first.starts_with("http")) {
        mcp::http_transport_options options;
        if (char const* const token = std::getenv("SPEAKER_TOKEN")) options.token = secret{token};
        auto to = net::origin::parse(first);
        if (!to) throw std::runtime_error{to.error().message()};
        return std::make_unique<mcp::http_client_transport>(*std::move(to), std::move(options));
    }
    net::child_command command{std::vector<std::string>(words + 1, words + count)};
    for (char const* const name : {"PATH", "HOME"})
        if (char const* const value = std::getenv(name))
            command.environment.push_back(std::string{name} + "=" + value);
    return std::make_unique<mcp::stdio_client_transport>(std::move(command));
}

asio::awaitable<void> do_one(mcp::client& with, bj::object const& order) {
    std::string const what = text_at(order, "do");
    bj::object const* const found = mcp::detail::object_at(order, "params");
    bj::object params = found != nullptr ? *found : bj::object{};
    mcp::call_options how;
    if (bj::value const* const time = order.if_contains("time"))
        how.time = how.longest_time = std::chrono::milliseconds{time->to_number<int>()};
    how.progress = [](mcp::progress_report const& report) {
        bj::object line;
        line["progress"] = report.done;
        line["message"] = std::string{report.message};
        say(line);
    };
    if (what == "call") {
        std::string name = text_at(order, "name");
        auto answer = co_await with.call_tool(std::move(name), std::move(params), std::move(how));
        if (!answer) co_return tell(result<bj::object>{answer.error()});
        tell(result<bj::object>{std::move(answer->document)});
    } else if (what == "tools") {
        auto listed = co_await with.list_tools();
        tell(std::move(listed));
    } else if (what == "resources") {
        auto listed = co_await with.list_resources();
        tell(std::move(listed));
    } else if (what == "templates") {
        auto listed = co_await with.list_resource_templates();
        tell(std::move(listed));
    } else if (what == "prompts") {
        auto listed = co_await with.list_prompts();
        tell(std::move(listed));
    } else if (what == "ping") {
        auto outcome = co_await with.ping();
        tell(std::move(outcome));
    } else if (what == "level") {
        std::string level = text_at(order, "level");
        auto outcome = co_await with.set_level(std::move(level));
        tell(std::move(outcome));
    } else if (what == "listen") {
        auto outcome = co_await with.listen(std::move(params), *how.time);
        tell(std::move(outcome));
    } else if (what == "wait") {
        asio::steady_timer timer{co_await asio::this_coro::executor, *how.time};
        co_await timer.async_wait(asio::use_awaitable);
        tell(result<>{});
    } else {
        std::string method = text_at(order, "method");
        auto outcome = co_await with.request(std::move(method), std::move(params), std::move(how));
        tell(std::move(outcome));
    }
}

asio::awaitable<void> speak(int count, char** words) {
    mcp::client_options options;
    options.name = "speaker";
    options.elicitation = fill_in;
    options.sampling = sample;
    options.roots = roots;
    options.notified = [](std::string_view method, bj::object const& params) {
        bj::object line;
        line["notified"] = std::string{method};
        line["params"] = params;
        say(line);
    };
    if (char const* const only = std::getenv("SPEAKER_REVISION"))
        options.only = mcp::revision_of(only);
    mcp::client with{way_to(count, words), std::move(options)};
    auto const connected = co_await with.connect();
    if (!connected) co_return tell(result<bj::object>{connected.error()});
    bj::object hello;
    hello["revision"] = std::string{name_of(with.server().spoken)};
    hello["server"] = with.server().name;
    hello["capabilities"] = with.server().capabilities;
    say(hello);
    for (std::string line; std::getline(std::cin, line);) {
        auto const order = json::parse(line);
        if (!order || !order->is_object()) throw std::runtime_error{"an order is no JSON object"};
        co_await do_one(with, order->get_object());
    }
    co_await with.close();
    bj::object bye;
    bye["strays"] = with.strays();
    say(bye);
}

} // namespace

int main(int count, char** words) try {
    if (count < 2) {
        std::fprintf(stderr, "usage: %s URL | COMMAND...\n", words[0]);
        return 2;
    }
    asio::io_context context{1};
    std::exception_ptr failed;
    asio::co_spawn(context, speak(count, words), [&](std::exception_ptr thrown) {
        failed = std::move(thrown);
        context.stop();
    });
    context.run_for(std::chrono::seconds{50});
    if (failed) std::rethrow_exception(failed);
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
