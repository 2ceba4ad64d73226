#include "agents/claude.hpp"

#include "agents/child_agent.hpp"
#include "agents/claude_wire.hpp"
#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <boost/json/value.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

using acp::member_of;
using acp::text_of;

constexpr std::size_t max_noise_bytes = 64 * 1024;
constexpr std::size_t max_depth = 64;
constexpr std::size_t max_waiting_questions = 16;
constexpr std::string_view only_session = "1";

rejection ended(std::string_view when) {
    return rejection{rejection_code::upstream_failed,
                     "the agent claude ended " + std::string{when}};
}

class claude_process final : public agent_process {
public:
    claude_process(asio::any_io_executor executor, claude_settings const& settings,
                   std::string directory)
        : executor_{executor}, child_{executor}, room_{executor, steady_time::max()},
          command_{settings.command}, may_use_tools_{settings.may_use_tools} {
        command_.environment = settings.environment;
        command_.directory = std::move(directory);
        command_.grace = settings.grace;
    }

    result<> launch() override { return launch_child(child_, command_); }

    asio::awaitable<std::string> run() override {
        std::string why = co_await read_all();
        is_over_ = true;
        for (auto const& [id, one] : calls_) one->bell.cancel();
        if (turn_ != nullptr) turn_->bell.cancel();
        co_return co_await end_of_child(child_, command_, std::move(why));
    }

    bool is_usable() const override { return !is_over_; }

    asio::awaitable<result<>> greet(steady_time until) override {
        std::string const id = next_id();
        auto listed = co_await ask(id, claude::list_models(id), until);
        if (!listed) co_return std::move(listed).error();
        models_ = claude::models_of(*listed);
        co_return result<>{};
    }

    asio::awaitable<result<std::string>> open_session(agent_prompt const& first,
                                                      steady_time until) override {
        std::string id = next_id();
        auto begun = co_await ask(id, claude::initialize(id, first.system, may_use_tools_), until);
        if (!begun) co_return std::move(begun).error();
        if (claude::needs_login(*begun))
            co_return rejection{rejection_code::upstream_failed,
                                "claude is not logged in; run `claude` once, or set "
                                "ANTHROPIC_API_KEY"}
                .because("agent_login");
        if (!first.model.empty() || !first.effort.empty()) {
            id = next_id();
            auto chosen = co_await ask(id, claude::choose(id, first.model, first.effort), until);
            if (!chosen) co_return std::move(chosen).error();
        }
        co_return std::string{only_session};
    }

    asio::awaitable<result<turn_end>> prompt(std::string const&, agent_prompt const& what,
                                             turn_sink& into) override {
        if (turn_ != nullptr)
            co_return rejection{rejection_code::conflict, "the session has a turn already"};
        turn one{*this, into};
        if (is_over_ || !send(claude::user(what))) co_return ended("before it was asked");
        while (!one.end && !is_over_) {
            if (one.questions.empty()) {
                one.bell.expires_at(steady_time::max());
                std::error_code ignored;
                co_await one.bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                continue;
            }
            question const next = std::move(one.questions.front());
            one.questions.pop_front();
            auto verdict = permission_verdict::refuse;
            if (!one.is_cancelled) verdict = co_await into.permission(next.about);
            bool const allowed = verdict == permission_verdict::allow && !one.is_cancelled;
            send(allowed ? claude::allow(next.id, next.input) : claude::deny(next.id));
        }
        if (!one.end) co_return ended("in the middle of its answer");
        co_return std::move(*one.end);
    }

    void cancel(std::string const&) override {
        if (turn_ == nullptr || std::exchange(turn_->is_cancelled, true)) return;
        send(claude::interrupt(next_id()));
        turn_->bell.cancel();
    }
    void close_session(std::string const&) override {}
    bool is_spoilt(std::string const&) const override { return is_spoilt_; }
    void read_on() override { room_.cancel(); }
    void end(bool at_once) override {
        if (at_once)
            child_.kill();
        else
            child_.end();
    }
    asio::awaitable<bool> gone(steady_time until) override { return child_.gone(until); }

