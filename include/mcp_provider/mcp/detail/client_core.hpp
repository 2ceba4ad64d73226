// What a client and its coroutines share: exchanges with the server, and the server's requests to us.
#pragma once

#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/client_options.hpp"
#include "mcp_provider/mcp/client_transport.hpp"
#include "mcp_provider/mcp/detail/answer_server.hpp"
#include "mcp_provider/mcp/detail/server_error.hpp"
#include "mcp_provider/mcp/detail/task_group.hpp"
#include "mcp_provider/mcp/header_value.hpp"
#include "mcp_provider/mcp/mirrored_arguments.hpp"
#include "mcp_provider/net/asio.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp::detail {

/// Lives as long as the last coroutine that uses it; the client's end closes it.
class client_core final : public message_sink, public std::enable_shared_from_this<client_core> {
public:
    client_core(std::unique_ptr<client_transport> way, client_options options)
        : transport_{std::move(way)}, options_{std::make_shared<client_options const>(
                                          std::move(options))} {}

    /// The client has gone: nothing more is sent, and what runs ends.
    void abandon() {
        is_abandoned_ = true;
        tasks_.cancel();
        transport_.reset();
    }

    [[nodiscard]] client_options const& options() const noexcept { return *options_; }
    [[nodiscard]] client_transport& transport() const noexcept { return *transport_; }
    [[nodiscard]] bool is_open() const noexcept {
        return is_connected && transport_ != nullptr && transport_->is_open();
    }
    [[nodiscard]] bool speaks_modern() const noexcept { return is_modern(facts.spoken); }
    [[nodiscard]] std::size_t strays() const noexcept { return strays_; }

    // Set by the handshake.
    server_facts facts;
    bool is_connected = false;
    std::uint64_t session_number = 0; ///< grows with each handshake
    std::optional<asio::any_io_executor> executor;
    std::string log_level; ///< modern: of each request; empty for none
    /// Of tools that were listed: what travels in header fields; nothing where the tool must not be called over HTTP.
    std::map<std::string, std::optional<std::vector<mirrored_argument>>> mirrors;

    /// One request and its answer, whatever it is.
    [[nodiscard]] asio::awaitable<result<incoming_answer>> exchange(std::string const& method,
                                                                    bj::object const& params,
                                                                    std::string const& fields,
                                                                    call_options const& how) {
        auto const self = shared_from_this();
        if (transport_ == nullptr) co_return closed();
        if (calls_.size() >= options_->max_calls)
            co_return rejection{rejection_code::overloaded,
                                "the MCP client already makes " +
                                    std::to_string(options_->max_calls) + " calls at once"};
        std::int64_t const number = ++last_id_;
        outgoing_message const request =
            compose(number, method, params, fields, static_cast<bool>(how.progress));
        call_under_way call{*this, number, how, std::chrono::steady_clock::now()};
        call.tells = method != "initialize" && method != "server/discover";
        auto answer = co_await transport_->exchange(request, call.time);
        call.tells = call.tells && !answer &&
                     (answer.error().code() == rejection_code::timed_out ||
                      answer.error().code() == rejection_code::client_closed);
        co_return answer;
    }

    /// A request, and the rounds of input that the server may want before it answers.
    [[nodiscard]] asio::awaitable<result<bj::object>> ask(std::string const& method,
                                                          bj::object params,
                                                          std::string const& fields,
                                                          call_options const& how) {
        auto const self = shared_from_this();
        if (!is_open()) co_return closed();
        for (std::size_t round = 0;; ++round) {
            auto answered = co_await exchange(method, params, fields, how);
            if (!answered) co_return answered.error();
            auto outcome = result_of(*answered);
            if (!outcome || !speaks_modern()) co_return outcome;
            std::string_view const type = text_at(*outcome, "resultType");
            if (type.empty() || type == "complete") co_return outcome;
            bool const may_ask =
                method == "tools/call" || method == "prompts/get" || method == "resources/read";
            if (type != "input_required" || !may_ask)
                co_return bad_answer("it has the type " + excerpt(type, 40));
            if (round == options_->max_rounds)
                co_return bad_answer("it asks for input for the " + std::to_string(round + 1) +
                                     "th time");
            auto inputs = co_await gather_inputs(options_, *executor, *outcome);
            if (!inputs) co_return inputs.error();
            params.erase("inputResponses");
            params.erase("requestState");
            if (outcome->contains("inputRequests")) params["inputResponses"] = *std::move(inputs);
            if (bj::value const* const state = outcome->if_contains("requestState"))
                params["requestState"] = *state;
        }
    }

