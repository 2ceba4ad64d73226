#include "agents/mcp_tool.hpp"

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/mcp/client.hpp"
#include "mcp_provider/mcp/http_client_transport.hpp"
#include "mcp_provider/mcp/stdio_client_transport.hpp"
#include "mcp_provider/net/command_line.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

namespace mcp_provider::server::agents {

namespace bj = boost::json;

namespace {

constexpr std::size_t piece_bytes = 16 * 1024; // of an answer, handed over at a time
constexpr std::size_t max_failure_bytes = 400;

std::string_view text_of(bj::string const& from) noexcept { return {from.data(), from.size()}; }

/// The bytes of the longest beginning of at most `most` that ends with a whole character.
std::size_t whole_sequences(std::string_view text, std::size_t most) noexcept {
    if (text.size() <= most) return text.size();
    while (most != 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
    return most;
}

/// Why the tool cannot take a prompt in that argument; empty where it can.
std::string misfit(bj::value const& schema, std::string const& argument) {
    bj::object const* const rules = schema.if_object();
    bj::value const* const known = rules != nullptr ? rules->if_contains("properties") : nullptr;
    std::string names;
    if (known != nullptr && known->is_object())
        for (auto const& [name, rule] : known->get_object())
            (names += names.empty() ? "" : ", ") += std::string_view{name.data(), name.size()};
    if (known == nullptr || !known->is_object() || !known->get_object().contains(argument))
        return "has no argument " + argument + "; it has " + (names.empty() ? "none" : names);
    bj::value const* const required = rules->if_contains("required");
    if (required != nullptr && required->is_array())
        for (bj::value const& one : required->get_array())
            if (one.is_string() && one.get_string() != argument)
                return "needs the argument " + std::string{text_of(one.get_string())} +
                       ", which nobody gives it";
    return {};
}

class mcp_tool_process final : public agent_process {
public:
    mcp_tool_process(asio::any_io_executor executor,
                     std::shared_ptr<mcp_tool_settings const> settings, std::string directory)
        : settings_{std::move(settings)}, executor_{std::move(executor)}, end_{executor_,
                                                                               steady_time::max()} {
        mcp::client_options options;
        options.name = "mcp-local-provider";
        options.call_time = settings_->call_time;
        options.longest_time = settings_->call_time;
        options.gone = [this](rejection const& why) { note_end(why.message()); };
        client_.emplace(way_to(std::move(directory)), std::move(options));
    }

    result<> launch() override { return {}; } // connecting starts the program

    asio::awaitable<std::string> run() override {
        while (!has_ended_) {
            std::error_code ignored;
            co_await end_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        co_return why_;
    }

    bool is_usable() const override { return !has_ended_ && client_->is_open(); }

    asio::awaitable<result<>> greet(steady_time until) override {
        co_return co_await while_running(shake_hands(), until);
    }

    asio::awaitable<result<std::string>> open_session(agent_prompt const&, steady_time) override {
        co_return std::to_string(++last_session_);
    }

    asio::awaitable<result<turn_end>> prompt(std::string const& session, agent_prompt const& what,
                                             turn_sink& into) override {
        turn_under_way turn{*this, session};
        mcp::call_options how;
        how.progress = [&into](mcp::progress_report const&) { into.at_work(); };
        bj::object arguments;
        arguments[settings_->argument] = what.text;
        std::optional<result<mcp::tool_answer>> answered;
        auto call = ask(std::move(arguments), std::move(how), answered);
        try {
            co_await asio::co_spawn(
                executor_, std::move(call),
                asio::bind_cancellation_slot(turn.stop.slot(), asio::use_awaitable));
        } catch (std::system_error const&) {
            // Cancelled; nobody wants the answer.
        }
        if (turn.is_cancelled || !answered) {
            turn_end end;
            end.was_cancelled = true;
            co_return end;
        }
        if (!*answered) co_return failure(answered->error());
        std::string text = (*answered)->text();
        if ((*answered)->is_error())
            co_return failed("failed: " + mcp::detail::excerpt(text, max_failure_bytes));
        if (text.empty() && (*answered)->structured() != nullptr)
            text = bj::serialize(*(*answered)->structured());
        if (text.empty()) co_return failed("answered without a text");
        for (std::string_view left = text; !left.empty() && !turn.is_cancelled;) {
            std::size_t const size = whole_sequences(left, piece_bytes);
            into.text(left.substr(0, size));
            left.remove_prefix(size);
            while (!left.empty() && !into.has_room() && !turn.is_cancelled) {
                turn.room.expires_at(steady_time::max());
                std::error_code ignored;
                co_await turn.room.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            }
        }
        turn_end end;
        end.was_cancelled = turn.is_cancelled;
        co_return end;
    }

    void cancel(std::string const& session) override {
        auto const found = turns_.find(session);
        if (found == turns_.end()) return;
        found->second->is_cancelled = true;
        found->second->stop.emit(asio::cancellation_type::terminal);
        found->second->room.cancel();
    }
    void close_session(std::string const&) override {}
    // A tool has no memory that a conversation could go on in.
    bool is_spoilt(std::string const&) const override { return true; }
    void read_on() override {
        for (auto const& [session, turn] : turns_) turn->room.cancel();
    }

    void end(bool at_once) override {
        if (program_ != nullptr) program_->end(at_once);
        note_end({}); // as it was told to
        for (auto const& [session, turn] : turns_)
            turn->stop.emit(asio::cancellation_type::terminal);
    }
    asio::awaitable<bool> gone(steady_time until) override {
        if (program_ == nullptr) co_return true;
        co_return co_await program_->gone(until);
    }

    std::vector<agent_model> models() const override {
        return {agent_model{settings_->tool, title_.empty() ? settings_->tool : title_}};
    }
    std::string error_tail() const override {
        return program_ != nullptr ? program_->error_tail() : std::string{};
    }
    int id() const override { return program_ != nullptr ? program_->process_id() : 0; }

private:
    /// A turn, where `cancel` and `read_on` find it.
    class turn_under_way {
    public:
        turn_under_way(mcp_tool_process& in, std::string const& session)
            : room{in.executor_, steady_time::max()}, in_{in}, session_{session} {
            in_.turns_.emplace(session_, this);
        }
        turn_under_way(turn_under_way const&) = delete;
        turn_under_way& operator=(turn_under_way const&) = delete;
        ~turn_under_way() { in_.turns_.erase(session_); }

        asio::cancellation_signal stop;
        asio::steady_timer room;
        bool is_cancelled = false;

    private:
        mcp_tool_process& in_;
        std::string session_;
    };

    std::unique_ptr<mcp::client_transport> way_to(std::string directory) {
        if (settings_->to) {
            mcp::http_transport_options options;
            options.token = secret{std::string{settings_->token.reveal()}};
            return std::make_unique<mcp::http_client_transport>(*settings_->to, std::move(options));
        }
        net::child_command command{settings_->command};
        command.environment = settings_->environment;
        command.directory = std::move(directory);
        command.grace = settings_->grace;
        auto made = std::make_unique<mcp::stdio_client_transport>(std::move(command));
        program_ = made.get();
        return made;
    }

    asio::awaitable<void> ask(bj::object arguments, mcp::call_options how,
                              std::optional<result<mcp::tool_answer>>& into) {
        into.emplace(
            co_await client_->call_tool(settings_->tool, std::move(arguments), std::move(how)));
    }

    asio::awaitable<result<>> shake_hands() {
        auto const connected = co_await client_->connect();
        if (!connected) co_return failure(connected.error());
        auto const tools = co_await client_->list_tools();
        if (!tools) co_return failure(tools.error());
        std::string names;
        for (bj::value const& one : *tools) {
            bj::object const& tool = one.get_object();
            std::string_view const name = mcp::detail::text_at(tool, "name");
            if (name != settings_->tool) {
                if (names.size() < max_failure_bytes) (names += names.empty() ? "" : ", ") += name;
                continue;
            }
            title_ = mcp::detail::text_at(tool, "title");
            bj::value const* const schema = tool.if_contains("inputSchema");
            std::string const why =
                misfit(schema != nullptr ? *schema : bj::value(), settings_->argument);
            if (!why.empty()) co_return failed(why);
            co_return result<>{};
        }
        co_return rejection{rejection_code::upstream_failed,
                            "the MCP server has no tool " + settings_->tool + "; it has " +
                                (names.empty() ? "none" : mcp::detail::excerpt(names))};
    }

    /// Bounds what does not bound itself.
    asio::awaitable<result<>> while_running(asio::awaitable<result<>> work, steady_time until) {
        auto const stop = std::make_shared<asio::cancellation_signal>();
        asio::steady_timer late{executor_, until};
        late.async_wait([stop](std::error_code aborted) {
            if (!aborted) stop->emit(asio::cancellation_type::terminal);
        });
        std::optional<result<>> outcome;
        auto kept = keep(std::move(work), outcome);
        try {
            co_await asio::co_spawn(
                executor_, std::move(kept),
                asio::bind_cancellation_slot(stop->slot(), asio::use_awaitable));
        } catch (std::system_error const&) {
            // Too late; there is no outcome.
        }
        late.cancel();
        if (std::chrono::steady_clock::now() >= until || !outcome)
            co_return rejection{rejection_code::timed_out, "the MCP server took too long to start"};
        co_return *outcome;
    }
    static asio::awaitable<void> keep(asio::awaitable<result<>> work,
                                      std::optional<result<>>& outcome) {
        outcome.emplace(co_await std::move(work));
    }

    [[nodiscard]] rejection failed(std::string const& why) const {
        return rejection{rejection_code::upstream_failed,
                         "the tool " + settings_->tool + ' ' + why};
    }

    /// What a failed exchange is for the caller. One that says that the server is of no use any more has it started, or
    /// connected, anew.
    rejection failure(rejection why) {
        bool const is_said = why.reason() == "server_error" || why.reason() == "invalid_params" ||
                             why.reason() == "method_not_found" || why.reason() == "bad_answer" ||
                             why.code() != rejection_code::upstream_failed;
        if (!is_said) note_end(why.message());
        return why;
    }

    void note_end(std::string const& why) {
        if (std::exchange(has_ended_, true)) return;
        why_ = why;
        end_.cancel();
    }

    std::shared_ptr<mcp_tool_settings const> settings_;
    asio::any_io_executor executor_;
    asio::steady_timer end_;                         ///< rings when it has ended
    mcp::stdio_client_transport* program_ = nullptr; ///< the client's; null over HTTP
    std::optional<mcp::client> client_;
    std::map<std::string, turn_under_way*> turns_;
    std::uint64_t last_session_ = 0;
    std::string title_;
    std::string why_;
    bool has_ended_ = false;
};

} // namespace

mcp_tool_driver::mcp_tool_driver(mcp_tool_settings settings)
    : settings_{std::make_shared<mcp_tool_settings const>(std::move(settings))} {}

mcp_tool_driver::~mcp_tool_driver() = default;

std::unique_ptr<agent_process> mcp_tool_driver::make(asio::any_io_executor executor,
                                                     std::string directory) const {
    return std::make_unique<mcp_tool_process>(std::move(executor), settings_, std::move(directory));
}

} // namespace mcp_provider::server::agents
