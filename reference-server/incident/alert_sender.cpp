#include "incident/alert_sender.hpp"

#include "mcp_provider/core/timestamp.hpp"
#include "mcp_provider/crypto/base64.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/crypto/hmac.hpp"
#include "mcp_provider/json/write.hpp"
#include "mcp_provider/net/http_call.hpp"
#include "mcp_provider/net/http_client.hpp"
#include "mcp_provider/net/origin.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace mcp_provider::server {

namespace {

net::origin origin_of(std::string const& url) {
    auto parsed = net::origin::parse(url);
    if (!parsed)
        throw std::runtime_error{"ALERT_WEBHOOK_URL " + std::string{parsed.error().message()}};
    return *std::move(parsed);
}

void append_labels(std::string& out, alert const& one) {
    out += R"({"alertname":)";
    json::append_quoted(out, one.name);
    out += R"(,"severity":)";
    json::append_quoted(out, one.severity);
    out += R"(,"job":"mcp-local-provider")";
    for (auto const& [name, value] : one.labels) {
        out += ',';
        json::append_quoted(out, name);
        out += ':';
        json::append_quoted(out, value);
    }
    out += '}';
}

} // namespace

std::string as_webhook_body(alert const& one) {
    std::string labels;
    append_labels(labels, one);
    std::string starts;
    append_timestamp(starts, one.when);
    std::string out = R"({"version":"4","status":"firing","receiver":"mcp-local-provider",)"
                      R"("groupKey":)";
    json::append_quoted(out, one.name);
    out += R"(,"truncatedAlerts":0,"externalURL":"","groupLabels":{"alertname":)";
    json::append_quoted(out, one.name);
    out += R"(},"commonLabels":)" + labels + R"(,"commonAnnotations":{},"alerts":[{)";
    out += R"("status":"firing","labels":)" + labels + R"(,"annotations":{"summary":)";
    json::append_quoted(out, one.text);
    out += R"(},"startsAt":")" + starts +
           R"(","endsAt":"0001-01-01T00:00:00Z",)"
           R"("generatorURL":"","fingerprint":")";
    out += crypto::hex_encode(crypto::as_text(crypto::sha256(labels)).substr(0, 8)) + R"("}]})";
    return out;
}

/// Shared with the coroutine that sends, so that it may end after the sender.
class alert_sender::state : public std::enable_shared_from_this<alert_sender::state> {
public:
    state(alert_settings const& to, asio::io_context& on, alert_timing timing)
        : client_{origin_of(to.webhook_url)}, key_{std::string{to.webhook_key.reveal()}},
          timing_{timing}, context_{on}, pause_{on} {}

    bool send(alert one) {
        {
            std::lock_guard const hold{mutex_};
            if (waiting_.size() >= max_waiting) {
                ++counts_.dropped;
                return false;
            }
            waiting_.push_back(std::move(one));
            if (std::exchange(busy_, true)) return true;
        }
        asio::post(context_, [self = shared_from_this()] {
            asio::co_spawn(self->context_, run(self), asio::detached);
        });
        return true;
    }

    void stop() {
        asio::post(context_, [self = shared_from_this()] {
            self->stopped_ = true;
            self->pause_.cancel();
        });
    }

    [[nodiscard]] alert_counts counts() const {
        std::lock_guard const hold{mutex_};
        return counts_;
    }

private:
    static asio::awaitable<void> run(std::shared_ptr<state> self) {
        while (!self->stopped_) {
            std::optional<alert> const one = self->take();
            if (!one) co_return;
            bool const told = co_await self->tell(*one);
            std::lock_guard const hold{self->mutex_};
            ++(told ? self->counts_.sent : self->counts_.failed);
        }
    }

    std::optional<alert> take() {
        std::lock_guard const hold{mutex_};
        if (waiting_.empty()) {
            busy_ = false;
            return std::nullopt;
        }
        alert one = std::move(waiting_.front());
        waiting_.pop_front();
        return one;
    }

    asio::awaitable<bool> tell(alert const& one) {
        std::string const body = as_webhook_body(one);
        std::string fields = "Content-Type: application/json\r\nUser-Agent: mcp-local-provider\r\n";
        if (!key_.empty()) {
            crypto::hmac_key signer{key_.reveal()};
            fields +=
                "X-Signature-256: sha256=" + crypto::hex_encode(crypto::as_text(signer.tag(body))) +
                "\r\n";
        }
        net::request_head const head{client_, "POST", "", fields};
        auto retry = timing_.first_retry;
        for (int attempt = 1; !stopped_; ++attempt) {
            result<> const told = co_await call(head, body);
            if (told) co_return true;
            if (attempt == timing_.attempts) {
                spdlog::error("the alert {} is given up after {} attempts: {}", one.name, attempt,
                              told.error().message());
                co_return false;
            }
            spdlog::warn("the alert {} could not be sent, and is tried again in {} ms: {}",
                         one.name, retry.count(), told.error().message());
            pause_.expires_after(retry);
            std::error_code ignored;
            co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
            retry = std::min(2 * retry, timing_.last_retry);
        }
        co_return false;
    }

    asio::awaitable<result<>> call(net::request_head const& head, std::string_view body) {
        constexpr std::size_t most_of_an_answer = 64 * std::size_t{1024};
        auto const until = std::chrono::steady_clock::now() + timing_.call_time;
        net::http_call one{client_};
        result<> sent = co_await one.send(head, body, until);
        if (!sent) co_return std::move(sent);
        auto const status = one.head().status;
        result<std::string> const answer = co_await one.read_all(most_of_an_answer, until);
        if (!answer) co_return answer.error();
        if (status / 100 != 2)
            co_return rejection{rejection_code::upstream_failed,
                                "the webhook answered with status " + std::to_string(status)};
        co_return result<>{};
    }

    net::http_client client_;
    secret key_;
    alert_timing timing_;
    asio::io_context& context_;
    asio::steady_timer pause_;
    bool stopped_ = false; // on the context's thread

    mutable std::mutex mutex_; // guards the rest
    std::deque<alert> waiting_;
    alert_counts counts_;
    bool busy_ = false; ///< a coroutine sends
};

alert_sender::alert_sender(alert_settings const& to, asio::io_context& on, alert_timing timing)
    : state_{to.webhook_url.empty() ? nullptr : std::make_shared<state>(to, on, timing)} {}

alert_sender::~alert_sender() {
    if (state_) state_->stop();
}

bool alert_sender::send(alert one) {
    if (!state_) return false;
    one.when = std::chrono::system_clock::now();
    return state_->send(std::move(one));
}

alert_counts alert_sender::counts() const { return state_ ? state_->counts() : alert_counts{}; }

} // namespace mcp_provider::server
