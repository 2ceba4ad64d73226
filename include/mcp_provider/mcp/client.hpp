// A client of MCP servers, of both eras: calls their tools, reads their resources, and answers what they ask.
#pragma once

#include "mcp_provider/mcp/client_options.hpp"
#include "mcp_provider/mcp/client_transport.hpp"
#include "mcp_provider/mcp/detail/client_calls.hpp"
#include "mcp_provider/mcp/detail/client_core.hpp"
#include "mcp_provider/mcp/detail/handshake.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp {

/// What a tool has answered (CallToolResult).
class tool_answer {
public:
    explicit tool_answer(boost::json::object members) : document(std::move(members)) {}

    /// Whether the tool says that it has failed; its text then says why.
    [[nodiscard]] bool is_error() const {
        boost::json::value const* const flag = document.if_contains("isError");
        return flag != nullptr && flag->is_bool() && flag->get_bool();
    }
    /// The text of its blocks, one below the other.
    [[nodiscard]] std::string text() const {
        std::string out;
        boost::json::value const* const content = document.if_contains("content");
        if (content == nullptr || !content->is_array()) return out;
        for (boost::json::value const& block : content->get_array()) {
            boost::json::object const* const members = block.if_object();
            if (members == nullptr || detail::text_at(*members, "type") != "text") continue;
            if (!out.empty()) out += '\n';
            out += detail::text_at(*members, "text");
        }
        return out;
    }
    /// Its structured content; null where there is none.
    [[nodiscard]] boost::json::value const* structured() const {
        return document.if_contains("structuredContent");
    }

    boost::json::object document; ///< all of it
};

/// A connection to one MCP server.
///
///     mcp::client docs{std::make_unique<mcp::http_client_transport>(*net::origin::parse("http://127.0.0.1:8080/mcp"))};
///     if (auto const failed = co_await docs.connect(); !failed) …
///     auto const answer = co_await docs.call_tool("search", std::move(arguments));
///
/// *Errors*, of all calls: `upstream_failed`, with a reason: `method_not_found`, `invalid_params`, `header_mismatch`,
/// `missing_capability`, `unsupported_version` and `server_error` for what the server says, `bad_answer` for what cannot
/// be understood, `http_refused`, `unauthorized`, `session_lost`, `server_gone`; `timed_out`; `overloaded` beyond
/// `max_calls`; `client_closed` where the coroutine was cancelled or the client has gone. A call that ends before its
/// answer is cancelled at the server.
/// *Thread safety*: used on the thread of the io_context of `connect`, which must be run by one thread.
/// *Lifetime*: that io_context must outlive it. Destroying it ends all calls; they may be awaited still. It may go within a
/// function of its options. The arguments of its calls are copied.
class client {
public:
    explicit client(std::unique_ptr<client_transport> way, client_options options = {})
        : core_{std::make_shared<detail::client_core>(std::move(way), std::move(options))} {}
    client(client&&) noexcept = default;
    client& operator=(client&& other) noexcept {
        if (core_ != nullptr) core_->abandon();
        core_ = std::move(other.core_);
        return *this;
    }
    ~client() {
        if (core_ != nullptr) core_->abandon();
    }

    /// Opens the way to the server and agrees on a revision. Again after the server has gone.
    [[nodiscard]] asio::awaitable<result<>> connect() { return detail::shake_hands(core_); }
    /// Ends the session, or the server that was started, within two seconds.
    [[nodiscard]] asio::awaitable<void> close() { return detail::say_goodbye(core_); }
    /// Whether it is connected, as far as is known.
    [[nodiscard]] bool is_open() const noexcept { return core_->is_open(); }
    /// What the server has said of itself. Precondition: connected once.
    [[nodiscard]] server_facts const& server() const noexcept { return core_->facts; }
    /// Messages that were of no use so far.
    [[nodiscard]] std::size_t strays() const noexcept { return core_->strays(); }

    /// Any request; the result is as the server gave it, after the rounds of input that it may have wanted.
    [[nodiscard]] asio::awaitable<result<boost::json::object>>
    request(std::string method, boost::json::object params, call_options how = {}) {
        return detail::call_server(core_, std::move(method), std::move(params), {}, std::move(how));
    }
    [[nodiscard]] asio::awaitable<result<>> notify(std::string method, boost::json::object params) {
        return core_->notify(std::move(method), std::move(params));
    }

