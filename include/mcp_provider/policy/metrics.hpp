// Counts exchanges, and shows the counts to Prometheus.
#pragma once

#include "mcp_provider/agent/audited.hpp"
#include "mcp_provider/core/result.hpp"
#include "mcp_provider/pipeline/exchange.hpp"
#include "mcp_provider/pipeline/policy.hpp"
#include "mcp_provider/policy/exchange_counters.hpp"
#include "mcp_provider/policy/exchange_metrics.hpp"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mcp_provider {

/// Counts every exchange of a pipeline under the name of its route. Place it behind `audit_log`; what an earlier policy
/// refuses is counted, but not among those that run. *Thread safety*: safe. *Complexity*: about ten atomic additions.
class metrics {
public:
    static constexpr std::string_view name = "metrics";

    /// `route` is a label: a path of the server's own, never one that a client made up.
    metrics(std::shared_ptr<exchange_metrics> all, std::string_view route)
        : all_{std::move(all)}, route_{all_->route(route)}, decisions_{all_->decisions()} {}

    result<counted_exchange> on_request() const { return counted_exchange{*all_}; }

    void on_complete(exchange const& done, audited const* generation) const noexcept {
        all_->ended(done.cause());
        route_->durations(done.request().verb(), done.status())
            .observe(done.ended() - done.started());
        if (done.status() < 400) route_->first_byte.observe(done.first_byte() - done.started());
        route_->request_bytes.add(done.request_bytes());
        route_->response_bytes.add(done.response_bytes());
        auto const policies = done.policies();
        if (done.admitted() == policies.size() || done.refusal() != nullptr)
            decisions_->add(policies.data(), policies.size(), done.admitted());
        if (generation == nullptr) return;
        route_->input_tokens.add(generation->notes().prompt_tokens);
        route_->output_tokens.add(generation->notes().completion_tokens);
    }

private:
    std::shared_ptr<exchange_metrics> all_;
    std::shared_ptr<route_counters> route_;
    std::shared_ptr<decision_counters> decisions_;
};

static_assert(policy<metrics>);

/// Shows `exchange_metrics` to Prometheus. *Thread safety*: safe.
class metrics_collector final : public prometheus::Collectable {
public:
    explicit metrics_collector(std::shared_ptr<exchange_metrics const> from) noexcept
        : from_{std::move(from)} {}

    [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override {
        using kind = prometheus::MetricType;
        std::vector<prometheus::MetricFamily> out;
        out.reserve(9); // the references below must stay good
        auto const family = [&](char const* title, char const* help, kind type) -> auto& {
            return out.emplace_back(prometheus::MetricFamily{title, help, type, {}}).metric;
        };
        auto& durations =
            family("http_server_request_duration_seconds", "Head to last byte", kind::Histogram);
        auto& requests =
            family("http_server_requests_total", "Exchanges that ended", kind::Counter);
        auto& first = family("http_server_first_byte_seconds",
                             "Head to first byte of a good answer", kind::Histogram);
        auto& received = family("http_server_request_bytes_total", "Bytes read", kind::Counter);
        auto& sent = family("http_server_response_bytes_total", "Bytes written", kind::Counter);
        auto& tokens =
            family("gen_ai_client_tokens_total", "Tokens of prompts and answers", kind::Counter);
        for (auto const& one : from_->routes()) {
            labels const route{{"route", one->route()}};
            for (std::size_t m = 0; m != route_counters::methods.size(); ++m)
                for (std::size_t c = 0; c != route_counters::classes.size(); ++c) {
                    auto spread = histogram(with(with(route, "method", route_counters::methods[m]),
                                                 "status_class", route_counters::classes[c]),
                                            one->durations(m, c));
                    if (spread.histogram.sample_count == 0) continue;
                    requests.push_back(counter(spread.label, spread.histogram.sample_count));
                    durations.push_back(std::move(spread));
                }
            first.push_back(histogram(route, one->first_byte));
            received.push_back(counter(route, one->request_bytes.value()));
            sent.push_back(counter(route, one->response_bytes.value()));
            tokens.push_back(counter(with(route, "type", "input"), one->input_tokens.value()));
            tokens.push_back(counter(with(route, "type", "output"), one->output_tokens.value()));
        }
        family("http_server_active_requests", "Exchanges that run", kind::Gauge)
            .emplace_back()
            .gauge.value = static_cast<double>(from_->active());
        auto& causes =
            family("http_server_exchanges_ended_total", "Exchanges by cause of end", kind::Counter);
        for (std::uint8_t i = 0; i <= static_cast<std::uint8_t>(end_cause::drained); ++i)
            causes.push_back(
                counter(with({}, "cause", name_of(end_cause{i})), from_->ended_by(end_cause{i})));
        auto& decisions =
            family("policy_decisions_total", "What each policy decided", kind::Counter);
        for (auto const& [decided, count] : from_->decided())
            decisions.push_back(counter(with(with({}, "policy", decided.first), "decision",
                                             decided.second ? "admitted" : "refused"),
                                        count));
        return out;
    }

private:
    using labels = std::vector<prometheus::ClientMetric::Label>;

    static labels with(labels some, std::string_view name, std::string_view value) {
        some.push_back({std::string{name}, std::string{value}});
        return some;
    }
    static prometheus::ClientMetric counter(labels of, std::uint64_t value) {
        prometheus::ClientMetric out;
        out.label = std::move(of);
        out.counter.value = static_cast<double>(value);
        return out;
    }
    static prometheus::ClientMetric histogram(labels of, duration_tally const& from) {
        prometheus::ClientMetric out;
        out.label = std::move(of);
        auto& to = out.histogram;
        for (std::size_t i = 0; i <= duration_tally::bounds.size(); ++i) {
            to.sample_count += from.bucket(i);
            bool const last = i == duration_tally::bounds.size();
            to.bucket.push_back({to.sample_count, last ? std::numeric_limits<double>::infinity()
                                                       : duration_tally::bounds[i]});
        }
        to.sample_sum = from.sum_seconds();
        return out;
    }

    std::shared_ptr<exchange_metrics const> from_;
};

} // namespace mcp_provider
