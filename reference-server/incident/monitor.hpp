// Detects incidents in what the policies refuse, and responds: suspends, blocks, alerts.
#pragma once

#include "incident/alert_sender.hpp"
#include "incident/playbook.hpp"
#include "mcp_provider/core/clock.hpp"
#include "mcp_provider/core/principal.hpp"
#include "mcp_provider/events/feed.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/session/session.hpp"

#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mcp_provider::server {

/// What a policy refused as a matter of security, as the monitor keeps it.
struct security_event {
    std::string_view name; ///< `rate_limit_exceeded`, …: a literal
    std::string
        caller; ///< the unit of blocking: `uid:N`, else an address that is not loopback, else the principal
    std::string principal;
    std::string session;
    std::string message;
};

/// Responds to incidents as the seed says (contract security.md §8):
///
/// | event | response |
/// |---|---|
/// | `suspicious_caller`: the third refusal for rate in a window | its session is suspended for 15 min; alert |
/// | `session_suspended`, while that lasts | the caller is blocked, as for a fourth refusal |
/// | `caller_blocked`, `credential_stuffing` | the block is in force already; alert |
/// | `suspicious_content` (a rule rejected), `external_access_attempt`, foreign Host or Origin | alert |
///
/// Each response runs through the playbook, as `monitor`, and so leaves a record. Alerts of one kind about one caller
/// come at most once in five minutes. Responses run on a thread of their own, moments after the event; the queue is
/// bounded, and what does not fit is counted. *Thread safety*: safe. *Lifetime*: the parts must outlive it.
class incident_monitor {
public:
    static constexpr std::size_t max_waiting = 1024;
    static constexpr std::chrono::minutes suspension{15};
    static constexpr std::chrono::minutes alert_pause{5};

    incident_monitor(playbook& actions, std::chrono::seconds block_time,
                     std::shared_ptr<events::feed> feed, std::function<void(alert)> tell,
                     asio::thread_pool& on)
        : actions_{actions},
          block_time_{block_time}, feed_{std::move(feed)}, tell_{std::move(tell)}, on_{on} {}
    incident_monitor(incident_monitor const&) = delete;
    incident_monitor& operator=(incident_monitor const&) = delete;

    /// Takes an event; never waits.
    void note(security_event one) noexcept;
    /// Responds to what waits; called by `note` on the pool, and by tests. `now` is the time of the responses.
    void respond(steady_time now);

    /// How many events did not fit.
    [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.load(); }

private:
    void respond_to(security_event const& one, steady_time now);
    void raise(security_event const& one, std::string_view severity, std::string_view action,
               steady_time now);

    playbook& actions_;
    std::chrono::seconds block_time_;
    std::shared_ptr<events::feed> feed_;
    std::function<void(alert)> tell_;
    asio::thread_pool& on_;

    std::mutex mutex_; // guards what waits
    std::vector<security_event> waiting_;
    std::atomic<std::uint64_t> dropped_{0};

    std::mutex one_at_a_time_;                                  // guards what responses remember
    std::map<std::string, steady_time, std::less<>> suspended_; ///< principals, until when
    std::map<std::string, steady_time, std::less<>> told_;      ///< kinds and callers, when
};

/// Feeds the monitor. *Thread safety*: safe. Costs a comparison for an exchange that is no security event.
class watch_incidents {
public:
    static constexpr std::string_view name = "watch_incidents";

    explicit watch_incidents(std::shared_ptr<incident_monitor> to) noexcept : to_{std::move(to)} {}

    void on_complete(exchange const& done, principal const* who, session const* in) const noexcept;

private:
    std::shared_ptr<incident_monitor> to_;
};

static_assert(policy<watch_incidents>);

} // namespace mcp_provider::server
