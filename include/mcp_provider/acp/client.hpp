// A client of the Agent Client Protocol, version 1: it starts conversations with an agent and takes part in them.
#pragma once

#include "mcp_provider/acp/rpc_connection.hpp"
#include "mcp_provider/acp/session.hpp"
#include "mcp_provider/agent/conversation.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/json/write.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::acp {

/// The one who takes part in a turn. Called on the client's thread.
class turn_listener {
public:
    turn_listener() = default;
    turn_listener(turn_listener const&) = delete;
    turn_listener& operator=(turn_listener const&) = delete;

    virtual void on_text(std::string_view piece) = 0;
    virtual void on_reasoning(std::string_view piece) = 0;
    /// Any other `session/update`: its kind, and the update.
    virtual void on_update(std::string_view kind, boost::json::value const& update) = 0;
    /// Whether the agent may do this.
    [[nodiscard]] virtual asio::awaitable<bool> allow(permission_request const& wish) = 0;
    [[nodiscard]] virtual bool has_room() = 0;

protected:
    ~turn_listener() = default;
};

/// A conversation with the agent.
class session {
public:
    session() = default;
    session(std::string its_id, std::vector<config_option> offered)
        : id{std::move(its_id)}, options{std::move(offered)} {}

    /// The option of that category; null where there is none.
    [[nodiscard]] config_option const* option(std::string_view category) const {
        for (config_option const& one : options)
            if (one.category == category) return &one;
        return nullptr;
    }

    std::string id;
    std::vector<config_option> options;
};

/// Talks with one agent over its standard streams (agentclientprotocol.com, protocol version 1). It offers the agent
/// neither files nor terminals; what else the agent asks for is refused at once, so that it never waits.
/// *Thread safety*: used on the thread of the child's io_context. *Lifetime*: the child must outlive it, and it its calls.
class client final : private rpc_handler {
public:
    static constexpr std::int64_t authentication_required = -32000;
    /// Questions of one turn that may wait for their answers; more are refused at once.
    static constexpr std::size_t max_waiting_questions = 16;

    client(asio::any_io_executor executor, net::child_process& child)
        : executor_{executor}, rpc_{executor, child, *this} {}

    /// Reads what the agent says until it ends. See `rpc_connection::run`.
    [[nodiscard]] asio::awaitable<std::string> run() { return rpc_.run(); }
    void read_on() { rpc_.read_on(); }

    /// `initialize`. *Errors*: `upstream_failed`, `timed_out`.
    [[nodiscard]] asio::awaitable<result<>> initialize(std::string name, std::string version,
                                                       steady_time until) {
        std::string params =
            R"({"protocolVersion":1,"clientCapabilities":{"fs":{"readTextFile":false,"writeTextFile":false},)"
            R"("terminal":false},"clientInfo":{"name":)";
        json::append_quoted(params, name);
        json::append_quoted(params += R"(,"version":)", version);
        params += "}}";
        rpc_answer const answer = co_await rpc_.ask("initialize", std::move(params), until);
        if (!answer.is_result()) co_return explain(answer, "initialize");
        facts_ = agent_facts{answer.value};
        if (facts_.protocol != 1)
            co_return rejection{rejection_code::upstream_failed,
                                "the agent does not speak version 1 of the Agent Client Protocol"};
        co_return result<>{};
    }
    [[nodiscard]] agent_facts const& facts() const noexcept { return facts_; }

    /// `session/new`. *Errors*: `upstream_failed`, with reason `agent_login` where somebody has to log in first; `timed_out`.
    [[nodiscard]] asio::awaitable<result<session>> new_session(std::string directory,
                                                               steady_time until) {
        std::string params = R"({"cwd":)";
        json::append_quoted(params, directory);
        params += R"(,"mcpServers":[]})";
        rpc_answer const answer = co_await rpc_.ask("session/new", std::move(params), until);
        if (!answer.is_result()) co_return explain(answer, "session/new");
        std::string id{text_of(&answer.value, "sessionId")};
        if (id.empty())
            co_return rejection{rejection_code::upstream_failed,
                                "the agent began a session without naming it"};
        co_return session{std::move(id), read_options(answer.value)};
    }

    /// `session/set_config_option`, or `session/set_model` with older agents. *Errors*: as `initialize`.
    [[nodiscard]] asio::awaitable<result<>> set_option(session const& of,
                                                       config_option const& option,
                                                       std::string value, steady_time until) {
        std::string params = R"({"sessionId":)";
        json::append_quoted(params, of.id);
        if (!option.is_legacy_model) json::append_quoted(params += R"(,"configId":)", option.id);
        json::append_quoted(params += option.is_legacy_model ? R"(,"modelId":)" : R"(,"value":)",
                            value);
        params += '}';
        std::string const method =
            option.is_legacy_model ? "session/set_model" : "session/set_config_option";
        rpc_answer const answer = co_await rpc_.ask(method, std::move(params), until);
        if (!answer.is_result()) co_return explain(answer, method);
        co_return result<>{};
    }

