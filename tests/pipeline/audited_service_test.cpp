#include "mcp_provider/audit/sink.hpp"
#include "mcp_provider/pipeline/pipeline.hpp"
#include "mcp_provider/policy/address_block.hpp"
#include "mcp_provider/policy/audit_log.hpp"
#include "mcp_provider/policy/authenticate.hpp"
#include "mcp_provider/policy/local_origin.hpp"
#include "mcp_provider/policy/session_guard.hpp"
#include "mcp_provider/testing/channel.hpp"
#include "mcp_provider/testing/fake_request.hpp"
#include "mcp_provider/testing/manual_clock.hpp"
#include "mcp_provider/testing/run.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;
using testing::fake_peer;
using testing::fake_request;
using testing::manual_clock;

namespace {

struct no_key {
    std::shared_ptr<identity const> find(std::string_view) const { return nullptr; }
};

struct house {
    house() {
        auto some = std::make_shared<local_users>();
        some->add(1000);
        users = std::move(some);
    }

    /// A pipeline like a real one, which ends in `handler`.
    template <class Handler>
    auto serves(Handler handler, audit_choice what = {}) {
        return pipeline(audit_log{sink, what, clock},
                        local_origin{std::make_shared<origin_rules const>()},
                        address_block{std::make_shared<block_table>()},
                        authenticate{std::make_shared<no_key>(), users},
                        session_guard{std::make_shared<session_store<>>()})
            .handle(std::move(handler));
    }

    template <class Service>
    testing::channel& ask(Service const& one, http::request const& asked) {
        io = std::make_unique<testing::channel>();
        testing::run(one.serve(asked, *io));
        return *io;
    }

    /// The only record that there is.
    boost::json::object record() {
        auto const lines = sink.take();
        REQUIRE(lines.size() == 1);
        return boost::json::parse(lines.front()).as_object();
    }

    audit::memory_sink sink;
    manual_clock clock;
    std::shared_ptr<local_users const> users;
    std::unique_ptr<testing::channel> io;
};

http::response hello(audited const& log) {
    log.notes().model = "echo:latest";
    log.notes().prompt_hash = crypto::sha256("prompt");
    log.notes().prompt_tokens = 3;
    log.notes().completion_tokens = 4;
    log.notes().security_flags = "import_os,eval_call";
    return http::response{200, "text/plain", "hello"};
}

} // namespace

TEST_CASE(
    "a service with audit_log records an answered request with everything that is known of it") {
    house one;
    fake_request asked{"POST", "/api/chat?token=secret"};
    asked.with("User-Agent", "OpenAI/JS 4.96.0")
        .with("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");

    one.ask(one.serves(&hello), asked);

    auto const line = one.record();
    CHECK(line.at("timestamp") == "2026-01-01T00:00:00.000000Z");
    CHECK(line.at("event_type") == "REQUEST");
    CHECK(line.at("client_ip") == "127.0.0.1");
    CHECK(line.at("user_agent") == "OpenAI/JS 4.96.0");
    CHECK(line.at("request_id").as_string() == std::string{asked.get().id().text()});
    CHECK(line.at("endpoint") == "/api/chat");
    CHECK(line.at("method") == "POST");
    CHECK(line.at("status_code") == 200);
    CHECK(line.at("response_size_bytes") ==
          static_cast<std::int64_t>(testing::channel::head_bytes + 5));
    CHECK(line.at("session_id").as_string().starts_with("ses_"));
    CHECK(line.at("principal_id") == "uid:1000");
    CHECK(line.at("local_uid") == 1000);
    CHECK(line.at("model") == "echo:latest");
    CHECK(line.at("prompt_tokens") == 3);
    CHECK(line.at("completion_tokens") == 4);
    CHECK(line.at("prompt_hash").as_string().size() == 64);
    CHECK(line.at("trace_id") == "4bf92f3577b34da6a3ce929d0e0e4736");
    CHECK(line.at("cause") == "completed");
    CHECK(line.at("security_flags") == boost::json::value({"import_os", "eval_call"}));
    CHECK(!line.contains("refused_by"));
}

TEST_CASE("a service with audit_log records a refusal by origin as a security event, with the user "
          "who was refused") {
    house one;
    fake_peer const peer{2000};
    fake_request asked{"POST", "/api/chat?token=secret"};
    asked.with("Origin", "https://evil.example").from(peer);

    one.ask(one.serves(&hello), asked);

    auto const line = one.record();
    CHECK(line.at("event_type") == "SECURITY");
    CHECK(line.at("status_code") == 403);
    CHECK(line.at("refused_by") == "local_origin");
    CHECK(line.at("cause") == "refused");
    CHECK(line.at("local_uid") == 2000);
    CHECK(line.at("security_flags") == boost::json::value({"foreign_origin"}));
    CHECK(line.at("session_id") == "");
    CHECK(!line.contains("principal_id"));
}

TEST_CASE("a service with audit_log records a wrong token, and the token appears nowhere") {
    house one;
    fake_request asked{"POST", "/api/chat?key=sk-canary"};
    asked.with("Authorization", "Bearer sk-canary").with("x-api-key", "sk-canary");

    one.ask(one.serves(&hello), asked);

    auto const lines = one.sink.take();
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().find("canary") == std::string::npos);
    CHECK(lines.front().find("\"invalid_token\"") != std::string::npos);
    CHECK(lines.front().find("\"reason\":\"invalid_api_key\"") != std::string::npos);
}

TEST_CASE("a service with audit_log records what a handler refused and what it threw as errors") {
    house one;
    auto const refuse = []() -> result<http::response> {
        return rejection{rejection_code::not_found, "no such model"};
    };
    auto const explode = []() -> http::response { throw std::runtime_error{"out of paper"}; };

    one.ask(one.serves(refuse), fake_request{});
    auto line = one.record();
    CHECK(line.at("event_type") == "ERROR");
    CHECK(line.at("error_details") == "no such model");
    CHECK(line.at("refused_by") == "handler");

    auto const& io = one.ask(one.serves(explode), fake_request{});
    CHECK(io.text() == "internal error\n");
    line = one.record();
    CHECK(line.at("event_type") == "ERROR");
    CHECK(line.at("error_details") == "out of paper");
    CHECK(line.at("cause") == "failed");
}

TEST_CASE(
    "a service with audit_log leaves out what was not chosen, but never what concerns security") {
    house one;
    audit_choice nothing;
    nothing.requests = nothing.errors = false;
    auto const refuse = []() -> result<http::response> {
        return rejection{rejection_code::not_found, "no such model"};
    };
    fake_request foreign;
    foreign.with("Origin", "https://evil.example");

    one.ask(one.serves(&hello, nothing), fake_request{});
    one.ask(one.serves(refuse, nothing), fake_request{});
    CHECK(one.sink.lines().empty());
    one.ask(one.serves(&hello, nothing), foreign);
    CHECK(one.record().at("event_type") == "SECURITY");

    audit_choice only_errors;
    only_errors.requests = false;
    one.ask(one.serves(&hello, only_errors), fake_request{});
    one.ask(one.serves(refuse, only_errors), fake_request{});
    CHECK(one.record().at("event_type") == "ERROR");
}

TEST_CASE("a service with audit_log takes no new work while its sink does not accept any") {
    audit::memory_sink full{0};
    auto const service = pipeline(audit_log{full}).handle(&hello);
    testing::channel io;
    fake_request const asked;

    testing::run(service.serve(asked, io));

    CHECK(io.status() == 503);
    CHECK(io.fields().get("Retry-After") == "5");
}
