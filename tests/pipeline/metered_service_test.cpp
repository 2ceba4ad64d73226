#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/metrics.hpp"
#include "mcp_provider/testing/channel.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/run.hpp"

#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_request;

namespace {

struct picky {
    static constexpr std::string_view name = "picky";
    result<> on_request(http::request const& asked) const {
        if (asked.query() == "no") return rejection{rejection_code::forbidden, "no"};
        return {};
    }
};

std::string shown(std::shared_ptr<exchange_metrics> const& all) {
    return prometheus::TextSerializer{}.Serialize(metrics_collector{all}.Collect());
}

bool has_line(std::string const& text, std::string_view line) {
    return ("\n" + text).find("\n" + std::string{line} + "\n") != std::string::npos;
}

auto service_with(std::shared_ptr<exchange_metrics> const& all, std::string_view route) {
    return pipeline(metrics{all, route}, picky{})
        .handle([](http::request const& asked) -> result<http::response> {
            if (asked.query() == "broken")
                return rejection{rejection_code::upstream_failed, "no upstream"};
            return http::response{200, "text/plain", "hello"};
        });
}

template <class Service>
void ask(Service const& one, std::string_view method, std::string_view target) {
    fake_request const asked{method, target};
    testing::channel io;
    testing::run(one.serve(asked, io));
}

} // namespace

TEST_CASE("a service with metrics counts exchanges by method, route and class of status") {
    auto const all = std::make_shared<exchange_metrics>();
    auto const chat = service_with(all, "/api/chat");
    ask(chat, "POST", "/api/chat");
    ask(chat, "POST", "/api/chat");
    ask(chat, "POST", "/api/chat?no");
    ask(chat, "HEAD", "/api/chat");
    ask(chat, "BREW", "/api/chat?broken");

    std::string const text = shown(all);

    CHECK(has_line(
        text,
        R"(http_server_requests_total{route="/api/chat",method="POST",status_class="2xx"} 2)"));
    CHECK(has_line(
        text,
        R"(http_server_requests_total{route="/api/chat",method="POST",status_class="4xx"} 1)"));
    CHECK(has_line(
        text,
        R"(http_server_requests_total{route="/api/chat",method="HEAD",status_class="2xx"} 1)"));
    CHECK(has_line(
        text,
        R"(http_server_requests_total{route="/api/chat",method="other",status_class="5xx"} 1)"));
    CHECK(has_line(
        text,
        R"(http_server_request_duration_seconds_count{route="/api/chat",method="POST",status_class="2xx"} 2)"));
    CHECK(has_line(text, R"(http_server_first_byte_seconds_count{route="/api/chat"} 3)"));
    CHECK(has_line(text, R"(http_server_exchanges_ended_total{cause="completed"} 3)"));
    CHECK(has_line(text, R"(http_server_exchanges_ended_total{cause="refused"} 2)"));
    CHECK(text.find("BREW") == std::string::npos);
    CHECK(text.find("GET") == std::string::npos);
}

TEST_CASE("a service with metrics counts what each policy decided") {
    auto const all = std::make_shared<exchange_metrics>();
    auto const chat = service_with(all, "/api/chat");
    for (int i = 0; i != 3; ++i) ask(chat, "GET", "/");
    ask(chat, "GET", "/?no");
    ask(chat, "GET", "/?broken"); // refused by the handler, not by a policy

    std::string const text = shown(all);

    CHECK(has_line(text, R"(policy_decisions_total{policy="metrics",decision="admitted"} 5)"));
    CHECK(has_line(text, R"(policy_decisions_total{policy="metrics",decision="refused"} 0)"));
    CHECK(has_line(text, R"(policy_decisions_total{policy="picky",decision="admitted"} 4)"));
    CHECK(has_line(text, R"(policy_decisions_total{policy="picky",decision="refused"} 1)"));
}

TEST_CASE("a service with metrics goes on counting when a reload has replaced the pipelines") {
    auto const all = std::make_shared<exchange_metrics>();
    for (int generation = 0; generation != 3; ++generation) {
        ask(service_with(all, "/api/chat"), "GET", "/");
        CHECK(
            has_line(shown(all), R"(policy_decisions_total{policy="picky",decision="admitted"} )" +
                                     std::to_string(generation + 1)));
    }
    CHECK(has_line(
        shown(all),
        R"(http_server_requests_total{route="/api/chat",method="GET",status_class="2xx"} 3)"));
}