    [[nodiscard]] asio::awaitable<result<>> notify(std::string method, bj::object params) {
        auto const self = shared_from_this();
        if (transport_ == nullptr) co_return closed();
        std::string text;
        rpc::append_notification(text, method, params.empty() ? "" : bj::serialize(params));
        outgoing_message const message{rpc::id{}, std::move(text)};
        co_return co_await transport_->post(message,
                                            std::chrono::steady_clock::now() + options_->call_time);
    }

    /// The result in an answer, or why there is none.
    [[nodiscard]] static result<bj::object> result_of(incoming_answer& answer) {
        if (answer.document.is_null())
            return rejection{rejection_code::upstream_failed,
                             "the MCP server refused the request with HTTP " +
                                 std::to_string(answer.status)}
                .because("http_refused");
        auto const message = rpc::read(answer.document);
        if (!message) return message.error();
        if (message->kind() == rpc::kind::error) return rejection_of(*message);
        bj::value* const found = answer.document.get_object().if_contains("result");
        if (found == nullptr || !found->is_object()) return bad_answer("its result is no object");
        return std::move(found->get_object());
    }

    [[nodiscard]] bj::object capabilities() const {
        bj::object declared;
        if (options_->sampling) declared["sampling"].emplace_object();
        if (options_->elicitation)
            declared["elicitation"].emplace_object()["form"].emplace_object();
        if (options_->roots) declared["roots"].emplace_object();
        return declared;
    }
    [[nodiscard]] bj::object identity() const {
        bj::object own;
        own["name"] = options_->name;
        own["version"] = options_->version;
        return own;
    }

    void start(asio::awaitable<void> work, std::string name = {}) {
        if (executor && !is_abandoned_) tasks_.start(*executor, std::move(work), std::move(name));
    }
    void stop(std::string_view name) { tasks_.cancel(name); }
    void stop_all() { tasks_.cancel(); }

    // From the transport.
    void on_stray() noexcept override { ++strays_; }
    void on_gone(rejection const& why) override {
        auto const self = shared_from_this();
        if (!is_abandoned_ && options_->gone) options_->gone(why);
    }
    void on_message(bj::value const& document, rpc::message const& message) override {
        if (is_abandoned_) return;
        auto const self = shared_from_this(); // the client may go within what is told here
        if (message.is_request()) return on_request(document, message);
        static bj::object const none;
        bj::object const& params = message.params() != nullptr && message.params()->is_object()
                                       ? message.params()->get_object()
                                       : none;
        if (message.method() == "notifications/progress" && on_progress(params)) return;
        if (message.method() == "notifications/cancelled")
            if (bj::value const* const which = params.if_contains("requestId"))
                tasks_.cancel(request_prefix + bj::serialize(*which));
        if (options_->notified) options_->notified(message.method(), params);
    }

private:
    static constexpr std::string_view request_name = "request ";
    inline static std::string const request_prefix{request_name};

    /// A call for as long as it waits. One that ends without an answer is cancelled at the server.
    class call_under_way {
    public:
        call_under_way(client_core& core, std::int64_t number, call_options const& how,
                       steady_time now)
            : time{now + how.time.value_or(core.options_->call_time)},
              step{how.time.value_or(core.options_->call_time)},
              end{now + how.longest_time.value_or(std::max(core.options_->longest_time, step))},
              progress{how.progress}, core_{core.shared_from_this()}, number_{number} {
            core_->calls_.emplace(number_, this);
        }
        call_under_way(call_under_way const&) = delete;
        call_under_way& operator=(call_under_way const&) = delete;
        ~call_under_way() {
            core_->calls_.erase(number_);
            if (tells && core_->transport_ != nullptr &&
                !core_->transport_->tells_of_cancellation())
                core_->start(core_->cancel_at_server(number_));
        }

        call_time time;
        std::chrono::milliseconds step;
        steady_time end;
        std::function<void(progress_report const&)> progress;
        bool tells = false;

    private:
        std::shared_ptr<client_core> core_;
        std::int64_t number_;
    };

