#include "agents/codex.hpp"

#include "agents/child_agent.hpp"
#include "agents/codex_wire.hpp"
#include "mcp_provider/acp/rpc_connection.hpp"
#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/net/child_process.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

using acp::flag_of;
using acp::member_of;
using acp::rpc_answer;
using acp::text_of;

constexpr std::size_t max_waiting_questions = 16;
constexpr std::size_t max_spoilt = 1'000;
constexpr std::chrono::seconds short_time{30}; // for what needs no model

rejection explain(rpc_answer const& answer, std::string_view method) {
    constexpr std::size_t max_message = 500;
    std::string const asked{method};
    switch (answer.what) {
    case rpc_answer::kind::error:
        return rejection{rejection_code::upstream_failed,
                         "codex refused " + asked + ": " + answer.message.substr(0, max_message)};
    case rpc_answer::kind::timed_out:
        return rejection{rejection_code::timed_out, "codex did not answer " + asked + " in time"};
    case rpc_answer::kind::cancelled:
        return rejection{rejection_code::client_closed, "the request was cancelled"};
    default:
        return rejection{rejection_code::upstream_failed,
                         "the agent codex ended before it answered " + asked};
    }
}

class codex_process final : public agent_process, private acp::rpc_handler {
public:
    codex_process(asio::any_io_executor executor, codex_settings const& settings,
                  std::string directory)
        : executor_{executor}, child_{executor}, rpc_{executor, child_, *this,
                                                      rpc::version_member::left_out},
          command_{settings.command}, may_use_tools_{settings.may_use_tools} {
        command_.environment = settings.environment;
        command_.directory = std::move(directory);
        command_.grace = settings.grace;
    }

    result<> launch() override { return launch_child(child_, command_); }

    asio::awaitable<std::string> run() override {
        std::string why = co_await rpc_.run();
        is_over_ = true;
        for (auto const& [thread, one] : turns_) one->bell.cancel();
        co_return co_await end_of_child(child_, command_, std::move(why));
    }

    bool is_usable() const override { return !is_over_; }

    asio::awaitable<result<>> greet(steady_time until) override {
        auto const greeted = co_await rpc_.ask("initialize", codex::initialize_params(), until);
        if (!greeted.is_result()) co_return explain(greeted, "initialize");
        rpc_.notify("initialized");
        auto const account = co_await rpc_.ask("account/read", "{}", until);
        if (account.is_result() && codex::needs_login(account.value) && !has_key())
            co_return rejection{rejection_code::upstream_failed,
                                "codex is not logged in; run `codex login`"}
                .because("agent_login");
        auto const config = co_await rpc_.ask("config/read", "{}", until);
        if (!config.is_result()) co_return explain(config, "config/read");
        mcp_servers_ = codex::mcp_servers_of(config.value);
        auto const list = co_await rpc_.ask("model/list", "{}", until);
        models_ = codex::models_of(config.value, list.value);
        co_return result<>{};
    }

    asio::awaitable<result<std::string>> open_session(agent_prompt const& first,
                                                      steady_time until) override {
        auto const answer = co_await rpc_.ask(
            "thread/start",
            codex::thread_params(command_.directory, first, may_use_tools_, mcp_servers_), until);
        if (!answer.is_result()) co_return explain(answer, "thread/start");
        std::string id{text_of(member_of(&answer.value, "thread"), "id")};
        if (id.empty())
            co_return rejection{rejection_code::upstream_failed,
                                "codex began a thread without naming it"};
        co_return id;
    }