    std::vector<agent_model> models() const override { return models_; }
    std::uint16_t abilities() const override {
        return agent::capability::vision | agent::capability::effort;
    }
    std::string error_tail() const override { return child_.error_tail(); }
    int id() const override { return child_.id(); }

private:
    class question {
    public:
        question(std::string_view its_id, permission_question its_subject,
                 boost::json::value const* its_input)
            : id{its_id}, about{std::move(its_subject)} {
            if (its_input != nullptr) input = *its_input;
        }
        std::string id;
        permission_question about;
        boost::json::value input;
    };

    /// The turn in progress; its process knows it for as long as it lives.
    class turn {
    public:
        turn(claude_process& of, turn_sink& heard_by)
            : into{heard_by}, bell{of.executor_}, of_{of} {
            of_.turn_ = this;
        }
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() {
            for (question const& left : questions) of_.send(claude::deny(left.id));
            of_.turn_ = nullptr;
        }

        turn_sink& into;
        asio::steady_timer bell;
        std::deque<question> questions;
        std::optional<result<turn_end>> end;
        bool is_cancelled = false;
        bool has_spoken = false;

    private:
        claude_process& of_;
    };

    /// A request of ours that waits for its answer.
    class call {
    public:
        call(claude_process& of, std::string const& id) : bell{of.executor_}, of_{of}, id_{id} {
            of_.calls_.emplace(id_, this);
        }
        call(call const&) = delete;
        call& operator=(call const&) = delete;
        ~call() { of_.calls_.erase(id_); }

        asio::steady_timer bell;
        std::optional<result<boost::json::value>> answer;

    private:
        claude_process& of_;
        std::string id_;
    };

    std::string next_id() { return std::to_string(++last_id_); }

    bool send(std::string line) {
        line += '\n';
        return child_.send(line);
    }

    asio::awaitable<result<boost::json::value>> ask(std::string id, std::string line,
                                                    steady_time until) {
        call one{*this, id};
        if (is_over_ || !send(std::move(line))) co_return ended("before it was asked");
        one.bell.expires_at(until);
        std::error_code woken;
        co_await one.bell.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        if (one.answer) co_return std::move(*one.answer);
        if (is_over_) co_return ended("before it answered");
        if (!woken) co_return rejection{rejection_code::timed_out, "claude did not answer in time"};
        co_return rejection{rejection_code::client_closed, "the request was cancelled"};
    }

    asio::awaitable<std::string> read_all() {
        while (why_.empty()) {
            while (turn_ != nullptr && !turn_->into.has_room()) {
                room_.expires_at(steady_time::max());
                std::error_code ignored;
                co_await room_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
                auto const state = co_await asio::this_coro::cancellation_state;
                if (state.cancelled() != asio::cancellation_type::none) co_return "it was let go";
            }
            std::string_view line;
            std::error_code const failed = co_await child_.read_line(line, steady_time::max());
            if (failed == std::errc::message_size) co_return "it wrote a line that is too long";
            if (failed == asio::error::operation_aborted) co_return "it was let go";
            if (failed) co_return "it closed its standard output";
            take(line);
        }
        co_return std::move(why_);
    }

    void take(std::string_view line) {
        if (line.find_first_not_of(" \t") == std::string_view::npos) return;
        if (line.front() != '{') {
            if ((noise_ += line.size()) > max_noise_bytes) why_ = "it writes what is no JSON";
            return;
        }
        json::parse_limits limits;
        limits.max_depth = max_depth;
        limits.max_bytes = line.size();
        auto const document = json::parse(line, limits);
        if (!document) {
            why_ = "it wrote a line that cannot be read: " + document.error().message();
            return;
        }
        take_message(*document);
    }

