#include "mcp_provider/json/parse.hpp"
#include "mcp_provider/json/rpc.hpp"

#include <boost/json/serialize.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using namespace mcp_provider;

namespace {

boost::json::value parsed(std::string_view text) {
    auto document = json::parse(text);
    REQUIRE(document);
    return *std::move(document);
}

std::string complaint(std::string_view text,
                      rpc::version_member version = rpc::version_member::required) {
    auto const document = parsed(text);
    auto const message = rpc::read(document, version);
    REQUIRE_MESSAGE(!message, text);
    CHECK(message.error().code() == rejection_code::bad_request);
    CHECK(message.error().reason() == "invalid_message");
    CHECK(rpc::code_of(message.error()) == rpc::invalid_request);
    return message.error().message();
}

} // namespace

TEST_CASE("rpc tells requests, notifications, responses and errors apart") {
    auto const request = parsed(R"({"jsonrpc":"2.0","id":7,"method":"m","params":{"a":1}})");
    auto const notification = parsed(R"({"jsonrpc":"2.0","method":"n","params":[1]})");
    auto const response = parsed(R"({"jsonrpc":"2.0","id":"x","result":null})");
    auto const error =
        parsed(R"({"jsonrpc":"2.0","id":8,"error":{"code":-32601,"message":"no","data":{"k":2}}})");

    auto const asked = rpc::read(request);
    REQUIRE(asked);
    CHECK(asked->is_request());
    CHECK_FALSE(asked->is_answer());
    CHECK(asked->id() == rpc::id{7});
    CHECK(asked->method() == "m");
    CHECK(asked->params() == &request.at("params"));
    CHECK(asked->result() == nullptr);

    auto const told = rpc::read(notification);
    REQUIRE(told);
    CHECK(told->is_notification());
    CHECK(told->id().is_null());
    CHECK(told->params()->is_array());

    auto const answered = rpc::read(response);
    REQUIRE(answered);
    CHECK(answered->kind() == rpc::kind::response);
    CHECK(answered->is_answer());
    CHECK(answered->id() == rpc::id{"x"});
    CHECK(answered->result()->is_null());
    CHECK(answered->params() == nullptr);
    CHECK(answered->method().empty());

    auto const failed = rpc::read(error);
    REQUIRE(failed);
    CHECK(failed->kind() == rpc::kind::error);
    CHECK(failed->is_answer());
    CHECK(failed->error_code() == rpc::method_not_found);
    CHECK(failed->error_message() == "no");
    CHECK(failed->error_data() == &error.at("error").at("data"));
    CHECK(failed->result() == nullptr);
}

TEST_CASE("rpc takes integers and strings as ids, and null only in an error") {
    for (std::string_view good : {"0", "-1", "5.0", "9223372036854775807", R"("")", R"("1")"})
        CHECK_MESSAGE(
            rpc::read(parsed(R"({"jsonrpc":"2.0","method":"m","id":)" + std::string{good} + "}")),
            good);
    for (std::string_view bad :
         {"null", "1.5", "true", "[]", "{}", "9223372036854775808", "1e300"}) {
        CHECK(complaint(R"({"jsonrpc":"2.0","method":"m","id":)" + std::string{bad} + "}") ==
              "id must be a whole number or a string");
        CHECK(complaint(R"({"jsonrpc":"2.0","result":1,"id":)" + std::string{bad} + "}") ==
              "a result needs the id of its request");
    }
    CHECK(rpc::id{1} != rpc::id{"1"});

    auto const nameless = parsed(R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})");
    REQUIRE(rpc::read(nameless));
    CHECK(rpc::read(nameless)->id().is_null());
    CHECK(rpc::read(parsed(R"({"jsonrpc":"2.0","error":{"code":1,"message":""}})")));
    CHECK(complaint(R"({"jsonrpc":"2.0","id":{},"error":{"code":1,"message":""}})") ==
          "id must be a whole number, a string or null");
}

TEST_CASE("rpc refuses what is no message, and says why") {
    CHECK(complaint("[]") == "a batch stands where one message is expected");
    CHECK(complaint(R"([{"jsonrpc":"2.0","method":"m"}])") ==
          "a batch stands where one message is expected");
    CHECK(complaint("5") == "a message must be an object");
    CHECK(complaint("{}") == "jsonrpc must be \"2.0\"; it is missing");
    CHECK(complaint(R"({"jsonrpc":2.0,"method":"m"})") == "jsonrpc must be \"2.0\"");
    CHECK(complaint(R"({"jsonrpc":"1.0","method":"m"})") == "jsonrpc must be \"2.0\"");
    CHECK(complaint(R"({"jsonrpc":"2.0"})") == "a message needs a method, a result or an error");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1})") ==
          "a message needs a method, a result or an error");
    CHECK(complaint(R"({"jsonrpc":"2.0","method":5})") ==
          "method must be a string that is not empty");
    CHECK(complaint(R"({"jsonrpc":"2.0","method":""})") ==
          "method must be a string that is not empty");
    CHECK(complaint(R"({"jsonrpc":"2.0","method":"m","params":"p"})") ==
          "params must be an object or an array");
    CHECK(complaint(R"({"jsonrpc":"2.0","method":"m","id":1,"result":1})") ==
          "a message with a method has no result and no error");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}})") ==
          "an answer has a result or an error, not both");
    CHECK(complaint(R"({"jsonrpc":"2.0","result":1})") == "a result needs the id of its request");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"error":"no"})") == "error must be an object");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"error":{"message":""}})") ==
          "error.code must be a whole number");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"error":{"code":1.5,"message":""}})") ==
          "error.code must be a whole number");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}})") ==
          "error.code must be a whole number");
    CHECK(complaint(R"({"jsonrpc":"2.0","id":1,"error":{"code":1}})") ==
          "error.message must be a string");
}

