// The client's end of the stdio transport: a server that we start, and talk to in lines.
#pragma once

#include "mcp_provider/mcp/client_transport.hpp"
#include "mcp_provider/net/asio.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

/// Starts the server at `open`, and again at the next one where it has ended. Lines that are no JSON-RPC are skipped, as
/// long as they do not come by the hundred. Destroying it ends the server with all its descendants.
class stdio_client_transport final : public client_transport {
public:
    /// The child's `max_line_bytes` is the limit of one message.
    explicit stdio_client_transport(net::child_command command, std::size_t max_depth = 64)
        : command_{std::move(command)}, max_depth_{max_depth} {}
    ~stdio_client_transport() override {
        if (here_ != nullptr) here_->stop();
    }

    asio::awaitable<result<>> open(message_sink& to, steady_time) override {
        if (is_open()) co_return result<>{};
        if (here_ != nullptr) here_->stop();
        auto const executor = co_await asio::this_coro::executor;
        here_ = std::make_shared<conversation>(executor, to, limits());
        if (auto const failed = here_->child.start(command_))
            co_return ended("cannot be started: " + failed.message());
        asio::co_spawn(
            executor, read(here_),
            asio::bind_cancellation_slot(here_->reading.slot(), [here = here_](std::exception_ptr) {
                here->fail(ended("was left"));
            }));
        here_->is_open = true;
        co_return result<>{};
    }

    asio::awaitable<result<incoming_answer>> exchange(outgoing_message const& request,
                                                      call_time const& time) override {
        if (!is_open()) return refuse();
        return ask(here_, request, time);
    }

    asio::awaitable<result<>> post(outgoing_message const& message, steady_time) override {
        if (!is_open() || !here_->send(message.text)) co_return ended("takes no message");
        co_return result<>{};
    }

    asio::awaitable<void> listen() override { co_return; }

    /// Closes the server's input, and waits for its end.
    asio::awaitable<void> close(steady_time until) override {
        if (here_ == nullptr) co_return;
        auto const here = here_;
        here->child.close_input();
        bool const gone = co_await here->child.gone(until);
        if (!gone) here->child.end();
        here->stop();
    }

    void speak(std::optional<revision>) override {}
    bool has_fields() const noexcept override { return false; }
    bool may_be_silent() const noexcept override { return true; }
    bool tells_of_cancellation() const noexcept override { return false; }
    bool is_open() const noexcept override { return here_ != nullptr && here_->is_open; }

    /// The last that the server wrote to its standard error. May hold secrets: for the operator only.
    [[nodiscard]] std::string error_tail() const {
        return here_ != nullptr ? here_->child.error_tail() : std::string{};
    }
    /// Ends the server with all its descendants: asks first, or at once.
    void end(bool at_once) {
        if (here_ == nullptr) return;
        if (at_once)
            here_->child.kill();
        else
            here_->child.end();
    }
    /// Waits until the server is gone. False at `until`.
    [[nodiscard]] asio::awaitable<bool> gone(steady_time until) {
        return wait_for_end(here_, until);
    }
    /// The server's process id; 0 while that is not known.
    [[nodiscard]] int process_id() const { return here_ != nullptr ? here_->child.id() : 0; }

private:
    /// An exchange that waits for its answer.
    struct waiter {
        waiter(asio::any_io_executor const& executor, rpc::id const& number)
            : bell{executor}, id{number} {}

        asio::steady_timer bell;
        rpc::id const& id;
        std::optional<boost::json::value> answer;
        std::optional<rejection> refusal;
    };

    /// Shared with the coroutines, which may outlive the transport by a moment.
    struct conversation {
        conversation(asio::any_io_executor const& on, message_sink& to,
                     message_limits const& bounds)
            : executor{on}, child{on}, sink{&to}, limits{bounds} {}

        [[nodiscard]] bool send(std::string const& text) {
            std::string line;
            line.reserve(text.size() + 1);
            line.append(text).push_back('\n');
            return child.send(line);
        }
        /// Ends all that waits.
        void fail(rejection const& why) {
            bool const was_open = std::exchange(is_open, false);
            for (waiter* const one : waiting) {
                if (!one->answer && !one->refusal) one->refusal = why;
                one->bell.cancel();
            }
            if (was_open && sink != nullptr) sink->on_gone(why);
        }
        void stop() {
            sink = nullptr;
            fail(rejection{rejection_code::client_closed, "the MCP client was closed"});
            child.end();
            reading.emit(asio::cancellation_type::terminal);
        }

        asio::any_io_executor executor;
        net::child_process child;
        message_sink* sink; ///< null once nobody listens
        message_limits limits;
        std::vector<waiter*> waiting;
        asio::cancellation_signal reading;
        int strays_in_a_row = 0;
        bool is_open = false;
    };
    using shared = std::shared_ptr<conversation>;