    void take_message(boost::json::value const& message) {
        std::string_view const type = text_of(&message, "type");
        if (type == "control_response") return take_answer(member_of(&message, "response"));
        if (type == "control_request") return take_request(message);
        if (type == "control_cancel_request") return withdraw(text_of(&message, "request_id"));
        // What its own agents say to each other is no part of the answer.
        auto const* const parent = member_of(&message, "parent_tool_use_id");
        bool const is_own = parent == nullptr || parent->is_null();
        if (type == "stream_event" && is_own) return take_event(member_of(&message, "event"));
        if (turn_ == nullptr || turn_->end) return;
        if (type == "result") {
            turn_->end.emplace(claude::end_of(message, turn_->is_cancelled));
            turn_->bell.cancel();
        } else if (text_of(&message, "subtype") != "api_retry") { // which is no sign of life
            turn_->into.at_work();
        }
    }

    void take_event(boost::json::value const* event) {
        std::string_view const type = text_of(event, "type");
        auto const* const delta = member_of(event, "delta");
        std::string_view const text = text_of(delta, "text");
        if (turn_ == nullptr || turn_->end) {
            if (!text.empty()) is_spoilt_ = true;
            return;
        }
        turn& one = *turn_;
        if (type == "content_block_delta" && !text.empty()) {
            one.has_spoken = true;
            one.into.text(text);
        } else if (auto const thought = text_of(delta, "thinking");
                   type == "content_block_delta" && !thought.empty()) {
            one.into.reasoning(thought);
        } else {
            // What tools did lies between one text and the next.
            if (type == "content_block_start" && one.has_spoken &&
                text_of(member_of(event, "content_block"), "type") == "text")
                one.into.text("\n\n");
            one.into.at_work();
        }
    }

    void take_answer(boost::json::value const* response) {
        auto const found = calls_.find(std::string{text_of(response, "request_id")});
        if (found == calls_.end() || found->second->answer) return; // late, or twice
        call& one = *found->second;
        auto const* const value = member_of(response, "response");
        if (text_of(response, "subtype") == "success")
            one.answer.emplace(value != nullptr ? *value : boost::json::value{});
        else
            one.answer.emplace(
                rejection{rejection_code::upstream_failed,
                          "claude refused a request: " + std::string{text_of(response, "error")}});
        one.bell.cancel();
    }

    void take_request(boost::json::value const& message) {
        std::string_view const id = text_of(&message, "request_id");
        auto const* const request = member_of(&message, "request");
        if (text_of(request, "subtype") != "can_use_tool") {
            send(claude::unsupported(id));
            return;
        }
        if (turn_ == nullptr || turn_->end || turn_->is_cancelled ||
            turn_->questions.size() >= max_waiting_questions) {
            send(claude::deny(id));
            return;
        }
        turn_->questions.emplace_back(id, claude::question_of(*request),
                                      member_of(request, "input"));
        turn_->bell.cancel();
    }

    void withdraw(std::string_view id) {
        if (turn_ == nullptr) return;
        std::erase_if(turn_->questions, [&](question const& one) { return one.id == id; });
    }

    asio::any_io_executor executor_;
    net::child_process child_;
    asio::steady_timer room_;
    net::child_command command_;
    bool may_use_tools_;
    std::map<std::string, call*> calls_;
    turn* turn_ = nullptr;
    std::vector<agent_model> models_;
    std::string why_;
    std::size_t noise_ = 0;
    std::uint64_t last_id_ = 0;
    bool is_over_ = false;
    bool is_spoilt_ = false;
};

} // namespace

claude_driver::claude_driver(claude_settings settings) : settings_{std::move(settings)} {
    settings_.command = claude::command_line(std::move(settings_.command), settings_.may_use_tools);
    settings_.environment = claude::environment(std::move(settings_.environment));
}

std::unique_ptr<agent_process> claude_driver::make(asio::any_io_executor executor,
                                                   std::string directory) const {
    return std::make_unique<claude_process>(std::move(executor), settings_, std::move(directory));
}

} // namespace mcp_provider::server::agents