TEST_CASE("rpc reads null params as none, and keeps members it does not know out of the way") {
    auto const document =
        parsed(R"({"jsonrpc":"2.0","method":"m","params":null,"emittedAtMs":5,"id":1})");

    auto const message = rpc::read(document);

    REQUIRE(message);
    CHECK(message->params() == nullptr);
    CHECK(message->is_request());
}

TEST_CASE("rpc reads messages without the jsonrpc member where a peer leaves it out") {
    constexpr auto loose = rpc::version_member::left_out;
    auto const bare = parsed(R"({"id":0,"method":"initialize"})");
    auto const full = parsed(R"({"jsonrpc":"2.0","id":0,"result":{}})");

    CHECK(rpc::read(bare, loose));
    CHECK_FALSE(rpc::read(bare));
    CHECK(rpc::read(full, loose));
    CHECK(complaint(R"({"jsonrpc":"1.0","method":"m"})", loose) == "jsonrpc must be \"2.0\"");
}

TEST_CASE("rpc finds the id of a message that is refused") {
    CHECK(rpc::id_of(parsed(R"({"id":"d1","method":5})")) == rpc::id{"d1"});
    CHECK(rpc::id_of(parsed(R"({"id":3})")) == rpc::id{3});
    for (std::string_view none : {"[]", "5", "{}", R"({"id":{}})", R"({"id":null})"})
        CHECK_MESSAGE(rpc::id_of(parsed(none)).is_null(), none);
}

TEST_CASE("rpc answers text that is no JSON with -32700, and text that is too long with -32600") {
    json::parse_limits limits;
    limits.max_bytes = 8;
    limits.max_depth = 2;

    CHECK(rpc::code_of(json::parse("{", limits).error()) == rpc::parse_error);
    CHECK(rpc::code_of(json::parse("[[[]]]", limits).error()) == rpc::parse_error);
    CHECK(rpc::code_of(json::parse("[[]]     ", limits).error()) == rpc::invalid_request);
    CHECK(json::parse("[[]]    ", limits));
}

TEST_CASE("rpc writes what it reads") {
    std::string out;
    rpc::append_request(out, rpc::id{7}, "tools/call", R"({"name":"x"})");
    CHECK(out == R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}})");
    out.clear();
    rpc::append_request(out, rpc::id{"a\"b"}, "ping");
    CHECK(out == R"({"jsonrpc":"2.0","id":"a\"b","method":"ping"})");
    out.clear();
    rpc::append_notification(out, "session/cancel", R"({"sessionId":"s"})");
    CHECK(out == R"({"jsonrpc":"2.0","method":"session/cancel","params":{"sessionId":"s"}})");
    out.clear();
    rpc::append_result(out, rpc::id{std::numeric_limits<std::int64_t>::min()}, "{}");
    CHECK(out == R"({"jsonrpc":"2.0","id":-9223372036854775808,"result":{}})");
    out.clear();
    rpc::append_error(out, rpc::id{}, rpc::parse_error, "line\n1");
    CHECK(out == R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"line\n1"}})");
    out.clear();
    rpc::append_error(out, rpc::id{1}, -32022, "no", R"({"supported":[]})");
    CHECK(
        out ==
        R"({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":[]}}})");
}

TEST_CASE("rpc writes messages without the jsonrpc member for a peer that leaves it out") {
    constexpr auto loose = rpc::version_member::left_out;
    std::string out;
    rpc::append_request(out, rpc::id{0}, "initialize", "{}", loose);
    CHECK(out == R"({"id":0,"method":"initialize","params":{}})");
    out.clear();
    rpc::append_notification(out, "initialized", {}, loose);
    CHECK(out == R"({"method":"initialized"})");
    out.clear();
    rpc::append_result(out, rpc::id{1}, "[]", loose);
    CHECK(out == R"({"id":1,"result":[]})");
    out.clear();
    rpc::append_error(out, rpc::id{1}, rpc::internal_error, "x", {}, loose);
    CHECK(out == R"({"id":1,"error":{"code":-32603,"message":"x"}})");
}
