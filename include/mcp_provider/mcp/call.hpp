// One request to a server, as its handler sees it: arguments, who asks, and ways to tell and to ask back.
#pragma once

#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/reader.hpp"
#include "mcp_provider/json/rpc.hpp"
#include "mcp_provider/json/serialize.hpp"
#include "mcp_provider/mcp/detail/mailbox.hpp"
#include "mcp_provider/mcp/detail/session.hpp"
#include "mcp_provider/mcp/protocol.hpp"
#include "mcp_provider/mcp/question.hpp"
#include "mcp_provider/mcp/types.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::mcp {

class server;

namespace detail {

class call_access;

/// Thrown through a handler whose questions a modern client has to answer first; the handler runs again then.
class input_required : public std::exception {
public:
    explicit input_required(std::vector<question> open) : questions{std::move(open)} {}
    [[nodiscard]] char const* what() const noexcept override {
        return "the client has to answer first";
    }
    std::vector<question> questions;
};

} // namespace detail

/// Passed to each handler; lives as long as it runs.
/// *Thread safety*: used by its handler, on the handler's thread. `cancelled` from any thread.
class call : public std::enable_shared_from_this<call> {
public:
    call(call const&) = delete;
    call& operator=(call const&) = delete;

    // --- what is asked, and by whom

    /// `tools/call`, `resources/read`, ...
    [[nodiscard]] std::string_view method() const noexcept { return method_; }
    /// The name of the tool or prompt, the address of the resource.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }
    /// The arguments, an empty object where there are none. A tool's were checked against its schema.
    [[nodiscard]] boost::json::value const& arguments() const noexcept { return *arguments_; }
    /// An argument that is a text; empty where it is absent or no text.
    [[nodiscard]] std::string_view text(std::string_view argument) const noexcept {
        boost::json::value const* const found = find(argument);
        if (found == nullptr || !found->is_string()) return {};
        return {found->get_string().data(), found->get_string().size()};
    }
    /// An argument that is a number.
    [[nodiscard]] double number_or(std::string_view argument, double otherwise) const noexcept {
        boost::json::value const* const found = find(argument);
        return found != nullptr && found->is_number() ? found->to_number<double>() : otherwise;
    }
    /// What stands for `{name}` in the address of a resource that was found by its template.
    [[nodiscard]] std::string_view variable(std::string_view name) const noexcept {
        auto const at = variables_.find(name);
        return at != variables_.end() ? std::string_view{at->second} : std::string_view{};
    }
    [[nodiscard]] client_facts const& from() const noexcept { return from_; }
    /// The id of the request. Of two calls of one client that are in progress, no two are the same.
    [[nodiscard]] rpc::id const& id() const noexcept { return id_; }

    // --- telling

    /// Whether the client wants to be told of progress.
    [[nodiscard]] bool wants_progress() const noexcept { return progress_token_.has_value(); }
    /// Tells how far the work is. `done` must grow from call to call. Nothing happens where the client does not want it,
    /// or where it does not read.
    void progress(double done, std::optional<double> total = std::nullopt,
                  std::string_view message = {}) {
        if (!progress_token_) return;
        std::string params = R"({"progressToken":)";
        progress_token_->append_to(params);
        params += R"(,"progress":)";
        json::append_number(params, done);
        if (total) {
            params += R"(,"total":)";
            json::append_number(params, *total);
        }
        if (from_.spoken >= revision::v2025_03_26)
            detail::append_text_member(params, "message", message);
        params += '}';
        notify("notifications/progress", params);
    }
    /// Sends a log message, where the client wants that severity. `data` is the text of any JSON value.
    void log(log_level severity, std::string_view data, std::string_view logger = {}) {
        if (is_modern(from_.spoken)) {
            if (!log_wanted_ || severity < *log_wanted_) return;
        } else if (session_ != nullptr && severity < session_->least_logged) {
            return;
        }
        std::string params = R"({"level":")";
        (params += name_of(severity)) += '"';
        detail::append_text_member(params, "logger", logger);
        detail::append_json_member(params, "data", data);
        params += '}';
        notify("notifications/message", params);
    }
    /// Ends the response stream now, to be picked up later by the client (2025-11-25 only): for long work behind proxies.
    void hang_up() {
        if (from_.spoken == revision::v2025_11_25) box_->hang_up();
    }

    /// Whether anybody reads what this call tells: a legacy client that has gone may come back for it, or not.
    [[nodiscard]] bool is_read() const { return box_->attached(); }

    // --- asking back

    /// Asks the client, and waits for all answers. A legacy client is asked one after the other, and the handler waits. A
    /// modern client gets them as the result of this round, and the handler is **run again from its start** when it comes
    /// back with the answers; so what stands before a question must be harmless to repeat, and keys must stay the same.
    /// *Errors*: `not_implemented` with reason `missing_capability` where the client cannot be asked that: return it, and
    /// the client learns what is missing; `timed_out`, `upstream_failed` (the client answers with an error),
    /// `overloaded` (too many questions open).
    [[nodiscard]] asio::awaitable<result<answers>> ask(std::vector<question> questions);
    /// As above, for one question.
    [[nodiscard]] asio::awaitable<result<boost::json::value>> ask(question one);

    /// The answer under that key that the client brought along; null where there is none. Modern clients only.
    [[nodiscard]] boost::json::value const* answer(std::string_view key) const noexcept {
        auto const at = answers_.find(key);
        return at != answers_.end() ? &at->second : nullptr;
    }
    /// What `keep` kept in the round before. The client can read it, but not change it.
    [[nodiscard]] std::string const& kept() const noexcept { return kept_; }
    /// Keeps a text for the next round of a modern client. It shares the bound on `requestState`.
    void keep(std::string text) { kept_ = std::move(text); }

    // --- ending

    /// Whether the client has cancelled, or gone. A coroutine is cancelled besides.
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    /// Cancels the call. *Thread safety*: safe.
    void cancel() { stop(false); }

