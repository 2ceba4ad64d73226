#include "mcp_provider/audit/record.hpp"
#include "mcp_provider/crypto/digest.hpp"
#include "mcp_provider/json/parse.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

using namespace mcp_provider;
using namespace std::chrono_literals;

namespace {

std::string members(audit::record const& one) {
    std::string out;
    audit::append_members(out, one);
    return out;
}

std::string timestamp(std::int64_t micros) {
    std::string out;
    append_timestamp(out, system_time{std::chrono::microseconds{micros}});
    return out;
}

} // namespace

TEST_CASE("append_members writes all members of the seed's AuditLogEntry and those of the "
          "contract, in fixed order") {
    audit::record one;
    one.timestamp = system_time{1'795'401'885s + 123'456us};
    one.type = audit::event_type::request;
    one.session_id = "ses_1";
    one.client_ip = "127.0.0.1";
    one.user_agent = "OpenAI/JS \"4.96\"";
    one.request_id = "req_00";
    one.endpoint = "/v1/chat/completions";
    one.method = "POST";
    one.status_code = 200;
    one.processing_time = 12'999us;
    one.request_size_bytes = 1024;
    one.response_size_bytes = 2048;
    one.prompt_hash = crypto::sha256("abc");
    one.error_details = "none";
    one.security_flags.add("suspicious_content");
    one.security_flags.add("suspicious_content");
    one.security_flags.add("redacted");
    one.principal_id = "uid:1000";
    one.local_uid = 1000;
    one.model = "echo:latest";
    one.prompt_tokens = 0;
    one.completion_tokens = 7;
    one.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    one.cause = "complete";
    one.refused_by = "rate_limit";
    one.reason = "rate_limit_exceeded";
    one.message = "m";
    one.dropped = 3;

    CHECK(
        members(one) ==
        R"("timestamp":"2026-11-23T02:44:45.123456Z","event_type":"REQUEST","session_id":"ses_1","client_ip":"127.0.0.1",)"
        R"("user_agent":"OpenAI/JS \"4.96\"","request_id":"req_00","endpoint":"/v1/chat/completions","method":"POST",)"
        R"("status_code":200,"processing_time_ms":12,"request_size_bytes":1024,"response_size_bytes":2048,)"
        R"("prompt_hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","error_details":"none",)"
        R"("principal_id":"uid:1000","local_uid":1000,"model":"echo:latest","prompt_tokens":0,"completion_tokens":7,)"
        R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","cause":"complete","refused_by":"rate_limit",)"
        R"("reason":"rate_limit_exceeded","message":"m","dropped":3,"security_flags":["suspicious_content","redacted"])");
}

TEST_CASE("append_members keeps the seed's members where there is nothing to say, and leaves the "
          "others out") {
    CHECK(
        members({}) ==
        R"("timestamp":"1970-01-01T00:00:00.000000Z","event_type":"REQUEST","session_id":"","client_ip":"","user_agent":"",)"
        R"("request_id":"","endpoint":"","method":"","status_code":0,"processing_time_ms":0,"request_size_bytes":0,)"
        R"("response_size_bytes":0,"prompt_hash":null,"error_details":null,"security_flags":[])");
}

TEST_CASE("append_members makes valid JSON of whatever a client sends") {
    audit::record one;
    one.user_agent = "\xff\"\\\n\x01\xE2\x82";
    one.endpoint = "/a\",\"mac\":\"x";
    one.security_flags.add("with \"quotes\"");
    auto const parsed = json::parse("{" + members(one) + "}");
    REQUIRE(parsed);
    CHECK(parsed->at("endpoint").as_string() == "/a\",\"mac\":\"x");
    CHECK(parsed->at("user_agent").as_string() == "\xEF\xBF\xBD\"\\\n\x01\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("append_members cuts texts that are too long between two characters, and says so") {
    std::string const longest(audit::max_text_bytes, 'a');
    audit::record one;
    one.user_agent = longest;
    CHECK(members(one).find("truncated") == std::string::npos);

    std::string const too_long = std::string(audit::max_text_bytes - 1, 'a') + "\xC3\xA9";
    one.user_agent = too_long;
    auto const parsed = json::parse("{" + members(one) + "}");
    REQUIRE(parsed);
    CHECK(std::string_view{parsed->at("user_agent").as_string()} ==
          std::string(audit::max_text_bytes - 1, 'a'));
    CHECK(parsed->at("security_flags").at(0).as_string() == "truncated");
}

TEST_CASE("security_flags says when there were more than it holds") {
    audit::record one;
    for (std::string_view name : {"a", "b", "c", "d", "e", "f", "g"}) one.security_flags.add(name);
    one.security_flags.add("");
    CHECK(members(one).ends_with(R"("security_flags":["a","b","c","d","e","f","more"])"));
}

TEST_CASE("append_timestamp is RFC 3339 in UTC with microseconds") {
    CHECK(timestamp(0) == "1970-01-01T00:00:00.000000Z");
    CHECK(timestamp(1) == "1970-01-01T00:00:00.000001Z");
    CHECK(timestamp(-1) == "1969-12-31T23:59:59.999999Z");
    CHECK(timestamp(951'782'400'000'000) == "2000-02-29T00:00:00.000000Z");
    CHECK(timestamp(1'709'251'199'999'999) == "2024-02-29T23:59:59.999999Z");
    CHECK(timestamp(4'102'444'800'000'000) == "2100-01-01T00:00:00.000000Z");
}

TEST_CASE("type_of makes one type of each way in which an exchange ends") {
    CHECK(audit::type_of(200, true, false) == audit::event_type::request);
    CHECK(audit::type_of(399, true, false) == audit::event_type::request);
    CHECK(audit::type_of(400, true, false) == audit::event_type::error);
    CHECK(audit::type_of(200, false, false) == audit::event_type::error);
    CHECK(audit::type_of(200, true, true) == audit::event_type::security);
    CHECK(audit::name_of(audit::event_type::response) == "RESPONSE");
}
