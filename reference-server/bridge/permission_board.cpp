#include "bridge/permission_board.hpp"

#include "mcp_provider/audit/record.hpp"
#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/random.hpp"
#include "mcp_provider/json/reader.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <system_error>

namespace mcp_provider::server::bridge {

using agents::permission_question;
using agents::permission_verdict;

namespace {

constexpr std::size_t most_title = 4 * 1024;

std::string_view name_of(permission_verdict verdict) noexcept {
    return verdict == permission_verdict::allow ? "allow" : "refuse";
}

} // namespace

result<permission_answer> permission_answer::from_json(boost::json::value const& document) {
    permission_answer out;
    json::reading pass{document};
    json::reader const in = pass.root();
    out.id = in["id"].text();
    std::string_view const verdict = in["verdict"].text();
    if (verdict == "allow")
        out.verdict = permission_verdict::allow;
    else if (verdict != "refuse")
        in["verdict"].complain("must be \"allow\" or \"refuse\"");
    if (auto outcome = pass.outcome(); !outcome) return std::move(outcome).error();
    return out;
}

/// One open question. Its verdict is guarded by the board's mutex; the timer belongs to the asker's thread.
class permission_board::question {
public:
    question(permission_question its_text, asio::any_io_executor const& on, steady_time until)
        : id{"perm_" + crypto::base64url_encode(crypto::as_text(crypto::random_bytes<16>()))},
          about{std::move(its_text)}, timer{on, until} {}

    std::string const id;
    permission_question const about;
    asio::steady_timer timer;
    std::optional<permission_verdict> verdict;
};

asio::awaitable<permission_verdict> permission_board::ask(permission_question about,
                                                          steady_time until) {
    /// Takes the question off the board however the asker goes.
    class posted {
    public:
        posted(permission_board& on, std::shared_ptr<question> what) noexcept
            : board_{on}, what_{std::move(what)} {}
        posted(posted const&) = delete;
        posted& operator=(posted const&) = delete;
        ~posted() { board_.close(*what_, "cancelled"); }

    private:
        permission_board& board_;
        std::shared_ptr<question> what_;
    };

    if (!feed_->has_listener(events::topic::permission)) co_return permission_verdict::refuse;
    auto const executor = co_await asio::this_coro::executor;
    auto const one = std::make_shared<question>(std::move(about), executor, until);
    {
        std::lock_guard const lock{mutex_};
        if (open_.size() >= most_open) co_return permission_verdict::refuse;
        open_.emplace(one->id, one);
    }
    posted const on_board{*this, one};
    feed_->publish(events::topic::permission, "permission.asked", [&](events::members& out) {
        auto const left = std::max(until - real_clock{}.steady(), steady_time::duration{0});
        std::string end;
        append_timestamp(end, real_clock{}.system() +
                                  std::chrono::duration_cast<system_time::duration>(left));
        out.add("id", one->id)
            .add("agent", one->about.agent)
            .add("caller", one->about.caller)
            .add("kind", one->about.kind)
            .add("tool", one->about.tool)
            .add("until", end)
            .add_cut("title", one->about.title, most_title);
    });
    std::error_code ignored;
    co_await one->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() == asio::cancellation_type::none) close(*one, "deadline");
    std::lock_guard const lock{mutex_};
    co_return one->verdict.value_or(permission_verdict::refuse);
}

/// Where nobody has answered, that is told as well: those who show the question can take it away.
void permission_board::close(question& one, std::string_view why) {
    {
        std::lock_guard const lock{mutex_};
        if (open_.erase(one.id) == 0) return;
        remember(one.id);
        one.verdict = permission_verdict::refuse;
    }
    tell_answer(one, why);
}

answer_verdict permission_board::answer(std::string_view id, permission_verdict verdict,
                                        principal const& by) {
    std::shared_ptr<question> one;
    {
        std::lock_guard const lock{mutex_};
        auto const found = open_.find(std::string{id});
        if (found == open_.end())
            return std::find(over_.begin(), over_.end(), id) == over_.end()
                       ? answer_verdict::unknown
                       : answer_verdict::late;
        one = found->second;
        open_.erase(found);
        remember(one->id);
        one->verdict = verdict;
        // Under the mutex, so that the asker, and with it its context, is still there.
        auto const executor = one->timer.get_executor();
        asio::post(executor, [one] { one->timer.cancel(); });
    }
    tell_answer(*one, by.id());
    record(*one, by);
    return answer_verdict::accepted;
}

void permission_board::remember(std::string id) {
    if (over_.size() >= most_remembered) over_.pop_front();
    over_.push_back(std::move(id));
}

void permission_board::tell_answer(question const& one, std::string_view by) const {
    feed_->publish(events::topic::permission, "permission.answered", [&](events::members& out) {
        out.add("id", one.id).add("verdict", name_of(*one.verdict)).add("by", by);
    });
}

void permission_board::record(question const& one, principal const& by) const {
    std::string message{name_of(*one.verdict)};
    message += " for agent " + one.about.agent;
    if (!one.about.kind.empty()) message += ", kind " + one.about.kind;
    if (!one.about.tool.empty()) message += ", tool " + one.about.tool;
    message += ", question " + one.id; // its title is the agent's text, and may hold a prompt
    audit::record out;
    out.type = audit::event_type::security;
    out.timestamp = real_clock{}.system();
    out.endpoint = "/events";
    out.principal_id = by.id();
    out.local_uid = by.uid();
    out.message = message;
    out.security_flags.add("permission_answered");
    log_.try_write(out);
}

std::size_t permission_board::open() const {
    std::lock_guard const lock{mutex_};
    return open_.size();
}

} // namespace mcp_provider::server::bridge