    asio::awaitable<result<turn_end>> prompt(std::string const& session, agent_prompt const& what,
                                             turn_sink& into) override {
        if (turns_.contains(session))
            co_return rejection{rejection_code::conflict, "the session has a turn already"};
        turn one{*this, session, into};
        if (!what.history.empty()) {
            auto const until = std::chrono::steady_clock::now() + short_time;
            auto const told = co_await rpc_.ask(
                "thread/inject_items", codex::history_params(session, what.history), until);
            if (!told.is_result()) co_return explain(told, "thread/inject_items");
        }
        auto const until = std::chrono::steady_clock::now() + short_time;
        auto const begun =
            co_await rpc_.ask("turn/start", codex::turn_params(session, what), until);
        if (!begun.is_result()) co_return explain(begun, "turn/start");
        one.begin(text_of(member_of(&begun.value, "turn"), "id"));
        while (!one.end && !is_over_) {
            if (one.questions.empty()) {
                co_await one.wait();
                continue;
            }
            question const next = std::move(one.questions.front());
            one.questions.pop_front();
            auto verdict = permission_verdict::refuse;
            if (!one.is_cancelled && next.about.may_be_allowed())
                verdict = co_await into.permission(next.about.question);
            decide(next, verdict == permission_verdict::allow && !one.is_cancelled);
        }
        if (!one.end)
            co_return rejection{rejection_code::upstream_failed,
                                "the agent codex ended in the middle of its answer"};
        co_return std::move(*one.end);
    }

