// A client that is connected to a scripted server, and what tests of it share.
#pragma once

#include "mcp/scripted_way.hpp"
#include "mcp_provider/testing/run.hpp"

#include <boost/json/serialize.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::testing {

namespace bj = boost::json;
using namespace std::chrono_literals;

inline bj::object object(std::string_view text) { return json::parse(text)->get_object(); }
inline std::string text_of(bj::value const& value) { return bj::serialize(value); }

/// A client that is connected to a scripted server, in one era or the other.
class setting {
public:
    explicit setting(bool modern, mcp::client_options options = {}) : modern_{modern} {
        options.notified = [this](std::string_view method, bj::object const& params) {
            notified.push_back(std::string{method} + " " + text_of(params));
        };
        options.left_out = [this](std::string const& tool, std::string const& why) {
            left_out.push_back(tool + ": " + why);
        };
        if (!modern) options.only = mcp::latest_legacy;
        options_ = std::move(options);
    }

    /// Connects, and does `what`.
    void with(std::function<asio::awaitable<void>(mcp::client&)> what) {
        auto const all = [&]() -> asio::awaitable<void> {
            server->answers.emplace_front(modern_ ? modern_server : legacy_server);
            mcp::client one{std::make_unique<scripted_way>(server), options_};
            auto const connected = co_await one.connect();
            if (!connected) throw std::runtime_error{connected.error().message()};
            server->requests.clear();
            server->fields.clear();
            server->others.clear();
            co_await what(one);
            strays = one.strays();
        };
        run(all());
    }
    /// What a tool answers, or what went wrong.
    std::string call(std::string name = "t", std::string_view arguments = "{}") {
        std::string said;
        with([&](mcp::client& one) -> asio::awaitable<void> {
            auto const answer = co_await one.call_tool(name, object(arguments));
            said = answer ? answer->text() : answer.error().message();
        });
        return said;
    }

    std::shared_ptr<scripted_server> server = std::make_shared<scripted_server>();
    std::vector<std::string> notified;
    std::vector<std::string> left_out;
    std::size_t strays = 0;

private:
    bool modern_;
    mcp::client_options options_;
};

inline std::string said(std::string_view text) {
    return R"("result":{"resultType":"complete","content":[{"type":"text","text":")" +
           std::string{text} + R"("}]})";
}
inline std::string tools(std::string_view list, std::string_view more = "") {
    return R"("result":{"resultType":"complete","tools":[)" + std::string{list} + "]" +
           std::string{more} + "}";
}

inline asio::awaitable<result<bj::object>> accept_form(bj::object const&) {
    co_return object(R"({"action":"accept","content":{"name":"Ada"}})");
}

inline asio::awaitable<void> rest(std::chrono::milliseconds time = 0ms) {
    asio::steady_timer timer{co_await asio::this_coro::executor, time};
    co_await timer.async_wait(asio::use_awaitable);
}

} // namespace mcp_provider::testing