    /// The tools, each as the server describes it, all pages.
    [[nodiscard]] asio::awaitable<result<boost::json::array>> list_tools(call_options how = {}) {
        return detail::gather_tools(core_, std::move(how));
    }
    /// Calls a tool. That it failed is no error of the call, but said in the answer.
    [[nodiscard]] asio::awaitable<result<tool_answer>>
    call_tool(std::string name, boost::json::object arguments = {}, call_options how = {}) {
        return as_answer(
            detail::call_tool(core_, std::move(name), std::move(arguments), std::move(how)));
    }

    [[nodiscard]] asio::awaitable<result<boost::json::array>>
    list_resources(call_options how = {}) {
        return detail::gather_list(core_, "resources/list", "resources", std::move(how));
    }
    [[nodiscard]] asio::awaitable<result<boost::json::array>>
    list_resource_templates(call_options how = {}) {
        return detail::gather_list(core_, "resources/templates/list", "resourceTemplates",
                                   std::move(how));
    }
    [[nodiscard]] asio::awaitable<result<boost::json::object>>
    read_resource(std::string uri, call_options how = {}) {
        boost::json::object params;
        params["uri"] = std::move(uri);
        return request("resources/read", std::move(params), std::move(how));
    }

    [[nodiscard]] asio::awaitable<result<boost::json::array>> list_prompts(call_options how = {}) {
        return detail::gather_list(core_, "prompts/list", "prompts", std::move(how));
    }
    /// `arguments` are texts.
    [[nodiscard]] asio::awaitable<result<boost::json::object>>
    get_prompt(std::string name, boost::json::object arguments = {}, call_options how = {}) {
        boost::json::object params;
        params["name"] = std::move(name);
        if (!arguments.empty()) params["arguments"] = std::move(arguments);
        return request("prompts/get", std::move(params), std::move(how));
    }

    /// Completions for an argument of what `of` refers to (`{"type":"ref/prompt","name":…}`).
    [[nodiscard]] asio::awaitable<result<boost::json::object>>
    complete(boost::json::object of, std::string argument, std::string value) {
        boost::json::object params;
        params["ref"] = std::move(of);
        auto& asked = params["argument"].emplace_object();
        asked["name"] = std::move(argument);
        asked["value"] = std::move(value);
        return request("completion/complete", std::move(params));
    }

    /// Whether the server is there. The modern era has no ping: it is asked what it speaks instead.
    [[nodiscard]] asio::awaitable<result<>> ping() {
        return detail::without_result(core_, core_->speaks_modern() ? "server/discover" : "ping",
                                      {});
    }
    /// The least severe log messages (`debug`, `info`, …) that the server shall send from now on.
    [[nodiscard]] asio::awaitable<result<>> set_level(std::string level) {
        return detail::set_level(core_, std::move(level));
    }

    /// Legacy: has the server tell of changes of a resource (`client_options::notified`).
    [[nodiscard]] asio::awaitable<result<>> subscribe(std::string uri) {
        return about_resource("resources/subscribe", std::move(uri));
    }
    [[nodiscard]] asio::awaitable<result<>> unsubscribe(std::string uri) {
        return about_resource("resources/unsubscribe", std::move(uri));
    }
    /// Modern: listens to the changes that `filter` (`{"toolsListChanged":true,…}`) names; each is told to
    /// `client_options::notified`. Ends when the server ends it. *Errors*: `timed_out` after `at_most`.
    [[nodiscard]] asio::awaitable<result<>> listen(boost::json::object filter,
                                                   std::chrono::milliseconds at_most) {
        call_options how;
        how.time = how.longest_time = at_most;
        return detail::listen(core_, std::move(filter), std::move(how));
    }

private:
    static asio::awaitable<result<tool_answer>>
    as_answer(asio::awaitable<result<boost::json::object>> call) {
        auto outcome = co_await std::move(call);
        if (!outcome) co_return outcome.error();
        co_return tool_answer{*std::move(outcome)};
    }
    asio::awaitable<result<>> about_resource(std::string method, std::string uri) {
        boost::json::object params;
        params["uri"] = std::move(uri);
        return detail::without_result(core_, std::move(method), std::move(params));
    }

    std::shared_ptr<detail::client_core> core_;
};

} // namespace mcp_provider::mcp
