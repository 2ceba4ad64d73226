// How the requests of a server are answered, whichever way they come: as requests (legacy) or within results (modern).
#pragma once

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/mcp/client_options.hpp"
#include "mcp_provider/mcp/detail/server_error.hpp"
#include "mcp_provider/mcp/elicitation_defaults.hpp"
#include "mcp_provider/net/asio.hpp"

#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::mcp::detail {

namespace bj = boost::json;

[[nodiscard]] inline bj::string_view key(std::string_view name) noexcept {
    return {name.data(), name.size()};
}
/// The text of a member; empty where it is none.
[[nodiscard]] inline std::string_view text_at(bj::object const& in,
                                              std::string_view name) noexcept {
    bj::value const* const found = in.if_contains(key(name));
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
}
[[nodiscard]] inline bj::object const* object_at(bj::object const& in,
                                                 std::string_view name) noexcept {
    bj::value const* const found = in.if_contains(key(name));
    return found != nullptr ? found->if_object() : nullptr;
}

using shared_options = std::shared_ptr<client_options const>;

/// The JSON-RPC code that a refusal of ours is answered with.
[[nodiscard]] inline std::int64_t code_for(rejection const& why) noexcept {
    switch (why.code()) {
    case rejection_code::not_implemented: return rpc::method_not_found;
    case rejection_code::bad_request: return rpc::invalid_params;
    case rejection_code::forbidden: return -1; // as the specification shows for sampling
    default: return rpc::internal_error;
    }
}

/// A handler that runs on its own, so that it can be left.
class handler_run {
public:
    explicit handler_run(asio::any_io_executor const& on) : bell_{on} {}

    /// *Errors*: `timed_out` where the handler takes longer than `longest`; then, and where the wait is cancelled, the
    /// handler is cancelled.
    [[nodiscard]] static asio::awaitable<result<bj::object>>
    wait_for(server_request_handler const& handler, bj::object const& params,
             asio::any_io_executor const& on, std::chrono::milliseconds longest) {
        auto const job = std::make_shared<handler_run>(on);
        leaving const at_the_end{job};
        job->bell_.expires_after(longest);
        asio::co_spawn(on, invoke(handler, params, job),
                       asio::bind_cancellation_slot(
                           job->stop_.slot(), [job](std::exception_ptr const& thrown) {
                               job->has_ended_ = true;
                               if (thrown)
                                   job->outcome_.emplace(rejection{rejection_code::internal,
                                                                   "the client's handler failed"});
                               job->bell_.cancel();
                           }));
        std::error_code ignored;
        co_await job->bell_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            co_return rejection{rejection_code::client_closed, "the request was cancelled"};
        if (!job->outcome_)
            co_return rejection{rejection_code::timed_out, "the client took too long to answer"};
        co_return *std::move(job->outcome_);
    }

private:
    class leaving {
    public:
        explicit leaving(std::shared_ptr<handler_run> job) : job_{std::move(job)} {}
        leaving(leaving const&) = delete;
        leaving& operator=(leaving const&) = delete;
        ~leaving() {
            if (!job_->has_ended_) job_->stop_.emit(asio::cancellation_type::terminal);
        }

    private:
        std::shared_ptr<handler_run> job_;
    };

    static asio::awaitable<void> invoke(server_request_handler handler, bj::object params,
                                        std::shared_ptr<handler_run> job) {
        job->outcome_.emplace(co_await handler(params));
    }

    asio::steady_timer bell_;
    asio::cancellation_signal stop_;
    std::optional<result<bj::object>> outcome_;
    bool has_ended_ = false;
};

/// Answers one request. *Errors*: `not_implemented` where there is no handler; what the handler says.
[[nodiscard]] inline asio::awaitable<result<bj::object>> answer_server(shared_options options,
                                                                       asio::any_io_executor on,
                                                                       std::string_view method,
                                                                       bj::object const& params) {
    if (method == "ping") co_return bj::object{};
    if (method == "roots/list" && options->roots) {
        bj::object listed;
        listed["roots"] = options->roots();
        co_return listed;
    }
    if (method == "sampling/createMessage" && options->sampling)
        co_return co_await handler_run::wait_for(options->sampling, params, on,
                                                 options->handler_time);
    if (method == "elicitation/create" && options->elicitation) {
        std::string_view const mode = text_at(params, "mode");
        if (!mode.empty() && mode != "form")
            co_return rejection{rejection_code::bad_request, "only forms can be filled in"};
        auto filled =
            co_await handler_run::wait_for(options->elicitation, params, on, options->handler_time);
        bj::value const* const schema = params.if_contains("requestedSchema");
        if (filled && text_at(*filled, "action") == "accept" && schema != nullptr) {
            bj::value& content = (*filled)["content"];
            if (!content.is_object()) content.emplace_object();
            apply_defaults(*schema, content.get_object());
        }
        co_return filled;
    }
    co_return rejection{rejection_code::not_implemented,
                        "this client has no " + excerpt(method, 100)};
}

/// Answers what an `input_required` result asks for, as its `inputResponses`. `wanted` must outlive the wait.
[[nodiscard]] inline asio::awaitable<result<bj::object>>
gather_inputs(shared_options options, asio::any_io_executor on, bj::object const& wanted) {
    static bj::object const none;
    bj::object given;
    bj::value const* const requests = wanted.if_contains("inputRequests");
    if (requests == nullptr && !wanted.contains("requestState"))
        co_return bad_answer("it wants input and does not say which");
    if (requests == nullptr) co_return given;
    if (!requests->is_object()) co_return bad_answer("the inputs it wants are no object");
    if (requests->get_object().size() > options->max_inputs)
        co_return bad_answer("it wants more than " + std::to_string(options->max_inputs) +
                             " inputs at once");
    for (auto const& [name, request] : requests->get_object()) {
        bj::object const* const one = request.if_object();
        std::string_view const method = one != nullptr ? text_at(*one, "method") : "";
        if (method.empty() || method == "ping")
            co_return bad_answer("one of the inputs it wants is no request");
        bj::object const* const params = object_at(*one, "params");
        auto input =
            co_await answer_server(options, on, method, params != nullptr ? *params : none);
        if (!input) co_return input.error();
        given[name] = *std::move(input);
    }
    co_return given;
}

} // namespace mcp_provider::mcp::detail
