#include "agents/acp_process.hpp"

#include "agents/agent_environment.hpp"
#include "agents/child_agent.hpp"
#include "mcp_provider/acp/client.hpp"
#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/version.hpp"

#include <asio/post.hpp>

#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace mcp_provider::server::agents {

namespace {

/// How somebody logs in with the agents that we know; others tell their ways themselves.
std::string_view login_of(std::string_view program) {
    if (auto const slash = program.rfind('/'); slash != std::string_view::npos)
        program.remove_prefix(slash + 1);
    if (program == "cursor-agent" || program == "agent") return "cursor-agent login";
    if (program == "opencode") return "opencode auth login";
    if (program == "gemini") return "gemini";
    if (program == "copilot") return "copilot login";
    return {};
}

/// Hands what the agent says on to the turn.
class acp_turn final : public acp::turn_listener {
public:
    explicit acp_turn(turn_sink& into) : into_{into} {}

    void on_text(std::string_view piece) override { into_.text(piece); }
    void on_reasoning(std::string_view piece) override { into_.reasoning(piece); }
    void on_update(std::string_view, boost::json::value const&) override { into_.at_work(); }
    asio::awaitable<bool> allow(acp::permission_request const& wish) override {
        permission_question question{wish.kind, {}, wish.title};
        auto const verdict = co_await into_.permission(std::move(question));
        co_return verdict == permission_verdict::allow;
    }
    bool has_room() override { return into_.has_room(); }

private:
    turn_sink& into_;
};

class acp_process final : public agent_process {
public:
    acp_process(asio::any_io_executor executor, acp_settings const& settings, std::string directory)
        : child_{executor}, client_{executor, child_}, command_{settings.command} {
        command_.environment = settings.environment;
        command_.directory = std::move(directory);
        command_.grace = settings.grace;
    }

    result<> launch() override { return launch_child(child_, command_); }

    asio::awaitable<std::string> run() override {
        std::string why = co_await client_.run();
        is_usable_ = false;
        co_return co_await end_of_child(child_, command_, std::move(why));
    }

    bool is_usable() const override { return is_usable_; }

    asio::awaitable<result<>> greet(steady_time until) override {
        auto greeted =
            co_await client_.initialize("mcp-local-provider", std::string{version}, until);
        if (!greeted) co_return std::move(greeted).error();
        auto opened = co_await client_.new_session(command_.directory, until);
        if (!opened) co_return with_login(std::move(opened).error());
        if (auto const* const model = opened->option("model"))
            for (acp::config_option::choice const& one : model->choices)
                models_.emplace_back(one.value, one.name);
        spare_ = *std::move(opened);
        co_return result<>{};
    }

    asio::awaitable<result<std::string>> open_session(agent_prompt const& first,
                                                      steady_time until) override {
        acp::session made;
        if (spare_) {
            made = *std::exchange(spare_, std::nullopt);
        } else {
            auto opened = co_await client_.new_session(command_.directory, until);
            if (!opened) co_return with_login(std::move(opened).error());
            made = *std::move(opened);
        }
        auto const* const model = made.option("model");
        if (!first.model.empty() && model != nullptr && model->current != first.model) {
            if (!model->has(first.model)) {
                client_.close(made.id);
                co_return rejection{rejection_code::not_found,
                                    "the agent no longer offers the model " + first.model}
                    .because("model_not_found");
            }
            auto chosen = co_await client_.set_option(made, *model, first.model, until);
            if (!chosen) {
                client_.close(made.id);
                co_return std::move(chosen).error();
            }
        }
        co_return std::move(made.id);
    }

    asio::awaitable<result<turn_end>> prompt(std::string const& session, agent_prompt const& what,
                                             turn_sink& into) override {
        acp_turn listener{into};
        auto ended = co_await client_.prompt(session, what.text, what.images, listener);
        if (!ended) co_return std::move(ended).error();
        turn_end end;
        end.used = ended->used;
        end.used_is_known = ended->used_is_known;
        switch (ended->stopped) {
        case acp::turn_result::stop::max_tokens:
        case acp::turn_result::stop::max_turn_requests:
            end.reason = agent::finish_reason::length;
            break;
        case acp::turn_result::stop::refusal:
            end.reason = agent::finish_reason::content_filter;
            break;
        case acp::turn_result::stop::cancelled: end.was_cancelled = true; break;
        case acp::turn_result::stop::end_turn:
        case acp::turn_result::stop::unknown: break;
        }
        co_return end;
    }

    void cancel(std::string const& session) override { client_.cancel(session); }
    void close_session(std::string const& session) override { client_.close(session); }
    bool is_spoilt(std::string const& session) const override { return client_.is_spoilt(session); }
    void read_on() override { client_.read_on(); }
    void end(bool at_once) override {
        if (at_once)
            child_.kill();
        else
            child_.end();
    }
    asio::awaitable<bool> gone(steady_time until) override { return child_.gone(until); }

    std::vector<agent_model> models() const override { return models_; }
    std::uint16_t abilities() const override {
        return client_.facts().takes_images ? agent::capability::vision : 0;
    }
    std::string error_tail() const override { return child_.error_tail(); }
    int id() const override { return child_.id(); }

private:
    rejection with_login(rejection why) const {
        if (why.reason() != "agent_login") return why;
        std::string text = why.message();
        if (auto const login = login_of(command_.arguments.front()); !login.empty())
            (text += "; run `") += std::string{login} + '`';
        return rejection{why.code(), std::move(text)}.because("agent_login");
    }

    net::child_process child_;
    acp::client client_;
    net::child_command command_;
    std::vector<agent_model> models_;
    std::optional<acp::session> spare_;
    bool is_usable_ = true;
};

} // namespace

acp_driver::acp_driver(acp_settings settings) : settings_{std::move(settings)} {
    // Without it OpenCode runs what it likes and asks nobody, and what is not asked for cannot be refused
    // (contract mcp.md §5.4).
    std::erase_if(settings_.environment,
                  [](std::string const& one) { return one.starts_with("OPENCODE_PERMISSION="); });
    set_default(settings_.environment, "OPENCODE_PERMISSION", R"({"*":"ask"})");
}

std::unique_ptr<agent_process> acp_driver::make(asio::any_io_executor executor,
                                                std::string directory) const {
    return std::make_unique<acp_process>(std::move(executor), settings_, std::move(directory));
}

} // namespace mcp_provider::server::agents
