// Tells the administrators: alerts to a webhook, signed, tried again, and never in the way of a request.
#pragma once

#include "config/config.hpp"
#include "mcp_provider/core/clock.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider::server {

/// One alert. Labels say what it is about; no token, prompt or query gets into it.
class alert {
public:
    alert(std::string its_name, std::string how_grave, std::string its_text)
        : name{std::move(its_name)}, severity{std::move(how_grave)}, text{std::move(its_text)} {}

    std::string name;     ///< `rate_limit_exceeded`, …: becomes the label `alertname`
    std::string severity; ///< `low`, `medium`, `high`, `critical`
    std::string text;     ///< a sentence for people
    std::vector<std::pair<std::string, std::string>> labels{};
    system_time when{};
};

/// The body of a webhook call: the form that Alertmanager posts to its receivers (version 4), with one alert.
[[nodiscard]] std::string as_webhook_body(alert const& one);

struct alert_timing {
    std::chrono::milliseconds call_time{10'000};  ///< for one attempt, all in all
    std::chrono::milliseconds first_retry{1'000}; ///< doubles up to `last_retry`
    std::chrono::milliseconds last_retry{60'000};
    int attempts = 10; ///< then the alert is given up, and the log says so
};

struct alert_counts {
    std::uint64_t sent = 0;
    std::uint64_t failed = 0;  ///< given up
    std::uint64_t dropped = 0; ///< the queue was full
};

/// Posts alerts to ALERT_WEBHOOK_URL one after the other, with `X-Signature-256: sha256=H`, where H is the HMAC-SHA-256 of
/// the body under ALERT_WEBHOOK_KEY, in hexadecimal. Only a 2xx counts as told; redirects are not followed.
/// *Thread safety*: `send` and `counts` from any thread; the rest from one. *Lifetime*: the context must outlive it.
class alert_sender {
public:
    static constexpr std::size_t max_waiting = 64;

    /// *Errors*: throws for a URL or authorities that cannot be used.
    alert_sender(alert_settings const& to, asio::io_context& on, alert_timing timing = {});
    ~alert_sender();
    alert_sender(alert_sender const&) = delete;
    alert_sender& operator=(alert_sender const&) = delete;

    /// Whether there is anybody to tell.
    [[nodiscard]] bool is_configured() const noexcept { return state_ != nullptr; }
    /// Queues an alert. False where nobody is to be told, or where too many wait.
    bool send(alert one);
    [[nodiscard]] alert_counts counts() const;

private:
    class state;
    std::shared_ptr<state> state_;
};

} // namespace mcp_provider::server