    /// `session/close`, where the agent has it; nobody waits for the answer.
    void close(std::string const& session) {
        spoilt_.erase(session);
        if (!facts_.closes_sessions) return;
        std::string params = R"({"sessionId":)";
        json::append_quoted(params, session);
        params += '}';
        rpc_connection::call const unanswered{rpc_, "session/close", params};
    }

    /// `session/cancel`: the turn shall end soon, and what it asks meanwhile is answered as cancelled.
    void cancel(std::string const& session) {
        auto const found = turns_.find(session);
        if (found == turns_.end() || std::exchange(found->second->is_cancelled, true)) return;
        std::string params = R"({"sessionId":)";
        json::append_quoted(params, session);
        params += '}';
        rpc_.notify("session/cancel", params);
        found->second->asked.poke();
    }

    /// `session/prompt`: one turn. After the answer it waits until nothing more has come for `quiet`, since agents are
    /// known to send the last pieces behind it (opencode#17505). *Errors*: `upstream_failed`.
    [[nodiscard]] asio::awaitable<result<turn_result>>
    prompt(std::string session, std::string text, std::vector<agent::image> const& images,
           turn_listener& listener) {
        if (turns_.contains(session))
            co_return rejection{rejection_code::conflict, "the session has a turn already"};
        turn one{*this, session, prompt_params(session, text, images), listener};
        while (!one.asked.answered()) {
            if (!one.questions.empty()) {
                question const next = std::move(one.questions.front());
                one.questions.pop_front();
                bool allowed = false;
                if (!one.is_cancelled) allowed = co_await listener.allow(next.wish);
                decide(next, allowed, one.is_cancelled);
                continue;
            }
            if (!co_await one.asked.wait(steady_time::max())) {
                one.is_cancelled = true;
                co_return rejection{rejection_code::client_closed, "the turn was cancelled"};
            }
        }
        for (question const& left : one.questions) decide(left, false, true);
        one.questions.clear();
        rpc_answer const& answer = one.asked.answer();
        if (!answer.is_result()) co_return explain(answer, "session/prompt");
        co_await drain(one);
        co_return turn_result{answer.value};
    }