    outgoing_message compose(std::int64_t number, std::string_view method, bj::object params,
                             std::string fields, bool wants_progress) const {
        bool const with_envelope = method == "server/discover" || (is_connected && speaks_modern());
        if (with_envelope || wants_progress) {
            bj::value& meta = params["_meta"];
            if (!meta.is_object()) meta.emplace_object();
            bj::object& members = meta.get_object();
            if (wants_progress) members["progressToken"] = number;
            if (with_envelope) {
                members[key(meta_key::protocol_version)] = key(name_of(latest_modern));
                members[key(meta_key::client_info)] = identity();
                members[key(meta_key::client_capabilities)] = capabilities();
                if (!log_level.empty()) members[key(meta_key::log_level)] = log_level;
            }
        }
        if (with_envelope && transport_->has_fields()) {
            std::string lines;
            lines.append(field_name::method).append(": ").append(method).append("\r\n");
            bool const by_uri = method == "resources/read";
            if (by_uri || method == "tools/call" || method == "prompts/get")
                lines.append(field_name::name)
                    .append(": ")
                    .append(encode_header_value(text_at(params, by_uri ? "uri" : "name")))
                    .append("\r\n");
            fields.insert(0, lines);
        } else {
            fields.clear();
        }
        std::string text;
        rpc::append_request(text, rpc::id{number}, method,
                            params.empty() ? "" : bj::serialize(params));
        return outgoing_message{rpc::id{number}, std::move(text), std::move(fields)};
    }

    asio::awaitable<void> cancel_at_server(std::int64_t number) {
        auto const self = shared_from_this();
        bj::object params;
        params["requestId"] = number;
        params["reason"] = "the client gave up";
        auto const told = co_await notify("notifications/cancelled", std::move(params));
        static_cast<void>(told);
    }

    bool on_progress(bj::object const& params) {
        bj::value const* const token = params.if_contains("progressToken");
        bj::value const* const done = params.if_contains("progress");
        if (token == nullptr || !token->is_int64() || done == nullptr || !done->is_number())
            return false;
        auto const found = calls_.find(token->get_int64());
        if (found == calls_.end() || !found->second->progress) return false;
        call_under_way& call = *found->second;
        call.time.until = std::max(
            call.time.until, std::min(std::chrono::steady_clock::now() + call.step, call.end));
        progress_report report;
        report.done = done->to_number<double>();
        bj::value const* const total = params.if_contains("total");
        if (total != nullptr && total->is_number()) report.total = total->to_number<double>();
        report.message = text_at(params, "message");
        auto const tell = call.progress; // the call may end within
        tell(report);
        return true;
    }

    void on_request(bj::value const& document, rpc::message const& message) {
        // In the modern era a server asks in its results only.
        std::size_t const under_way = tasks_.count(request_name);
        if (speaks_modern() || under_way >= 4 * options_->max_server_requests) return on_stray();
        std::string name{request_name};
        message.id().append_to(name);
        start(serve(document, under_way >= options_->max_server_requests), std::move(name));
    }

    asio::awaitable<void> serve(bj::value document, bool is_too_much) {
        auto const self = shared_from_this();
        auto const message = rpc::read(document);
        static bj::object const none;
        bj::object const& params = message->params() != nullptr && message->params()->is_object()
                                       ? message->params()->get_object()
                                       : none;
        std::optional<result<bj::object>> outcome;
        if (is_too_much)
            outcome.emplace(rejection{rejection_code::overloaded, "too many requests at once"});
        else
            outcome.emplace(co_await answer_server(options_, *executor, message->method(), params));
        if (transport_ == nullptr) co_return;
        std::string text;
        if (*outcome)
            rpc::append_result(text, message->id(), bj::serialize(**outcome));
        else
            rpc::append_error(text, message->id(), code_for(outcome->error()),
                              outcome->error().message());
        outgoing_message const answer{rpc::id{}, std::move(text)};
        auto const sent = co_await transport_->post(answer, std::chrono::steady_clock::now() +
                                                                options_->call_time);
        static_cast<void>(sent);
    }

    static rejection closed() {
        return rejection{rejection_code::upstream_failed, "the MCP client is not connected"}
            .because("server_gone");
    }

    std::unique_ptr<client_transport> transport_; ///< null once the client has gone
    std::shared_ptr<client_options const> options_;
    task_group tasks_;
    std::map<std::int64_t, call_under_way*> calls_;
    std::int64_t last_id_ = 0;
    std::size_t strays_ = 0;
    bool is_abandoned_ = false;
};

} // namespace mcp_provider::mcp::detail