    void cancel(std::string const& session) override {
        auto const found = turns_.find(session);
        if (found == turns_.end()) return;
        found->second->cancel();
    }
    void close_session(std::string const& session) override {
        spoilt_.erase(session);
        used_.erase(session);
        std::string params = R"({"threadId":)";
        json::append_quoted(params, session);
        params += '}';
        acp::rpc_connection::call const unanswered{rpc_, "thread/unsubscribe", params};
    }
    bool is_spoilt(std::string const& session) const override { return spoilt_.contains(session); }
    void read_on() override { rpc_.read_on(); }
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
        question(rpc::id its_id, codex::approval its_subject)
            : id{std::move(its_id)}, about{std::move(its_subject)} {}
        rpc::id id;
        codex::approval about;
    };

    /// A turn in progress; it is on the list of its process for as long as it lives.
    class turn {
    public:
        turn(codex_process& of, std::string const& session, turn_sink& heard_by)
            : into{heard_by}, bell{of.executor_}, of_{of}, session_{session} {
            of_.turns_.emplace(session_, this);
        }
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() {
            for (question const& left : questions) of_.decide(left, false);
            of_.turns_.erase(session_);
        }

        /// The turn has its name, by which it can be interrupted, and is told from others in its thread.
        void begin(std::string_view its_id) {
            if (!id_.empty() || its_id.empty()) return;
            id_ = its_id;
            if (early_ && early_id_ == id_) finish(*std::move(early_));
            if (is_cancelled) interrupt();
        }
        /// A turn of its thread has ended: this one, unless it has another name.
        void complete(std::string_view its_id, result<turn_end> how) {
            if (its_id == id_) return finish(std::move(how));
            if (!id_.empty()) return;
            early_id_ = its_id;
            early_.emplace(std::move(how));
        }
        void cancel() {
            if (std::exchange(is_cancelled, true)) return;
            if (!id_.empty()) interrupt();
            bell.cancel();
        }
        asio::awaitable<void> wait() {
            bell.expires_at(steady_time::max());
            std::error_code ignored;
            co_await bell.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        /// A message of the model begins where another one was: what tools did lies between them.
        void text(std::string_view item, std::string_view piece) {
            if (item != item_ && !item_.empty()) into.text("\n\n");
            if (item != item_) item_ = item;
            into.text(piece);
        }

        turn_sink& into;
        asio::steady_timer bell;
        std::deque<question> questions;
        std::optional<result<turn_end>> end;
        bool is_cancelled = false;

    private:
        void finish(result<turn_end> how) {
            if (end) return;
            end.emplace(std::move(how));
            bell.cancel();
        }
        void interrupt() {
            acp::rpc_connection::call const unanswered{of_.rpc_, "turn/interrupt",
                                                       codex::interrupt_params(session_, id_)};
        }

        codex_process& of_;
        std::string session_;
        std::string id_;
        std::string item_;
        std::string early_id_; // of the turn that ended before this one had its name
        std::optional<result<turn_end>> early_;
    };

    /// One that is configured to be used without an account has its key in its environment.
    bool has_key() const {
        return !command_.variable("CODEX_API_KEY").empty() ||
               !command_.variable("OPENAI_API_KEY").empty();
    }

    turn* turn_of(boost::json::value const* params) {
        auto const found = turns_.find(std::string{text_of(params, "threadId")});
        return found != turns_.end() && !found->second->end ? found->second : nullptr;
    }

    void decide(question const& about, bool allowed) {
        rpc_.answer(about.id, allowed ? about.about.allowed : about.about.refused);
    }

    void on_request(rpc::message const& asked) override {
        auto about = codex::read_approval(asked.method(), asked.params());
        if (about.is_unknown()) {
            rpc_.refuse(asked.id(), rpc::method_not_found, "this client has no such method");
            return;
        }
        question next{asked.id(), std::move(about)};
        turn* const one = turn_of(asked.params());
        if (one == nullptr || one->is_cancelled || one->questions.size() >= max_waiting_questions)
            return decide(next, false);
        one->questions.push_back(std::move(next));
        one->bell.cancel();
    }

    void on_notification(rpc::message const& told) override {
        std::string_view const method = told.method();
        boost::json::value const* const params = told.params();
        bool const is_text = method == "item/agentMessage/delta";
        bool const is_reasoning =
            method == "item/reasoning/summaryTextDelta" || method == "item/reasoning/textDelta";
        turn* const one = turn_of(params);
        if (one == nullptr) {
            std::string session{text_of(params, "threadId")};
            if (is_text && !session.empty() && spoilt_.size() < max_spoilt)
                spoilt_.insert(std::move(session));
            return;
        }
        if (is_text) return one->text(text_of(params, "itemId"), text_of(params, "delta"));
        if (is_reasoning) return one->into.reasoning(text_of(params, "delta"));
        // That it tries again, or warns, is no sign of life.
        if (method.starts_with("item/") || method.starts_with("turn/")) one->into.at_work();
        std::string const session{text_of(params, "threadId")};
        if (method == "turn/started")
            one->begin(text_of(member_of(params, "turn"), "id"));
        else if (method == "thread/tokenUsage/updated")
            used_[session].now = codex::usage_of(params);
        else if (method == "turn/completed")
            complete(*one, session, member_of(params, "turn"));
    }

    void complete(turn& one, std::string const& session, boost::json::value const* how) {
        std::string_view const id = text_of(how, "id");
        std::string_view const status = text_of(how, "status");
        if (status == "failed") return one.complete(id, codex::failure_of(member_of(how, "error")));
        turn_end end;
        end.was_cancelled = status == "interrupted";
        if (auto const found = used_.find(session); found != used_.end()) {
            count& used = found->second;
            end.used_is_known = true;
            end.used.prompt_tokens = used.now.prompt_tokens - used.before.prompt_tokens;
            end.used.completion_tokens = used.now.completion_tokens - used.before.completion_tokens;
            used.before = used.now;
        }
        one.complete(id, end);
    }

    // One whose client is slow must not hold up the others; its sink bounds what it takes meanwhile.
    bool may_read() override {
        return turns_.empty() || std::any_of(turns_.begin(), turns_.end(), [](auto const& one) {
                   return one.second->into.has_room();
               });
    }

    /// Tokens of a thread: of all its turns, and of those before the one in progress.
    struct count {
        agent::usage now;
        agent::usage before;
    };

    asio::any_io_executor executor_;
    net::child_process child_;
    std::map<std::string, turn*> turns_;
    std::map<std::string, count> used_;
    std::set<std::string> spoilt_;
    acp::rpc_connection rpc_;
    net::child_command command_;
    bool may_use_tools_;
    bool is_over_ = false;
    std::vector<std::string> mcp_servers_;
    std::vector<agent_model> models_;
};

} // namespace

codex_driver::codex_driver(codex_settings settings) : settings_{std::move(settings)} {}

std::unique_ptr<agent_process> codex_driver::make(asio::any_io_executor executor,
                                                  std::string directory) const {
    return std::make_unique<codex_process>(std::move(executor), settings_, std::move(directory));
}

} // namespace mcp_provider::server::agents