    /// Whether something came for a session that had no turn: it would show up in the next answer's place.
    [[nodiscard]] bool is_spoilt(std::string const& session) const {
        return spoilt_.contains(session);
    }

private:
    static constexpr std::chrono::milliseconds quiet{60};
    static constexpr std::chrono::milliseconds long_quiet{400}; // for an agent that was late before
    static constexpr std::chrono::milliseconds max_drain{2'000};
    static constexpr std::size_t max_spoilt = 1'000;

    class question {
    public:
        question(rpc::id its_id, permission_request its_wish)
            : id{std::move(its_id)}, wish{std::move(its_wish)} {}
        rpc::id id;
        permission_request wish;
    };

    /// A turn in progress; it is on the client's list for as long as it lives.
    class turn {
    public:
        turn(client& of, std::string const& session, std::string const& params,
             turn_listener& heard_by)
            : of_{of}, session_{session}, listener{heard_by},
              asked{of.rpc_, "session/prompt", params}, pause{of.executor_} {
            of_.turns_.emplace(session_, this);
        }
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() { of_.turns_.erase(session_); }

    private:
        client& of_;
        std::string session_;

    public:
        turn_listener& listener;
        rpc_connection::call asked;
        std::deque<question> questions;
        asio::steady_timer pause;
        steady_time last_update{};
        bool is_cancelled = false;
    };

    static std::string prompt_params(std::string const& session, std::string const& text,
                                     std::vector<agent::image> const& images) {
        std::string params = R"({"sessionId":)";
        json::append_quoted(params, session);
        params += R"(,"prompt":[{"type":"text","text":)";
        json::append_quoted(params, text);
        params += '}';
        for (agent::image const& one : images) {
            params += R"(,{"type":"image","mimeType":)";
            json::append_quoted(params, one.media_type.empty() ? "image/png" : one.media_type);
            json::append_quoted(params += R"(,"data":)", one.base64);
            params += '}';
        }
        params += "]}";
        return params;
    }

    rejection explain(rpc_answer const& answer, std::string_view method) const {
        std::string const asked{method};
        switch (answer.what) {
        case rpc_answer::kind::error: break;
        case rpc_answer::kind::timed_out:
            return rejection{rejection_code::timed_out,
                             "the agent did not answer " + asked + " in time"};
        case rpc_answer::kind::cancelled:
            return rejection{rejection_code::client_closed, "the request was cancelled"};
        default:
            return rejection{rejection_code::upstream_failed,
                             "the agent ended before it answered " + asked};
        }
        if (answer.code == authentication_required) {
            std::string text = "the agent is not logged in";
            for (agent_facts::login const& one : facts_.logins)
                if (!one.name.empty())
                    text += (text.back() == 'n' ? "; it offers: " : ", ") + one.name;
            return rejection{rejection_code::upstream_failed, std::move(text)}.because(
                "agent_login");
        }
        constexpr std::size_t max_message = 500;
        return rejection{rejection_code::upstream_failed,
                         "the agent refused " + asked + ": " +
                             answer.message.substr(0, max_message)};
    }

    // An answer that is no choice of the agent's cancels: that is the strictest it knows.
    void decide(question const& about, bool allowed, bool is_cancelled) {
        std::string const* const choice = is_cancelled ? nullptr : about.wish.chosen(allowed);
        if (choice == nullptr) {
            rpc_.answer(about.id, R"({"outcome":{"outcome":"cancelled"}})");
            return;
        }
        std::string outcome = R"({"outcome":{"outcome":"selected","optionId":)";
        json::append_quoted(outcome, *choice);
        outcome += "}}";
        rpc_.answer(about.id, outcome);
    }

    asio::awaitable<void> drain(turn& one) {
        auto const begun = std::chrono::steady_clock::now();
        auto const wanted = is_often_late_ ? long_quiet : quiet;
        one.last_update = begun;
        for (;;) {
            auto const until = std::min(one.last_update + wanted, begun + max_drain);
            if (std::chrono::steady_clock::now() >= until || one.is_cancelled) co_return;
            one.pause.expires_at(until);
            std::error_code stopped;
            co_await one.pause.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
            if (stopped) co_return;
        }
    }

    void on_request(rpc::message const& asked) override {
        if (asked.method() != "session/request_permission") {
            rpc_.refuse(asked.id(), rpc::method_not_found, "this client has no such method");
            return;
        }
        boost::json::value const nothing;
        boost::json::value const& params = asked.params() != nullptr ? *asked.params() : nothing;
        question about{asked.id(), permission_request{params}};
        auto const found = turns_.find(std::string{text_of(&params, "sessionId")});
        if (found == turns_.end() || found->second->asked.answered() || found->second->is_cancelled)
            return decide(about, false, true);
        turn& one = *found->second;
        if (one.questions.size() >= max_waiting_questions) return decide(about, false, false);
        one.questions.push_back(std::move(about));
        one.asked.poke();
    }

    void on_notification(rpc::message const& told) override {
        if (told.method() != "session/update" || told.params() == nullptr) return;
        std::string session{text_of(told.params(), "sessionId")};
        auto const* const update = member_of(told.params(), "update");
        std::string_view const kind = text_of(update, "sessionUpdate");
        if (kind.empty()) return;
        bool const is_text = kind == "agent_message_chunk";
        bool const is_reasoning = kind == "agent_thought_chunk";
        auto const found = turns_.find(session);
        if (found == turns_.end()) {
            if (!is_text && !is_reasoning) return;
            is_often_late_ = true;
            if (spoilt_.size() < max_spoilt) spoilt_.insert(std::move(session));
            return;
        }
        turn& one = *found->second;
        if (one.asked.answered()) {
            one.last_update = std::chrono::steady_clock::now();
            if (is_text || is_reasoning) is_often_late_ = true;
        }
        if (!is_text && !is_reasoning) return one.listener.on_update(kind, *update);
        std::string_view const piece = text_of(member_of(update, "content"), "text");
        if (piece.empty()) return;
        if (is_text)
            one.listener.on_text(piece);
        else
            one.listener.on_reasoning(piece);
    }

    // One whose client is slow must not hold up the others; its listener bounds what it takes meanwhile.
    bool may_read() override {
        return turns_.empty() || std::any_of(turns_.begin(), turns_.end(), [](auto const& one) {
                   return one.second->listener.has_room();
               });
    }

    asio::any_io_executor executor_;
    agent_facts facts_;
    std::map<std::string, turn*> turns_;
    std::set<std::string> spoilt_;
    rpc_connection rpc_;
    bool is_often_late_ = false;
};

} // namespace mcp_provider::acp