    /// Has an exchange on the list for as long as it waits.
    class registration {
    public:
        registration(conversation& in, waiter& one) : in_{in}, one_{one} {
            in_.waiting.push_back(&one_);
        }
        registration(registration const&) = delete;
        registration& operator=(registration const&) = delete;
        ~registration() { std::erase(in_.waiting, &one_); }

    private:
        conversation& in_;
        waiter& one_;
    };

    static asio::awaitable<bool> wait_for_end(shared here, steady_time until) {
        if (here == nullptr) co_return true;
        co_return co_await here->child.gone(until);
    }

    static asio::awaitable<result<incoming_answer>> refuse() { co_return ended("has gone"); }

    static asio::awaitable<result<incoming_answer>>
    ask(shared here, outgoing_message const& request, call_time const& time) {
        waiter own{here->executor, request.id};
        registration const listed{*here, own};
        if (!here->send(request.text)) co_return ended("takes no message");
        for (;;) {
            if (own.answer) co_return incoming_answer{*std::move(own.answer)};
            if (own.refusal) co_return *own.refusal;
            if (std::chrono::steady_clock::now() >= time.until)
                co_return rejection{rejection_code::timed_out,
                                    "the MCP server did not answer in time"};
            own.bell.expires_at(time.until);
            std::error_code ignored;
            co_await own.bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            asio::cancellation_state const state = co_await asio::this_coro::cancellation_state;
            if (state.cancelled() != asio::cancellation_type::none)
                co_return rejection{rejection_code::client_closed, "the request was cancelled"};
        }
    }

    static asio::awaitable<void> read(shared here) {
        std::string_view line;
        for (;;) {
            auto const stopped = co_await here->child.read_line(line, steady_time::max());
            if (stopped == std::errc::message_size) {
                here->fail(ended("sent a line over the limit of " +
                                 std::to_string(here->limits.max_bytes) + " bytes"));
                here->child.end();
                co_return;
            }
            if (stopped) {
                bool const gone = co_await here->child.gone(std::chrono::steady_clock::now() +
                                                            std::chrono::milliseconds{200});
                here->fail(ended("has ended" + (gone ? how_it_ended(*here) : std::string{})));
                co_return;
            }
            take(*here, line);
            if (here->strays_in_a_row > max_strays_in_a_row) {
                here->fail(ended("does not speak JSON-RPC"));
                here->child.end();
                co_return;
            }
        }
    }

    static void take(conversation& here, std::string_view line) {
        if (line.empty()) return;
        detail::read_messages(
            line, here.limits,
            [&] {
                ++here.strays_in_a_row;
                if (here.sink != nullptr) here.sink->on_stray();
            },
            [&](boost::json::value& document, rpc::message const& message) {
                here.strays_in_a_row = 0;
                if (message.is_answer())
                    answer(here, document, message);
                else if (here.sink != nullptr && !ends_exchange(here, message))
                    here.sink->on_message(document, message);
            });
    }

    static void answer(conversation& here, boost::json::value& document,
                       rpc::message const& message) {
        for (waiter* const one : here.waiting) {
            if (one->id != message.id() || one->answer || one->refusal) continue;
            one->answer = std::move(document);
            one->bell.cancel();
            return;
        }
        if (here.sink != nullptr) here.sink->on_stray();
    }

    /// In the modern era a server ends a subscription by cancelling the request that began it.
    static bool ends_exchange(conversation& here, rpc::message const& message) {
        if (message.method() != "notifications/cancelled" || message.params() == nullptr ||
            !message.params()->is_object())
            return false;
        auto const* const which = message.params()->get_object().if_contains("requestId");
        rpc::id const id = rpc::detail::message_reader::to_id(which);
        for (waiter* const one : here.waiting) {
            if (id.is_null() || one->id != id || one->answer || one->refusal) continue;
            one->refusal =
                rejection{rejection_code::upstream_failed, "the MCP server ended the request"}
                    .because("ended_by_server");
            one->bell.cancel();
            return true;
        }
        return false;
    }

    static std::string how_it_ended(conversation const& here) {
        net::child_exit const exit = here.child.exit();
        switch (exit.how) {
        case net::child_exit::kind::exited: return " with status " + std::to_string(exit.value);
        case net::child_exit::kind::killed: return " by signal " + std::to_string(exit.value);
        case net::child_exit::kind::not_started:
            return ": it could not be started: " + std::system_category().message(exit.value);
        case net::child_exit::kind::unknown: break;
        }
        return {};
    }

    static rejection ended(std::string const& how) {
        return rejection{rejection_code::upstream_failed, "the MCP server " + how}.because(
            "server_gone");
    }

    [[nodiscard]] message_limits limits() const {
        message_limits bounds;
        bounds.max_bytes = command_.max_line_bytes;
        bounds.max_depth = max_depth_;
        return bounds;
    }

    static constexpr int max_strays_in_a_row = 500;

    net::child_command command_;
    std::size_t max_depth_;
    shared here_;
};

} // namespace mcp_provider::mcp
