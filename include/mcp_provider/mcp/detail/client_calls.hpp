// The calls of a client that take more than one exchange.
#pragma once

#include "mcp_provider/mcp/detail/client_core.hpp"
#include "mcp_provider/mcp/detail/handshake.hpp"
#include "mcp_provider/mcp/mirrored_arguments.hpp"

#include <boost/json/array.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace mcp_provider::mcp::detail {

using shared_core = std::shared_ptr<client_core>;

/// A call that opens a new session where the server has lost ours, once. *See* 2025-11-25, Session Management.
[[nodiscard]] inline asio::awaitable<result<bj::object>>
call_server(shared_core core, std::string method, bj::object params, std::string fields,
            call_options how) {
    auto const session = core->session_number;
    auto outcome = co_await core->ask(method, params, fields, how);
    if (outcome || outcome.error().reason() != "session_lost") co_return outcome;
    if (core->session_number == session) {
        if (!core->is_open()) co_return outcome; // another call opens it just now
        auto const again =
            co_await initialize(core, core->facts.spoken,
                                std::chrono::steady_clock::now() + core->options().connect_time);
        if (!again) co_return again.error();
    }
    co_return co_await core->ask(method, params, fields, how);
}

/// All pages of a list.
[[nodiscard]] inline asio::awaitable<result<bj::array>>
gather_list(shared_core core, std::string method, std::string_view member, call_options how) {
    bj::array all;
    std::string cursor;
    bool has_cursor = false;
    for (std::size_t page = 0; page != core->options().max_pages; ++page) {
        bj::object params;
        if (has_cursor) params["cursor"] = cursor;
        auto outcome = co_await call_server(core, method, std::move(params), {}, how);
        if (!outcome) co_return outcome.error();
        bj::value* const items = outcome->if_contains(key(member));
        if (items == nullptr || !items->is_array())
            co_return bad_answer("it has no list of " + std::string{member});
        for (bj::value& one : items->get_array()) {
            if (all.size() == core->options().max_items)
                co_return bad_answer("it lists more than " + std::to_string(all.size()) + " " +
                                     std::string{member});
            all.push_back(std::move(one));
        }
        bj::value const* const next = outcome->if_contains("nextCursor");
        if (next == nullptr || !next->is_string()) co_return all;
        std::string_view const given = text_at(*outcome, "nextCursor");
        if (has_cursor && given == cursor) co_return bad_answer("it gives the same cursor twice");
        cursor = given;
        has_cursor = true;
    }
    co_return bad_answer("it lists more than " + std::to_string(core->options().max_pages) +
                         " pages");
}

/// Lists tools, without those that may not be called over HTTP since their annotations are wrong.
[[nodiscard]] inline asio::awaitable<result<bj::array>> gather_tools(shared_core core,
                                                                     call_options how) {
    auto listed = co_await gather_list(core, "tools/list", "tools", how);
    if (!listed) co_return listed;
    bj::array kept;
    core->mirrors.clear();
    bool const is_mirrored = core->speaks_modern() && core->transport().has_fields();
    for (bj::value& tool : *listed) {
        bj::object const* const members = tool.if_object();
        std::string const name{members != nullptr ? text_at(*members, "name") : ""};
        if (name.empty()) continue;
        if (is_mirrored) {
            bj::value const* const schema = members->if_contains("inputSchema");
            auto mirrored = mirrored_arguments(schema != nullptr ? *schema : bj::value{});
            auto& noted = core->mirrors[name];
            if (mirrored) {
                noted = *std::move(mirrored);
            } else {
                noted.reset();
                if (core->options().left_out)
                    core->options().left_out(name, mirrored.error().message());
                continue;
            }
        }
        kept.push_back(std::move(tool));
    }
    co_return kept;
}

/// Calls a tool. Where the server misses header fields, its tools are listed once more, and it is called again.
[[nodiscard]] inline asio::awaitable<result<bj::object>>
call_tool(shared_core core, std::string name, bj::object arguments, call_options how) {
    for (bool is_first = true;; is_first = false) {
        std::string fields;
        if (auto const found = core->mirrors.find(name); found != core->mirrors.end()) {
            if (!found->second)
                co_return rejection{rejection_code::bad_request,
                                    "the tool " + excerpt(name, 100) +
                                        " must not be called: its x-mcp-header is wrong"}
                    .because("tool_left_out");
            auto const written = append_mirrored(fields, *found->second, arguments);
            if (!written) co_return written.error();
        }
        bj::object params;
        params["name"] = name;
        params["arguments"] = arguments;
        auto outcome =
            co_await call_server(core, "tools/call", std::move(params), std::move(fields), how);
        if (outcome || !is_first || outcome.error().reason() != "header_mismatch")
            co_return outcome;
        call_options const plain;
        auto const listed = co_await gather_tools(core, plain);
        if (!listed) co_return outcome;
    }
}

/// Listens to changes until the server ends it, or the time of `how` is up.
[[nodiscard]] inline asio::awaitable<result<>> listen(shared_core core, bj::object filter,
                                                      call_options how) {
    if (!core->speaks_modern())
        co_return rejection{rejection_code::not_implemented,
                            "a server of the legacy era is not asked to tell of changes, but for "
                            "single resources (subscribe)"};
    bj::object params;
    params["notifications"] = std::move(filter);
    auto const outcome =
        co_await call_server(core, "subscriptions/listen", std::move(params), {}, how);
    if (!outcome && outcome.error().reason() != "ended_by_server") co_return outcome.error();
    co_return result<>{};
}

[[nodiscard]] inline asio::awaitable<result<>> without_result(shared_core core, std::string method,
                                                              bj::object params) {
    call_options const how;
    auto const outcome = co_await call_server(core, std::move(method), std::move(params), {}, how);
    if (!outcome) co_return outcome.error();
    co_return result<>{};
}

[[nodiscard]] inline asio::awaitable<result<>> set_level(shared_core core, std::string level) {
    if (!core->speaks_modern()) {
        bj::object params;
        params["level"] = level;
        co_return co_await without_result(core, "logging/setLevel", std::move(params));
    }
    core->log_level = std::move(level); // travels with each request
    co_return result<>{};
}

[[nodiscard]] inline asio::awaitable<void> say_goodbye(shared_core core) {
    core->is_connected = false;
    core->stop_all();
    co_await core->transport().close(std::chrono::steady_clock::now() + std::chrono::seconds{2});
}

} // namespace mcp_provider::mcp::detail