private:
    friend class detail::call_access;

    explicit call(server& owner) : owner_{owner} {}

    [[nodiscard]] boost::json::value const* find(std::string_view argument) const noexcept {
        boost::json::object const* const members = arguments_->if_object();
        return members != nullptr ? members->if_contains({argument.data(), argument.size()})
                                  : nullptr;
    }
    void notify(std::string_view method, std::string_view params) {
        std::string out;
        rpc::append_notification(out, method, params);
        box_->offer(std::move(out));
    }
    void stop(bool late) {
        std::lock_guard const hold{mutex_};
        if (cancelled_) return;
        (late ? timed_out_ : cancelled_) = true;
        if (!executor_) return;
        // Under the lock: the executor's context cannot end before the handler has.
        asio::post(*executor_, [self = shared_from_this()] {
            self->cancellation_.emit(asio::cancellation_type::terminal);
        });
    }
    [[nodiscard]] asio::awaitable<result<boost::json::value>> ask_now(question const& one);

    server& owner_;
    client_facts from_;
    rpc::id id_;
    std::string_view method_;
    std::string_view name_;
    boost::json::value const* arguments_ = nullptr;
    std::map<std::string, std::string, std::less<>> variables_;
    std::optional<rpc::id> progress_token_;
    std::optional<log_level> log_wanted_;
    std::shared_ptr<detail::session> session_;
    std::shared_ptr<detail::mailbox> box_;
    answers answers_;
    std::string kept_;
    std::uint16_t http_status_ = 200;
    std::chrono::milliseconds answer_time_{};
    std::size_t max_questions_ = 0;

    std::mutex mutex_; ///< for what follows
    std::optional<asio::any_io_executor> executor_;
    asio::cancellation_signal cancellation_; ///< emitted on the executor
    std::atomic<bool> cancelled_{false};
    std::atomic<bool> timed_out_{false};
    std::shared_ptr<void const> entry_; ///< what is called, kept while it runs

    // The message, and the memory that it lies in; a common one costs no allocation.
    unsigned char buffer_[2048];
    boost::json::monotonic_resource memory_{buffer_, sizeof buffer_};
    // With parentheses: in braces Boost.JSON makes an array of what it is given.
    boost::json::value document_ = boost::json::value(boost::json::storage_ptr{&memory_});
    boost::json::value nothing_ = boost::json::value(boost::json::object_kind);
};

inline asio::awaitable<result<boost::json::value>> call::ask_now(question const& one) {
    auto const opened =
        session_ != nullptr ? session_->open_question(max_questions_) : std::nullopt;
    if (!opened)
        co_return rejection{rejection_code::overloaded,
                            "too many questions to the client are open"};
    class closing {
    public:
        closing(detail::session& at, std::int64_t number) : at_{at}, number_{number} {}
        closing(closing const&) = delete;
        closing& operator=(closing const&) = delete;
        ~closing() { at_.close_question(number_); }

    private:
        detail::session& at_;
        std::int64_t number_;
    };
    closing const at_the_end{*session_, opened->first};
    std::string out;
    rpc::append_request(out, rpc::id{opened->first}, one.method(), one.params());
    box_->post(std::move(out));
    auto const until = std::chrono::steady_clock::now() + answer_time_;
    std::optional<result<boost::json::value>> got = co_await opened->second->wait(until);
    if (!got) {
        std::string params = R"({"requestId":)";
        json::append_number(params, opened->first);
        params += R"(,"reason":"no answer in time"})";
        notify("notifications/cancelled", params);
        co_return rejection{rejection_code::timed_out, "the client did not answer in time"};
    }
    if (*got && !one.is_answered_by(**got))
        co_return rejection{rejection_code::upstream_failed,
                            "the client's answer is not one to the question"};
    co_return *std::move(got);
}

inline asio::awaitable<result<answers>> call::ask(std::vector<question> questions) {
    for (question const& one : questions)
        if (auto const missing = one.missing_in(from_.can); !missing.empty())
            co_return rejection{rejection_code::not_implemented,
                                "the client does not offer what this needs"}
                .because("missing_capability")
                .at(std::string{missing});
    answers out;
    if (is_modern(from_.spoken)) {
        std::vector<question> open;
        for (question& one : questions) {
            auto const* const given = answer(one.key());
            if (given != nullptr && one.is_answered_by(*given))
                out.emplace(one.key(), *given);
            else
                open.push_back(std::move(one));
        }
        if (!open.empty()) throw detail::input_required{std::move(open)};
        co_return std::move(out);
    }
    for (question const& one : questions) {
        auto got = co_await ask_now(one);
        if (!got) co_return std::move(got).error();
        out.emplace(one.key(), *std::move(got));
    }
    co_return std::move(out);
}

inline asio::awaitable<result<boost::json::value>> call::ask(question one) {
    std::string const key = one.key();
    std::vector<question> several;
    several.push_back(std::move(one));
    auto got = co_await ask(std::move(several));
    if (!got) co_return std::move(got).error();
    co_return std::move(got->find(key)->second);
}

} // namespace mcp_provider::mcp
