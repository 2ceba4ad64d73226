#include "admitted.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/testing/fake_exchange.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;
using testing::fake_exchange;
using testing::fake_peer;
using testing::fake_request;
using testing::manual_clock;
using testing::someone;

namespace {

struct house {
    /// What was written about the exchange; empty where nothing was.
    std::string record(exchange const& done, audit_choice what = {}, principal const* who = nullptr,
                       session const* in = nullptr, audited const* generation = nullptr) {
        audit_log<manual_clock>{sink, what, clock}.on_complete(done, who, in, generation);
        auto const lines = sink.take();
        return lines.empty() ? std::string{} : lines.front();
    }

    audit::memory_sink sink;
    manual_clock clock;
};

rejection foreign() {
    return rejection{rejection_code::forbidden, "not from here"}.as_security_event(
        "foreign_origin");
}
rejection missing() { return {rejection_code::not_found, "no such model"}; }

bool has(std::string const& line, std::string_view part) {
    return line.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("audit_log records an answered request with everything that is known of it") {
    house one;
    fake_request asked{"POST", "/api/chat?token=secret"};
    asked.with("User-Agent", "OpenAI/JS 4.96.0")
        .with("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    auto const who = someone("key_1");
    auto const in = testing::session_of(who);
    auto const log = audit_log<manual_clock>{one.sink, {}, one.clock}.on_request(asked);
    log->notes().model = "echo:latest";
    log->notes().prompt_hash.emplace().fill(0x11);
    log->notes().prompt_tokens = 3;
    log->notes().completion_tokens = 4;
    log->notes().security_flags = "import_os,eval_call";
    fake_exchange done{asked};
    done.bytes(10, 20).took(1ms, 2999us);

    auto const line = one.record(done, {}, &who, &in, &*log);

    CHECK(has(line, R"("timestamp":"2026-01-01T00:00:00.000000Z")"));
    CHECK(has(line, R"("event_type":"REQUEST")"));
    CHECK(has(line, R"("client_ip":"127.0.0.1")"));
    CHECK(has(line, R"("user_agent":"OpenAI/JS 4.96.0")"));
    CHECK(has(line, R"("request_id":")" + std::string{asked.get().id().text()} + '"'));
    CHECK(has(line, R"("endpoint":"/api/chat")"));
    CHECK(has(line, R"("method":"POST")"));
    CHECK(has(line, R"("status_code":200)"));
    CHECK(has(line, R"("processing_time_ms":2)"));
    CHECK(has(line, R"("request_size_bytes":10)"));
    CHECK(has(line, R"("response_size_bytes":20)"));
    CHECK(has(line, R"("session_id":")" + in.id() + '"'));
    CHECK(has(line, R"("principal_id":"key_1")"));
    CHECK(has(line, R"("local_uid":1000)"));
    CHECK(has(line, R"("model":"echo:latest")"));
    CHECK(has(line, R"("prompt_tokens":3)"));
    CHECK(has(line, R"("completion_tokens":4)"));
    CHECK(has(line, R"("prompt_hash":")" + std::string(64, '1') + '"'));
    CHECK(has(line, R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736")"));
    CHECK(has(line, R"("cause":"completed")"));
    CHECK(has(line, R"("security_flags":["import_os","eval_call"])"));
    CHECK(!has(line, "refused_by"));
}

TEST_CASE(
    "audit_log records a refusal by origin as a security event, with the user who was refused") {
    house one;
    fake_peer const peer{2000};
    fake_request asked{"POST", "/api/chat?token=secret"};
    asked.from(peer);

    auto const line = one.record(fake_exchange{asked}.refused("local_origin", foreign()));

    CHECK(has(line, R"("event_type":"SECURITY")"));
    CHECK(has(line, R"("status_code":403)"));
    CHECK(has(line, R"("refused_by":"local_origin")"));
    CHECK(has(line, R"("cause":"refused")"));
    CHECK(has(line, R"("local_uid":2000)"));
    CHECK(has(line, R"("security_flags":["foreign_origin"])"));
    CHECK(has(line, R"("session_id":"")"));
    CHECK(!has(line, "principal_id"));
}

TEST_CASE("audit_log writes neither tokens nor queries") {
    house one;
    fake_request asked{"POST", "/api/chat?key=sk-canary"};
    asked.with("Authorization", "Bearer sk-canary").with("x-api-key", "sk-canary");

    auto const line = one.record(fake_exchange{asked});

    CHECK(has(line, "/api/chat"));
    CHECK(!has(line, "canary"));
}

TEST_CASE("audit_log records what was refused and what broke as errors") {
    house one;
    fake_request const asked;

    auto line = one.record(fake_exchange{asked}.refused("handler", missing()));
    CHECK(has(line, R"("event_type":"ERROR")"));
    CHECK(has(line, R"("error_details":"no such model")"));
    CHECK(has(line, R"("refused_by":"handler")"));

    line = one.record(fake_exchange{asked}.fault("out of paper"));
    CHECK(has(line, R"("event_type":"ERROR")"));
    CHECK(has(line, R"("error_details":"out of paper")"));
    CHECK(has(line, R"("cause":"failed")"));

    line = one.record(fake_exchange{asked}.ended_by(end_cause::client_gone));
    CHECK(has(line, R"("event_type":"ERROR")"));
    CHECK(has(line, R"("cause":"client_gone")"));
}

TEST_CASE("audit_log leaves out what was not chosen, but never what concerns security") {
    house one;
    fake_request const asked;
    audit_choice nothing;
    nothing.requests = nothing.errors = false;
    audit_choice only_errors;
    only_errors.requests = false;

    CHECK(one.record(fake_exchange{asked}, nothing).empty());
    CHECK(one.record(fake_exchange{asked}.refused("handler", missing()), nothing).empty());
    CHECK(!one.record(fake_exchange{asked}.refused("local_origin", foreign()), nothing).empty());
    CHECK(one.record(fake_exchange{asked}, only_errors).empty());
    CHECK(!one.record(fake_exchange{asked}.refused("handler", missing()), only_errors).empty());
}

TEST_CASE("audit_log takes no new work while its sink does not accept any") {
    audit::memory_sink full{0};

    auto const refused = audit_log<manual_clock>{full}.on_request(fake_request{});

    REQUIRE(!refused);
    CHECK(refused.error().status() == 503);
    CHECK(refused.error().retry_after() == 5s);
}
