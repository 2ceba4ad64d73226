// An MCP server: what it offers, registered once; transports bring it to its clients.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/mcp/call.hpp"
#include "mcp_provider/mcp/detail/catalogue.hpp"
#include "mcp_provider/mcp/detail/request_state.hpp"
#include "mcp_provider/mcp/detail/session_table.hpp"
#include "mcp_provider/mcp/handler.hpp"
#include "mcp_provider/mcp/results.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

/// Bounds of a server, all inclusive: exactly that much passes.
struct server_limits {
    std::size_t max_message_bytes = 4 * 1024 * 1024;
    std::size_t max_depth = 64;
    std::size_t max_sessions = 256; ///< legacy, of all clients
    std::chrono::seconds session_idle{
        3600};                   ///< without a request, after which a session is forgotten
    std::size_t max_calls = 256; ///< handlers that wait, of all clients
    std::size_t max_calls_per_session = 64; ///< legacy
    std::size_t max_streams = 128;          ///< standing streams and listeners, of all clients
    std::size_t max_kept_streams = 4;       ///< legacy: streams of a session that can be resumed
    std::size_t max_questions = 16;      ///< to the client, open in a session or asked in a round
    std::size_t max_subscriptions = 256; ///< addresses of one client
    std::size_t max_state_bytes = 64 * 1024;      ///< modern: of `requestState`
    std::size_t max_queued_messages = 256;        ///< of a stream that its client does not read
    std::size_t max_queued_bytes = 256 * 1024;    ///< of the same
    std::size_t page_size = 100;                  ///< of lists
    std::chrono::milliseconds call_time{600'000}; ///< that a handler may take
    std::chrono::milliseconds answer_time{
        300'000};                         ///< that a legacy client may take to answer a question
    std::chrono::seconds state_time{900}; ///< that a modern client may take between two rounds
};

namespace detail {
class answering;
class dispatch;
} // namespace detail

/// Speaks every published revision: 2024-11-05 to 2025-11-25 with sessions, 2026-07-28 without.
///
///     mcp::server server{"calculator", "1.0.0"};
///     server.add(mcp::tool{"add", "Adds two numbers", R"({"type":"object","properties":{"a":{"type":"number"}, ...}})"},
///                [](mcp::call& asked) { return std::to_string(asked.number_or("a", 0) + asked.number_or("b", 0)); });
///
/// Handlers are functions or coroutines of `call&`; see `handler_of` for what they may return. A rejection of a tool
/// becomes an answer with `isError`, which the model sees.
/// *Thread safety*: everything, also while it serves; handlers are called on every worker.
/// *Lifetime*: must outlive the connections and coroutines that use it.
class server {
public:
    server(std::string name, std::string version, server_limits limits = {})
        : server{implementation{std::move(name), std::move(version)}, limits} {}
    explicit server(implementation what, server_limits limits = {})
        : is_{std::move(what)}, limits_{limits}, sessions_{limits.max_sessions,
                                                           limits.session_idle},
          offered_{std::make_shared<detail::catalogue const>()} {
        is_.append_to(info_);
    }
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    // --- what is offered; adding what is there replaces it. Clients that listen are told of changes.

    /// *Errors*: throws `std::invalid_argument` for a bad name or schema.
    template <handler_of<tool_result> F>
    void add(tool what, F run) {
        change(&detail::catalogue::tools,
               std::make_shared<detail::tool_entry const>(std::move(what),
                                                          handler<tool_result>{std::move(run)}));
        tell_all(&detail::listener::tools, "notifications/tools/list_changed");
    }
    /// A resource, or a template of resources.
    template <handler_of<read_result> F>
    void add(resource what, F read) {
        auto const where =
            what.is_template() ? &detail::catalogue::templates : &detail::catalogue::resources;
        change(where, std::make_shared<detail::resource_entry const>(
                          std::move(what), handler<read_result>{std::move(read)}));
        tell_all(&detail::listener::resources, "notifications/resources/list_changed");
    }
    template <handler_of<prompt_result> F>
    void add(prompt what, F make) {
        change(&detail::catalogue::prompts,
               std::make_shared<detail::prompt_entry const>(
                   std::move(what), handler<prompt_result>{std::move(make)}));
        tell_all(&detail::listener::prompts, "notifications/prompts/list_changed");
    }
    /// Proposes values for an argument of a prompt, or a variable of a template: `of` is the name of the one or the
    /// address of the other. What was typed so far is `call::text("value")`.
    template <handler_of<completion_result> F>
    void complete(std::string of, std::string argument, F propose) {
        change(&detail::catalogue::completions,
               std::make_shared<detail::completion_entry const>(
                   std::move(of), std::move(argument),
                   handler<completion_result>{std::move(propose)}));
    }

    bool remove_tool(std::string_view name) {
        return remove(&detail::catalogue::tools, name) &&
               tell_all(&detail::listener::tools, "notifications/tools/list_changed");
    }
    bool remove_resource(std::string_view uri) {
        bool const gone =
            remove(uri.find('{') == std::string_view::npos ? &detail::catalogue::resources
                                                           : &detail::catalogue::templates,
                   uri);
        return gone &&
               tell_all(&detail::listener::resources, "notifications/resources/list_changed");
    }
    bool remove_prompt(std::string_view name) {
        return remove(&detail::catalogue::prompts, name) &&
               tell_all(&detail::listener::prompts, "notifications/prompts/list_changed");
    }

    /// Tells those who have subscribed to it that a resource holds something else now.
    void resource_changed(std::string const& uri) {
        std::string members = R"("uri":)";
        json::append_quoted(members, uri);
        members += ',';
        for (auto const& one : listeners())
            if (one->subscribed(uri)) one->tell("notifications/resources/updated", members);
    }

    /// What a model should know about this server. Before it serves.
    void set_instructions(std::string text) { instructions_ = std::move(text); }
    /// Called with the name of a handler that threw, and what. Before it serves. Nobody else learns what it was.
    void report_faults_to(std::function<void(std::string_view, std::string const&)> report) {
        report_ = std::move(report);
    }

    // --- the house

    /// Forgets sessions that have been idle for too long; opening one does so too. Call it now and then.
    void sweep(steady_time now = std::chrono::steady_clock::now()) { sessions_.sweep(now); }
    /// Cancels every call of a session and ends every listener, so that connections can drain.
    void stop();

    [[nodiscard]] implementation const& is() const noexcept { return is_; }
    [[nodiscard]] server_limits const& limits() const noexcept { return limits_; }
    /// How many legacy sessions there are, and how many handlers wait.
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
    [[nodiscard]] std::size_t waiting_calls() const noexcept { return calls_; }

private:
    friend class detail::answering;
    friend class detail::dispatch;

    template <class List, class Entry>
    void change(List detail::catalogue::*where, std::shared_ptr<Entry const> one) {
        std::lock_guard const hold{mutex_};
        auto next = std::make_shared<detail::catalogue>(*offered_);
        ((*next).*where).put(std::move(one));
        offered_ = std::move(next);
    }
    template <class List>
    bool remove(List detail::catalogue::*where, std::string_view key) {
        std::lock_guard const hold{mutex_};
        auto next = std::make_shared<detail::catalogue>(*offered_);
        if (!((*next).*where).remove(key)) return false;
        offered_ = std::move(next);
        return true;
    }
    [[nodiscard]] std::shared_ptr<detail::catalogue const> offered() const {
        std::lock_guard const hold{mutex_};
        return offered_;
    }

    bool tell_all(std::atomic<bool> detail::listener::*who, std::string_view method) {
        for (auto const& one : listeners())
            if ((*one).*who) one->tell(method);
        return true;
    }
    [[nodiscard]] std::vector<std::shared_ptr<detail::listener>> listeners() const {
        std::vector<std::shared_ptr<detail::listener>> out;
        for (auto const& one : sessions_.all()) out.push_back(one->standing());
        std::lock_guard const hold{mutex_};
        for (auto const& one : listeners_)
            if (auto found = one.lock()) out.push_back(std::move(found));
        return out;
    }

    implementation is_;
    std::string info_; ///< `is_` as JSON
    std::string instructions_;
    server_limits limits_;
    std::function<void(std::string_view, std::string const&)> report_;
    detail::state_seal seal_;
    detail::session_table sessions_;
    std::atomic<std::size_t> calls_{0};
    std::atomic<std::size_t> streams_{0};
    mutable std::mutex mutex_; ///< for what follows
    std::shared_ptr<detail::catalogue const> offered_;
    std::vector<std::weak_ptr<detail::listener>> listeners_; ///< of the modern era, and of stdio
};

inline void server::stop() {
    for (auto const& session : sessions_.all()) {
        for (auto const& one : session->calls()) one->cancel();
        session->standing()->end();
    }
    std::lock_guard const hold{mutex_};
    for (auto const& one : listeners_)
        if (auto const found = one.lock()) found->end();
}

} // namespace mcp_provider::mcp
