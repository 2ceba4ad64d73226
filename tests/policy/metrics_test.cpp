#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/testing/audited_access.hpp"
#include "mcp_provider/testing/fake_exchange.hpp"
#include "mcp_provider/testing/fake_request.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::fake_exchange;
using testing::fake_request;

namespace {

/// Each number that is shown, as `name label=value ...`; of histograms how many were counted.
struct shown {
    explicit shown(std::shared_ptr<exchange_metrics const> const& all) {
        for (auto const& family : metrics_collector{all}.Collect())
            for (auto const& one : family.metric) {
                std::string line = family.name;
                for (auto const& label : one.label) line += ' ' + label.name + '=' + label.value;
                lines.push_back(line);
                auto const counted = static_cast<double>(one.histogram.sample_count);
                values.push_back(one.counter.value + one.gauge.value + counted);
            }
    }
    /// -1 for what is not shown.
    double operator[](std::string_view line) const {
        for (std::size_t i = 0; i != lines.size(); ++i)
            if (lines[i] == line) return values[i];
        return -1;
    }

    std::vector<std::string> lines;
    std::vector<double> values;
};

} // namespace

TEST_CASE("metrics count exchanges by method, route and class of status") {
    auto const all = std::make_shared<exchange_metrics>();
    metrics const policy{all, "/api/chat"};
    fake_request const post{"POST", "/api/chat"};
    fake_request const made_up{"BREW", "/api/chat"};
    rejection const no{rejection_code::forbidden, "no"};

    policy.on_complete(fake_exchange{post}.bytes(10, 20).took(2ms, 3s), nullptr);
    policy.on_complete(fake_exchange{post}.bytes(1, 2).took(2ms, 3s), nullptr);
    policy.on_complete(fake_exchange{post}.refused("picky", no), nullptr);
    policy.on_complete(fake_exchange{made_up}.fault("out of paper"), nullptr);

    shown const now{all};
    std::string const requests = "http_server_requests_total route=/api/chat method=";
    CHECK(now[requests + "POST status_class=2xx"] == 2);
    CHECK(now[requests + "POST status_class=4xx"] == 1);
    CHECK(now[requests + "other status_class=5xx"] == 1);
    CHECK(now[requests + "GET status_class=2xx"] == -1);
    CHECK(now["http_server_request_duration_seconds route=/api/chat method=POST "
              "status_class=2xx"] == 2);
    CHECK(now["http_server_first_byte_seconds route=/api/chat"] == 2);
    CHECK(now["http_server_request_bytes_total route=/api/chat"] == 11);
    CHECK(now["http_server_response_bytes_total route=/api/chat"] == 22);
    CHECK(now["http_server_exchanges_ended_total cause=completed"] == 2);
    CHECK(now["http_server_exchanges_ended_total cause=refused"] == 1);
    CHECK(now["http_server_exchanges_ended_total cause=failed"] == 1);
}

TEST_CASE("metrics count what each policy decided, but not who never got to decide") {
    auto const all = std::make_shared<exchange_metrics>();
    metrics const policy{all, "/"};
    fake_request const asked;
    static constexpr std::string_view names[] = {"metrics", "picky"};
    rejection const no{rejection_code::forbidden, "no"};

    policy.on_complete(fake_exchange{asked}.through(names, 2), nullptr);
    policy.on_complete(fake_exchange{asked}.through(names, 1).refused("picky", no), nullptr);
    policy.on_complete(fake_exchange{asked}.through(names, 2).refused("handler", no), nullptr);
    policy.on_complete(fake_exchange{asked}.through(names, 1).ended_by(end_cause::client_gone),
                       nullptr);

    shown const now{all};
    CHECK(now["policy_decisions_total policy=metrics decision=admitted"] == 3);
    CHECK(now["policy_decisions_total policy=metrics decision=refused"] == 0);
    CHECK(now["policy_decisions_total policy=picky decision=admitted"] == 2);
    CHECK(now["policy_decisions_total policy=picky decision=refused"] == 1);
}

TEST_CASE("metrics count the tokens that generation has noted") {
    auto const all = std::make_shared<exchange_metrics>();
    metrics const policy{all, "/api/chat"};
    auto const log = testing::audited_access::make();
    log.notes().prompt_tokens = 3;
    log.notes().completion_tokens = 4;
    fake_request const asked;

    policy.on_complete(fake_exchange{asked}, &log);

    CHECK(shown{all}["gen_ai_client_tokens_total route=/api/chat type=input"] == 3);
    CHECK(shown{all}["gen_ai_client_tokens_total route=/api/chat type=output"] == 4);
}

TEST_CASE("metrics count those that run, until they are over") {
    auto const all = std::make_shared<exchange_metrics>();
    metrics const policy{all, "/"};
    {
        auto const one = policy.on_request();
        auto const other = policy.on_request();
        CHECK(shown{all}["http_server_active_requests"] == 2);
    }
    CHECK(shown{all}["http_server_active_requests"] == 0);
}
