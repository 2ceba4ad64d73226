#include "incident/monitor.hpp"

#include "mcp_provider/core/rejection.hpp"
#include "mcp_provider/http/peer.hpp"

#include <asio/post.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace mcp_provider::server {

namespace {

/// Forgets what is over, so that a table of names stays small; a full one forgets nothing and takes nothing new.
constexpr std::size_t max_names = 10'000;

bool remember(std::map<std::string, steady_time, std::less<>>& names, std::string_view name,
              steady_time until, steady_time now) {
    std::erase_if(names, [&](auto const& one) { return one.second <= now; });
    if (names.size() >= max_names && !names.contains(name)) return false;
    names.insert_or_assign(std::string{name}, until);
    return true;
}

} // namespace

void incident_monitor::note(security_event one) noexcept {
    try {
        std::lock_guard const hold{mutex_};
        if (waiting_.size() >= max_waiting) {
            dropped_.fetch_add(1);
            return;
        }
        waiting_.push_back(std::move(one));
        if (waiting_.size() != 1) return;
        asio::post(on_, [this] { respond(std::chrono::steady_clock::now()); });
    } catch (...) { // no memory: the refusal itself has gone out, and is on record
        dropped_.fetch_add(1);
    }
}

void incident_monitor::respond(steady_time now) {
    std::vector<security_event> due;
    {
        std::lock_guard const hold{mutex_};
        due.swap(waiting_);
    }
    std::lock_guard const hold{one_at_a_time_};
    for (security_event const& one : due) respond_to(one, now);
}

void incident_monitor::respond_to(security_event const& one, steady_time now) {
    if (one.name == "suspicious_caller" && !one.session.empty()) {
        auto const done = actions_.run(
            "sessions/suspend",
            {{"id", one.session}, {"seconds", std::chrono::seconds{suspension}.count()}},
            "monitor");
        if (!done) return;
        remember(suspended_, one.principal, now + suspension, now);
        raise(one, "medium", "session_suspended", now);
    } else if (one.name == "session_suspended") {
        auto const since = suspended_.find(one.principal);
        if (since == suspended_.end() || since->second <= now || one.caller.empty()) return;
        suspended_.erase(since);
        auto const done = actions_.run(
            "blocks/add",
            {{"who", one.caller}, {"seconds", block_time_.count()}, {"reason", "ignored_limits"}},
            "monitor");
        if (done) raise(one, "high", "caller_blocked", now);
    } else if (one.name == "caller_blocked" || one.name == "credential_stuffing") {
        raise(one, "high", "caller_blocked", now);
    } else if (one.name == "external_access_attempt") {
        raise(one, "high", "refused", now);
    } else if (one.name == "suspicious_content" || one.name == "foreign_host" ||
               one.name == "foreign_origin" || one.name == "cross_site_request") {
        raise(one, "medium", "refused", now);
    }
}

void incident_monitor::raise(security_event const& one, std::string_view severity,
                             std::string_view action, steady_time now) {
    spdlog::warn("incident {}: {} ({}); {}", one.name, one.caller, one.principal, action);
    feed_->publish(events::topic::security, "security.incident", [&](events::members& out) {
        out.add("event", one.name)
            .add("severity", severity)
            .add("caller", one.caller)
            .add("principal", one.principal)
            .add("action_taken", action);
    });
    std::string const kind = std::string{one.name} + '|' + one.caller;
    if (auto const before = told_.find(kind); before != told_.end() && before->second > now) return;
    if (!remember(told_, kind, now + alert_pause, now)) return;
    alert out{std::string{one.name}, std::string{severity}, one.message};
    if (!one.caller.empty()) out.labels.emplace_back("caller", one.caller);
    if (!one.principal.empty()) out.labels.emplace_back("principal", one.principal);
    if (!one.session.empty()) out.labels.emplace_back("session_id", one.session);
    out.labels.emplace_back("action_taken", std::string{action});
    tell_(std::move(out));
}

void watch_incidents::on_complete(exchange const& done, principal const* who,
                                  session const* in) const noexcept {
    rejection const* const refused = done.refusal();
    if (refused == nullptr || refused->security_event().empty()) return;
    try {
        security_event one;
        one.name = refused->security_event();
        one.message = refused->message();
        if (who != nullptr) one.principal = who->id();
        if (in != nullptr) one.session = in->id();
        http::peer const& from = done.request().peer();
        if (auto const uid = from.is_loopback() ? from.user() : std::nullopt)
            one.caller = "uid:" + std::to_string(*uid);
        else
            one.caller = from.is_loopback() ? one.principal : std::string{from.address()};
        to_->note(std::move(one));
    } catch (...) { // no memory: the refusal is on record all the same
    }
}

} // namespace mcp_provider::server
