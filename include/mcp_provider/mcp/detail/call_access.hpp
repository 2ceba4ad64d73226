// What servers and transports do to a call and handlers may not: make it, run it, answer it.
#pragma once

#include "mcp_provider/mcp/call.hpp"
#include "mcp_provider/mcp/handler.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::mcp::detail {

/// *Thread safety*: as `call`; all but `cancel` on the call's thread.
class call_access {
public:
    [[nodiscard]] static std::shared_ptr<call> make(server& owner) {
        return std::shared_ptr<call>{new call{owner}};
    }

    /// Parses a message into the call's own memory. *Errors*: those of `json::parse`.
    [[nodiscard]] static result<> parse(call& one, std::string_view text,
                                        json::parse_limits const& limits) {
        auto parsed = json::parse(text, limits, &one.memory_);
        if (!parsed) return std::move(parsed).error();
        one.document_ = *std::move(parsed);
        return {};
    }
    [[nodiscard]] static boost::json::value const& document(call const& one) noexcept {
        return one.document_;
    }

    /// Says whose request it is. `asked` was read from the call's document.
    static void set(call& one, rpc::message const& asked, client_facts from,
                    std::shared_ptr<session> of, std::shared_ptr<mailbox> box,
                    std::optional<log_level> logged) {
        one.id_ = asked.id();
        one.method_ = asked.method();
        one.from_ = std::move(from);
        one.session_ = std::move(of);
        one.box_ = std::move(box);
        one.log_wanted_ = logged;
        one.arguments_ = &one.nothing_;
        auto const* const meta = member(asked.params(), "_meta");
        if (auto const* const token = member(meta, "progressToken")) {
            if (auto const* const text = token->if_string())
                one.progress_token_.emplace(std::string_view{text->data(), text->size()});
            else if (token->is_int64())
                one.progress_token_.emplace(token->get_int64());
        }
    }
    static void set_bounds(call& one, std::chrono::milliseconds answer_time,
                           std::size_t max_questions) noexcept {
        one.answer_time_ = answer_time;
        one.max_questions_ = max_questions;
    }
    static void set_target(call& one, std::string_view name,
                           boost::json::value const* arguments) noexcept {
        one.name_ = name;
        if (arguments != nullptr) one.arguments_ = arguments;
    }
    static void set_variables(call& one, std::map<std::string, std::string, std::less<>> found) {
        one.variables_ = std::move(found);
    }
    static void set_rounds(call& one, answers given, std::string kept) {
        one.answers_ = std::move(given);
        one.kept_ = std::move(kept);
    }
    [[nodiscard]] static answers const& given(call const& one) noexcept { return one.answers_; }
    static void forget_kept(call& one) noexcept { one.kept_.clear(); }
    [[nodiscard]] static std::shared_ptr<mailbox> const& box(call const& one) noexcept {
        return one.box_;
    }
    [[nodiscard]] static std::shared_ptr<session> const& session_of(call const& one) noexcept {
        return one.session_;
    }
    [[nodiscard]] static std::uint16_t http_status(call const& one) noexcept {
        return one.http_status_;
    }
    [[nodiscard]] static bool timed_out(call const& one) noexcept { return one.timed_out_; }

    /// The member of that name, where `in` is an object that has it and it is not null.
    [[nodiscard]] static boost::json::value const* member(boost::json::value const* in,
                                                          std::string_view name) noexcept {
        auto const* const members = in != nullptr ? in->if_object() : nullptr;
        if (members == nullptr) return nullptr;
        auto const* const found = members->if_contains({name.data(), name.size()});
        return found != nullptr && !found->is_null() ? found : nullptr;
    }

    /// Answers with a whole result. The first answer counts; none goes out where the client has cancelled.
    static void finish(call& one, std::string_view result) {
        std::string out;
        out.reserve(result.size() + 64);
        rpc::append_result(out, one.id_, result);
        end(one, std::move(out), 200);
    }
    static void fail(call& one, std::int64_t code, std::string_view message,
                     std::string_view data = {}) {
        std::string out;
        rpc::append_error(out, one.id_, code, message, data);
        end(one, std::move(out), is_modern(one.from_.spoken) ? http_status_of(code) : 200);
    }

    /// The HTTP status under which the modern era answers with an error, where nothing has gone out yet.
    [[nodiscard]] static constexpr std::uint16_t http_status_of(std::int64_t code) noexcept {
        switch (code) {
        case rpc::method_not_found: return 404;
        case rpc::parse_error:
        case rpc::invalid_request:
        case error_code::header_mismatch:
        case error_code::missing_capability:
        case error_code::unsupported_version: return 400;
        default: return 200;
        }
    }

    /// Spawns `work`, which answers the call. `entry` is kept until it ends; it is cancelled after `limit`.
    static void spawn(std::shared_ptr<call> const& one, asio::any_io_executor const& on,
                      std::chrono::milliseconds limit, asio::awaitable<void> work) {
        {
            std::lock_guard const hold{
                one->mutex_}; // its session knows it already, so it may be cancelled
            one->executor_.emplace(on);
        }
        asio::co_spawn(
            on, drive(one, limit, std::move(work)),
            asio::bind_cancellation_slot(one->cancellation_.slot(), [one](std::exception_ptr) {}));
    }
    static void keep(call& one, std::shared_ptr<void const> entry) noexcept {
        one.entry_ = std::move(entry);
    }

private:
    static void end(call& one, std::string message, std::uint16_t status) {
        one.http_status_ = status;
        if (!one.cancelled_) one.box_->post(std::move(message));
        one.box_->close();
        if (one.session_ != nullptr) one.session_->remove_call(one.id_);
    }

    /// Ends the call with its coroutine, also where the frame is destroyed with its context.
    class ending {
    public:
        explicit ending(call& one) noexcept : one_{one} {}
        ending(ending const&) = delete;
        ending& operator=(ending const&) = delete;
        ~ending() {
            {
                std::lock_guard const hold{one_.mutex_};
                one_.executor_.reset();
            }
            one_.box_->close();
            if (one_.session_ != nullptr) one_.session_->remove_call(one_.id_);
        }

    private:
        call& one_;
    };

    static asio::awaitable<void> drive(std::shared_ptr<call> one, std::chrono::milliseconds limit,
                                       asio::awaitable<void> work) {
        ending const at_the_end{*one};
        if (one->cancelled_) co_return; // before there was anything to cancel
        auto const executor = co_await asio::this_coro::executor;
        asio::steady_timer timer{executor, limit};
        timer.async_wait([weak = std::weak_ptr<call>{one}](std::error_code aborted) {
            if (aborted) return;
            if (auto const late = weak.lock()) late->stop(true);
        });
        co_await std::move(work);
    }
};

} // namespace mcp_provider::mcp::detail
